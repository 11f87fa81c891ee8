import type { Command, Scenario } from "./scenario.ts";
import { difference } from "./scenario.ts";
import { findLeaks, type Output, readFolder } from "./secrets.ts";
import { startWorld, type TestWorld, type Wishes, writeFiles } from "./world.ts";

export type Finding = {
  /** What was not as the scenario says; stays empty when it isn't judged. */
  readonly wrong: readonly string[];
  /** Where a secret was printed or written. */
  readonly leaks: readonly string[];
  readonly secrets: number;
  readonly codes: number;
  readonly outputs: number;
};

export type Said = {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
  /** Actions that AWS was asked for, in the order in which they were answered. */
  readonly actions: readonly string[];
};

/** A command that hangs is ended, and all it started. */
const LIMIT_MS = 45_000;

/** Plays a scenario in a world of its own. `debug`: with BLESSDEBUG=1, and nothing but leaks is looked at. */
export async function runScenario(scenario: Scenario, debug: boolean): Promise<Finding> {
  const world = await startWorld(scenario.world as Wishes, debug);
  const outputs: Output[] = [];
  const wrong: string[] = [];
  try {
    writeFiles(world, scenario.files);
    for (const step of scenario.steps) {
      if ("deed" in step) {
        world.perform(step.deed);
        continue;
      }
      const said = await runCommand(world, step.command);
      outputs.push({ name: step.command, text: said.stdout + said.stderr });
      if (!debug) wrong.push(...judge(world, step, said));
    }
    const folder = readFolder(world.folder.root);
    outputs.push(...folder.outputs);
    const secrets = [...world.secrets(), ...folder.keyLines];
    const { codes } = world.overheard;
    const leaks = findLeaks(outputs, secrets, codes).map((leak) => `${scenario.promise}: ${leak}`);
    return { wrong, leaks, secrets: secrets.length, codes: codes.size, outputs: outputs.length };
  } finally {
    await world.stop();
  }
}

/** Runs a command by sh in the world's home, in a session of its own: without a terminal. */
export async function runCommand(world: TestWorld, command: string): Promise<Said> {
  const before = world.log.length;
  const child = Bun.spawn(["/bin/sh", "-c", command.replaceAll("SANDBOX", world.folder.root)], {
    env: { ...world.environment },
    cwd: world.folder.home,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const ending = setTimeout(() => process.kill(-child.pid, "SIGKILL"), LIMIT_MS);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(ending);
  return { stdout, stderr, status, actions: world.log.slice(before).map((record) => record.action) };
}

function judge(world: TestWorld, step: Command, said: Said): string[] {
  const shown = (text: string) => text.replaceAll(world.folder.root, "SANDBOX");
  const wrong: string[] = [];
  for (const stream of ["stdout", "stderr"] as const) {
    const differs = difference(shown(said[stream]), step[stream]);
    if (differs !== null) wrong.push(`${stream} ${differs}`);
  }
  if (said.status !== step.status) wrong.push(`exit status ${said.status}, expected ${step.status}`);
  if (step.calls !== null) {
    const left = [...said.actions];
    const groups = step.calls.map((group) => left.splice(0, group.length).sort());
    if (left.length > 0) groups.push(left);
    const [asked, expected] = [groups, step.calls].map((list) => list.map((group) => group.join("|")).join(" "));
    if (asked !== expected) wrong.push(`AWS was asked (${asked}), expected (${expected})`);
  }
  return wrong.length === 0 ? [] : [`line ${step.line}: ${step.command}\n${wrong.join("\n")}`];
}
