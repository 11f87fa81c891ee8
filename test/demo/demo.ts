// `npm run demo`: builds bssh, starts the sandbox and lets tour.ts log in inside it. With a terminal the person types the code;
// without one mfa_command answers.
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isatty } from "node:tty";
import { needs } from "../needs.ts";

const root = resolve(import.meta.dir, "../..");
const bssh = join(root, "dist/bssh");

/** Folders of sandboxes that are there. */
function sandboxes(): Set<string> {
  return new Set(readdirSync(tmpdir()).filter((name) => /^bssh-[A-Za-z0-9]{12}$/.test(name)));
}

function run(words: readonly string[]): number {
  // Ctrl-C is for the one who is asked; this process waits for how it ends.
  process.on("SIGINT", () => {});
  const { exitCode } = Bun.spawnSync([...words], { cwd: root, stdio: ["inherit", "inherit", "inherit"] });
  return exitCode ?? 1;
}

if (!needs("demo")) process.exit(1);
console.log("Compiling bssh …");
if (run([process.execPath, join(root, ".ci/build.ts")]) !== 0) process.exit(1);

const before = sandboxes();
const ask = isatty(0) && isatty(1) ? ["--ask"] : [];
const status = run([bssh, "sandbox", ...ask, "--", process.execPath, join(import.meta.dir, "tour.ts"), ...ask]);
const left = [...sandboxes()].filter((name) => !before.has(name));
if (status === 0) console.log(left.length === 0 ? "\nThe sandbox is gone, and nothing of it is left." : "");
for (const name of left) console.log(`left behind: ${join(tmpdir(), name)}`);
process.exit(status !== 0 ? status : left.length);
