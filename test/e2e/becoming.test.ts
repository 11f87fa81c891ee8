// promise: what ssh starts with under bssh is what it starts with without it
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const bssh = join(root, "dist/bssh");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-becoming-"));
  symlinkSync(join(import.meta.dir, "recorder.sh"), join(folder, "ssh"));
  symlinkSync(bssh, join(folder, "bssh"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a shell line in which PROGRAM stands for the program, and returns what the recorder saw. */
function record(line: string, program: "ssh" | "bssh", where: "terminal" | "pipe" | "file"): string {
  const script = join(folder, `${program}.sh`);
  const out = join(folder, "record");
  rmSync(out, { force: true });
  writeFileSync(script, `${line.replaceAll("PROGRAM", `${folder}/${program}`)}\n`);
  const shell = `/bin/sh ${script}`;
  const words =
    where === "terminal"
      ? ["script", "-qec", shell, "/dev/null"]
      : ["sh", "-c", where === "pipe" ? `: | ${shell} 2>&1 | cat` : `${shell} <${script} >${folder}/out 2>&1`];
  const environment = {
    PATH: `${folder}:${process.env["PATH"]}`,
    HOME: folder,
    RECORD: out,
    TERM: "xterm",
    LC_ALL: "C",
  };
  Bun.spawnSync(words, { env: environment, stdin: "ignore", stdout: "ignore", stderr: "ignore", cwd: folder });
  return readFileSync(out, "latin1").replaceAll(script, "SCRIPT").replaceAll(`${folder}/${program}`, "PROGRAM");
}

/** Each line runs the program as a child of the shell; what the shell set up must reach it. */
const LINES: Readonly<Record<string, string>> = {
  "a plain call": "PROGRAM web1 uptime; true",
  "low limits": "ulimit -Sn 256; ulimit -c 0; PROGRAM web1; true",
  "a lowered hard limit": "ulimit -n 300; PROGRAM web1; true",
  "ignored INT, TERM, HUP, QUIT, USR1 and TSTP": "trap '' INT TERM HUP QUIT USR1 TSTP; PROGRAM web1; true",
  "blocked signals": "env --block-signal=USR1 --block-signal=INT --block-signal=TERM PROGRAM web1; true",
  "a background job of a script": "PROGRAM web1 & wait",
  "a changed terminal": "stty -echo -icanon 2>/dev/null; PROGRAM web1; true",
  "a umask": "umask 077; PROGRAM web1; true",
  "an environment that is not UTF-8": "BYTES=$(printf '\\377\\200x') EMPTY= PROGRAM web1; true",
  "words that are not UTF-8": `PROGRAM -o 'SendEnv=X' "$(printf 'a\\377b')" '' 'a  b; c' "$(printf 'x\\ny')" -- -p 22; true`,
  "closed descriptors": "PROGRAM web1 <&- 2>&-; true",
  "an appending descriptor": `PROGRAM web1 2>>SCRIPTLOG; true`,
};

for (const where of ["terminal", "pipe", "file"] as const) {
  describe(`on a ${where}`, () => {
    for (const [name, line] of Object.entries(LINES)) {
      test(`${name}: ssh starts as it does without bssh`, () => {
        const made = line.replaceAll("SCRIPTLOG", join(folder, "log"));
        const pair = () => [record(made, "bssh", where), record(made, "ssh", where)];
        const [first, plain] = pair();
        // On a busy machine the recorder itself may miss a descriptor; what bssh changes is there each time.
        const [again, asIs] = first === plain ? [first, plain] : pair();
        expect(again).toBe(asIs ?? "");
      });
    }
  });
}

test("the exit status is ssh's own", () => {
  for (const status of [0, 1, 4, 5, 44, 52, 255]) {
    const environment = {
      PATH: `${folder}:${process.env["PATH"]}`,
      HOME: folder,
      RECORD: "/dev/null",
      RECORD_STATUS: `${status}`,
    };
    expect(Bun.spawnSync([bssh, "web1"], { env: environment }).exitCode).toBe(status);
  }
});

test("BLESS_COMPLETE is set for ssh, and kept when it was set", () => {
  const script = join(folder, "print");
  writeFileSync(script, "#!/bin/sh\nenv | grep BLESS_COMPLETE\n", { mode: 0o755 });
  const print = (environment: Record<string, string>) =>
    Bun.spawnSync([bssh, "web1"], { env: { PATH: "/bin:/usr/bin", HOME: folder, BSSH_SSH: script, ...environment } })
      .stdout.toString()
      .trim();
  expect(print({})).toBe("BLESS_COMPLETE=1");
  expect(print({ BLESS_COMPLETE: "yes" })).toBe("BLESS_COMPLETE=yes");
});
