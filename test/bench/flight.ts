// Many cold logins at once, in a world of the scenarios (ssh's place is taken by a program that only says what it got), and
// a holder of the lock that is killed while others wait.
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { heldBy } from "../../src/issue/single-flight.ts";
import type { TestWorld } from "../scenarios/world.ts";
import { median } from "./measure.ts";

export type FlightFigures = {
  readonly cold: {
    readonly logins: number;
    readonly good: number;
    readonly questions: number;
    /** How often AWS was asked for each. */
    readonly actions: Readonly<Record<string, number>>;
    /** Seconds from the first start to the last end; the question stays open until all others wait. */
    readonly seconds: number;
    /** Seconds from the answer to the question to the last end. */
    readonly handOver: number;
  };
  readonly killed: {
    readonly waiters: number;
    /** Milliseconds from kill -9 to the next one's having the lock, sorted. */
    readonly times: readonly number[];
    readonly median: number;
    /** Of those who were not killed, how many logged in, and of how many. */
    readonly good: number;
    readonly left: number;
  };
};

const HOST = "web1.sandbox.test";

/** `mfa_command` that counts its calls, and answers no sooner than it is allowed to. */
const COUNTING = `#!/bin/sh
echo $$ >>SANDBOX/questions
while [ -e SANDBOX/hold ]; do sleep 0.05; done
exec SANDBOX/bin/bssh sandbox mfa
`;

export async function measureFlight(bssh: string, logins: number, waiters: number): Promise<FlightFigures> {
  return { cold: await coldFleet(bssh, logins), killed: await killHolders(bssh, waiters, 5) };
}

async function coldFleet(bssh: string, logins: number): Promise<FlightFigures["cold"]> {
  const world = await newWorld(bssh);
  try {
    const from = performance.now();
    const crowd = startCrowd(world, logins);
    // Who waits says so after two seconds.
    await until("all the others to wait", () => crowd.lines() >= logins - 1, 250);
    const answered = performance.now();
    rmSync(join(world.folder.root, "hold"));
    const statuses = await Promise.all(crowd.children.map(({ exited }) => exited));
    const end = performance.now();
    crowd.close();
    const actions: Record<string, number> = {};
    for (const { action } of world.log) actions[action] = (actions[action] ?? 0) + 1;
    const questions = textOf(join(world.folder.root, "questions")).split("\n").length - 1;
    const good = statuses.filter((status) => status === 0).length;
    return { logins, good, questions, actions, seconds: (end - from) / 1000, handOver: (end - answered) / 1000 };
  } finally {
    await world.stop();
  }
}

async function killHolders(bssh: string, waiters: number, times: number): Promise<FlightFigures["killed"]> {
  const world = await newWorld(bssh);
  const lock = join(world.folder.state, "state/issuing.lock");
  const crowd = startCrowd(world, waiters + 1);
  try {
    // The lock file is read, and never locked from here: that would hold up who takes it.
    const holder = () => Number(/"pid":(\d+)/.exec(textOf(lock))?.[1] ?? 0);
    const took: number[] = [];
    const killed = new Set<number>();
    for (let time = 0; time < times; time++) {
      const rest = waiters + 1 - killed.size;
      await until("all the others to wait", () => crowd.lines() >= waiters && holder() > 0, 50);
      const pid = holder();
      if (heldBy(join(world.folder.state, "state"))?.pid !== pid || rest < 2) throw new Error("nobody has the lock");
      killed.add(pid);
      const from = performance.now();
      process.kill(pid, "SIGKILL");
      await until("the next one", () => ![0, pid].includes(holder()), 1);
      took.push(performance.now() - from);
      // Let those who lost the race go back to their place.
      await Bun.sleep(200);
    }
    rmSync(join(world.folder.root, "hold"));
    const living = crowd.children.filter(({ pid }) => !killed.has(pid));
    const statuses = await Promise.all(living.map(({ exited }) => exited));
    const good = statuses.filter((status) => status === 0).length;
    return { waiters, times: took.sort((one, other) => one - other), median: median(took), good, left: living.length };
  } finally {
    for (const child of crowd.children) child.kill("SIGKILL");
    crowd.close();
    await world.stop();
  }
}

async function newWorld(bssh: string): Promise<TestWorld> {
  // The world reads it when it is loaded; the sandbox around this takes it out.
  process.env["BSSH_EXECUTABLE"] = bssh;
  const { startWorld, writeFiles } = await import("../scenarios/world.ts");
  const world = await startWorld({ without: ["^mfa_command"], config: ['mfa_command = "SANDBOX/bin/counting"'] });
  writeFiles(world, new Map([["bin/counting", COUNTING]]));
  writeFileSync(join(world.folder.root, "hold"), "");
  return world;
}

/** So many logins at once; `lines` counts what they have said on stderr: one each, what is waited for. */
function startCrowd(world: TestWorld, count: number) {
  const said = join(world.folder.root, "said");
  const file = openSync(said, "a");
  const children = Array.from({ length: count }, () =>
    Bun.spawn([`${world.folder.bin}/bssh`, HOST, "true"], {
      env: world.environment,
      cwd: world.folder.root,
      stdio: ["ignore", "ignore", file],
    }),
  );
  return { children, lines: () => textOf(said).split("\n").length - 1, close: () => closeSync(file) };
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Looks every so many milliseconds, for two minutes. */
async function until(what: string, holds: () => boolean, everyMs: number): Promise<void> {
  const end = Date.now() + 120_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(everyMs);
  }
}
