// `npm run bench`: what bssh costs, beside plain ssh on the same machine in the same minute. `--runs N` (100), `--json`.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { needs } from "../needs.ts";
import type { Figures } from "./inside.ts";
import { table } from "./measure.ts";

const root = resolve(import.meta.dir, "../..");
const bssh = join(root, "dist/bssh");

/** `ssh -V` on the machine that the targets were set on, in milliseconds. */
const TARGETS_SSH_V = 1.5;

/** Rounds when nobody says how many. */
const ROUNDS = 100;

const { json, wanted } = readWords(process.argv.slice(2));

function readWords(words: readonly string[]): { readonly json: boolean; readonly wanted: number } {
  let [json, wanted] = [false, ROUNDS];
  for (let at = 0; at < words.length; at++) {
    if (words[at] === "--json") json = true;
    else if (words[at] === "--runs" && /^[1-9][0-9]{0,4}$/.test(words[at + 1] ?? "")) wanted = Number(words[++at]);
    else {
      console.error("bench: it takes --json and --runs with a whole number; for example npm run bench -- --runs 30");
      process.exit(64);
    }
  }
  return { json, wanted };
}

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

type Row = { readonly what: string; readonly value: string; readonly target: string; readonly good: boolean | null };

function rowsOf({ start, login, cold, traced }: Figures): Row[] {
  const most = (what: string, value: number, target: number, unit = " ms", digits = 1): Row => ({
    what,
    value: `${value.toFixed(digits)}${unit}`,
    target: `≤ ${target.toFixed(digits)}${unit}`,
    good: value <= target,
  });
  const none = (what: string, value: number): Row => ({ what, value: String(value), target: "0", good: value === 0 });
  const plain = (what: string, value: string): Row => ({ what, value, target: "", good: null });
  return [
    most("bssh -V, over ssh -V", start["bssh -V"] - start["ssh -V"], 2.5),
    most("host of ours, valid certificate, over the same program", start.ours - start.true, 3),
    plain("another's host, over the same program (ssh -G is asked)", `${(start.theirs - start.true).toFixed(1)} ms`),
    plain("an empty Bun program, over true(1)", `${(start.empty - start.true).toFixed(1)} ms`),
    most("whole login: bssh by ssh -i key", login.ratio, 1, "", 3),
    most("cold: start to the first byte for STS", cold.firstByte, 30),
    most("cold: the whole chain", cold.chain, 60),
    ...(traced === null
      ? [plain("strace: not here, or it may not trace", "")]
      : [
          none("sockets before ssh", traced.sockets),
          none("child processes before ssh", traced.children),
          plain("system calls before ssh, all threads", String(traced.calls)),
          plain("functions compiled while it ran", String(traced.compiled)),
        ]),
  ];
}

function print(figures: Figures): void {
  const { start, login, cold, runs } = figures;
  const cells = rowsOf(figures).map(({ what, value, target, good }) => [
    what,
    value,
    target,
    good === null ? "" : good ? "good" : "over",
  ]);
  for (const line of table([["", "median", "target", ""], ...cells])) console.log(line);
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const lines = [
    "",
    `This machine: ${availableParallelism()} × ${cpus()[0]?.model ?? "processor"}, load ${loadavg()[0]?.toFixed(1)};`,
    `true(1) ${ms(start.true)}, ssh -V ${ms(start["ssh -V"])}, ssh -G ${ms(start["ssh -G"])}, an empty Bun program ${ms(start.empty)}.`,
    `The targets were set where ssh -V takes ${TARGETS_SSH_V} ms; here it takes ${(start["ssh -V"] / TARGETS_SSH_V).toFixed(1)} times that.`,
    `Logins: ssh -i key ${ms(login.ssh)}, bssh ${ms(login.bssh)}.`,
    "",
    `Method: each kind in turn, ${runs.start} rounds (logins ${runs.login}, cold ${runs.cold}), from the call of posix_spawn to the end of the`,
    "process, page cache warm; medians, and the difference or ratio of medians. true(1) stands in ssh's place (BSSH_SSH) where",
    "ssh's own time would hide bssh's. Logins go to the sandbox's sshd on loopback, by the same ssh, key and certificate; their",
    "ratio is 1 and the median of the differences within a round by the median of ssh's.",
    `Cold is a key and no cache of any kind. The chain: ${cold.requests.join(", ")} against the sandbox`,
    "on this machine, its own time included, as is mfa_command's (echo with a code got before), storing the certificate, and true(1).",
  ];
  for (const line of lines) console.log(line);
}

if (!needs("demo")) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), "bssh-bench-"));
const leave = () => rmSync(folder, { recursive: true, force: true });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
try {
  chmodSync(folder, 0o700);
  if (!json) console.log("Compiling bssh …");
  run([process.execPath, join(root, ".ci/build.ts")], "ignore");
  const empty = emptyProgram(folder);
  if (!json) console.log(`Measuring, ${wanted} rounds …\n`);
  const inside = [process.execPath, join(import.meta.dir, "inside.ts"), bssh, empty, folder, String(wanted)];
  const figures = JSON.parse(run([bssh, "sandbox", "--fast-clock", "--", ...inside], "pipe")) as Figures;
  if (json) console.log(JSON.stringify({ ...figures, rows: rowsOf(figures) }));
  else print(figures);
} finally {
  leave();
}
