// `npm run demo`: builds bssh, starts the sandbox and lets tour.ts log in inside it. On a terminal the person types the code;
// without one mfa_command answers.
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isatty } from "node:tty";
import { needs } from "../needs.ts";
import { processesOf } from "./processes.ts";

const root = resolve(import.meta.dir, "../..");
const bssh = join(root, "dist/bssh");

/** How long the last process of a sandbox may take to be gone, in milliseconds. */
const PATIENCE_MS = 3000;

let interrupted: NodeJS.Signals | null = null;
let running: Bun.Subprocess | null = null;
// The terminal gives Ctrl-C to the one who is asked as well; this process stays to see how it ends.
process.on("SIGINT", () => {
  interrupted ??= "SIGINT";
});
for (const signal of ["SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interrupted ??= signal;
    running?.kill(signal);
  });
}

async function run(words: readonly string[], added: Readonly<Record<string, string>> = {}): Promise<number> {
  if (interrupted !== null) return 130;
  running = Bun.spawn([...words], {
    cwd: root,
    env: { ...process.env, ...added },
    stdio: ["inherit", "inherit", "inherit"],
  });
  await running.exited;
  return running.exitCode ?? 130;
}

/** Whether there is a person who sees what is printed and can type. */
function hasTerminal(): boolean {
  if (!isatty(0) || !isatty(1)) return false;
  try {
    closeSync(openSync("/dev/tty", "r+"));
    return true;
  } catch {
    return false;
  }
}

/** A folder for the sandbox to lie in, so that what it leaves can be told from what others have there. */
function makeGround(): string {
  const base = /^\/[\w/.+-]{0,30}$/.test(tmpdir()) ? tmpdir() : "/tmp";
  return mkdtempSync(join(base, "bssh-demo-"));
}

/** What is left on the ground: files and processes. */
async function leftOn(ground: string): Promise<string[]> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const left = [...readdirSync(ground).map((name) => join(ground, name)), ...processesOf(ground)];
    if (left.length === 0 || Date.now() > until) return left;
    await Bun.sleep(20);
  }
}

async function demo(): Promise<number> {
  if (!needs("demo")) return 1;
  console.log("Compiling bssh …");
  const built = await run([process.execPath, join(root, ".ci/build.ts")]);
  if (built !== 0) return built;

  const ground = makeGround();
  const ask = hasTerminal() ? ["--ask"] : [];
  const tour = [process.execPath, join(import.meta.dir, "tour.ts"), ...ask];
  const status = await run([bssh, "sandbox", ...ask, "--", ...tour], { TMPDIR: ground });
  const left = await leftOn(ground);
  rmSync(ground, { recursive: true, force: true });
  for (const one of left) console.log(`left behind: ${one}`);
  if (left.length === 0) console.log("\nThe sandbox is gone: no file, no process and no agent of it is left.");
  return status === 0 && left.length > 0 ? 1 : status;
}

process.exit(await demo());
