// `npm run bench`: what bssh costs, beside plain ssh on the same machine in the same minutes. Words: words.ts.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { needs } from "../needs.ts";
import type { Figures } from "./inside.ts";
import { table } from "./measure.ts";
import { rowsOf } from "./rows.ts";
import { HELP, readWords } from "./words.ts";

const root = resolve(import.meta.dir, "../..");
/** An executable that is named is measured as it is; the one that ships is compiled first. */
const named = process.env["BSSH_EXECUTABLE"] ?? null;
const bssh = named ?? join(root, "dist/bssh");

/** `ssh -V` on the machine that the targets were set on, in milliseconds. */
const TARGETS_SSH_V = 1.5;

const words = readWords(process.argv.slice(2));
if (words === "help") {
  for (const line of HELP) console.log(line);
  process.exit(0);
}
if (words === null) {
  console.error(
    "bench: it takes --rounds with a whole number, --only with a part, and --json; for example npm run bench -- --rounds 30 (--help names the parts)",
  );
  process.exit(64);
}
const { json, runs, parts } = words;

function run(command: readonly string[], stdout: "inherit" | "pipe" | "ignore"): string {
  const child = Bun.spawnSync([...command], { cwd: root, stdin: "ignore", stdout, stderr: "inherit" });
  if (child.exitCode !== 0) throw new Error(`${command.slice(0, 4).join(" ")} … ended with status ${child.exitCode}`);
  return child.stdout?.toString() ?? "";
}

/** An empty program, compiled as bssh is: what no program of Bun's goes below. */
function emptyProgram(folder: string): string {
  writeFileSync(join(folder, "empty.ts"), "");
  const out = join(folder, "empty");
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm"];
  run([process.execPath, "build", ...flags, join(folder, "empty.ts"), `--outfile=${out}`], "ignore");
  return out;
}

function print(figures: Figures): void {
  const { start, login, cold, runs, took } = figures;
  const cells = rowsOf(figures).map(({ what, value, target, good }) => [
    what,
    value,
    target,
    good === null ? "" : good ? "good" : "over",
  ]);
  for (const line of table([["", "measured", "target", ""], ...cells])) console.log(line);
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const parts = Object.entries(took).map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`);
  const lines = [
    "",
    `This machine: ${availableParallelism()} × ${cpus()[0]?.model ?? "processor"}, load ${loadavg()[0]?.toFixed(1)}. It took: ${parts.join(", ")}.`,
  ];
  if (start !== null) {
    const { times } = start;
    lines.push(
      `true(1) ${ms(times.true)}, ssh -V ${ms(times["ssh -V"])}, ssh -G ${ms(times["ssh -G"])}, an empty Bun program ${ms(times.empty)}.`,
      `The targets were set where ssh -V takes ${TARGETS_SSH_V} ms; here it takes ${(times["ssh -V"] / TARGETS_SSH_V).toFixed(1)} times that.`,
    );
  }
  lines.push(
    "",
    `Method: each kind in turn, ${runs.start} rounds (logins ${runs.login}, cold ${runs.cold}, agent ${runs.agent}, proxy ${runs.proxy}), from the call of posix_spawn to`,
    "the end of the process, page cache warm; medians, and the difference or ratio of medians. true(1) stands in ssh's place",
    "(BSSH_SSH) where ssh's own time would hide bssh's.",
  );
  if (login !== null) {
    lines.push(
      "Logins go to the sandbox's sshd on loopback, by the same ssh, key and certificate; a ratio is 1 and the median of the",
      "differences within a round by the median of ssh's. There is no network: over one a shared connection saves more.",
    );
  }
  if (cold !== null) {
    lines.push(
      `Cold is a key and no cache of any kind. The chain: ${cold.requests.join(", ")} against the sandbox`,
      "on this machine, its own time included, as is mfa_command's (echo with a code got before), storing the certificate, and true(1).",
    );
  }
  if (figures.fleet !== null) {
    lines.push(
      "Warm logins at once go in five parts of each kind, which take turns (ssh bssh, bssh ssh, …), all started by one process",
      `without a shell, ${figures.fleet.atOnce} at once; times are of all parts together, so that drift of the machine meets both kinds.`,
    );
  }
  if (figures.flight !== null) {
    lines.push(
      "Cold logins at once end with a stand-in for ssh; the question is answered when all the others have said that they wait.",
      "The holder is killed five times, while it has the question open; the slowest counts.",
    );
  }
  if (figures.ca !== null) {
    lines.push(
      `The CA's function is the zip's code in ${run(["node", "--version"], "pipe").trim()}, a new process for each first certificate; its time runs from the`,
      "function's import. KMS is a server on loopback, whose own time for decrypting and signing is taken off.",
    );
  }
  for (const line of lines) console.log(line);
}

if (!needs("bench")) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), "bssh-bench-"));
const leave = () => rmSync(folder, { recursive: true, force: true });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
try {
  chmodSync(folder, 0o700);
  if (!json) console.log("Compiling bssh …");
  if (named === null) run([process.execPath, join(root, ".ci/build.ts")], "ignore");
  const empty = emptyProgram(folder);
  if (!json) console.log(`Measuring ${parts.join(", ")}; ${runs} rounds …\n`);
  const inside = [process.execPath, join(import.meta.dir, "inside.ts"), bssh, empty, folder, String(runs), `${parts}`];
  const figures = JSON.parse(run([bssh, "sandbox", "--fast-clock", "--", ...inside], "pipe")) as Figures;
  if (json) console.log(JSON.stringify({ ...figures, rows: rowsOf(figures) }));
  else print(figures);
} finally {
  leave();
}
