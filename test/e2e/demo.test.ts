// promise: npm run demo gets in by itself and with a person, and leaves nothing behind, whenever it ends
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { processesOf } from "../demo/processes.ts";

const root = resolve(import.meta.dir, "../..");
const demo = ["node", join(root, ".ci/bun.mjs"), join(root, "test/demo/demo.ts")];
let folder: string;
let environment: Record<string, string>;

beforeAll(() => {
  const base = /^\/[\w/.-]{1,25}$/.test(tmpdir()) ? tmpdir() : "/tmp";
  folder = mkdtempSync(join(base, "bssh-d-"));
  // A home that may not be written (which stops all but root).
  const home = join(folder, "home");
  mkdirSync(home);
  chmodSync(home, 0o500);
  mkdirSync(join(folder, "tmp"));
  environment = { PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: join(folder, "tmp"), TERM: "dumb" };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(words: readonly string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], { env: environment, cwd: "/", stdin: "ignore" });
  const left = [
    ...readdirSync(environment["TMPDIR"] ?? ""),
    ...readdirSync(environment["HOME"] ?? ""),
    ...processesOf(folder),
  ];
  return { exitCode, said: stdout.toString(), erred: stderr.toString(), left };
}

/** Runs the demo on a terminal of expect(1), which does `then` once the code is asked for. */
function onTerminal(then: string) {
  const script = join(folder, "script.exp");
  const words = demo.map((word) => `{${word}}`).join(" ");
  writeFileSync(
    script,
    `set timeout 100
set stty_init {cols 200}
spawn ${words}
expect {
  -re {shows   ([0-9]+)} { set code $expect_out(1,string) }
  timeout { exit 99 }
}
expect {
  {MFA code (alice): } {}
  timeout { exit 98 }
}
${then}
expect eof
lassign [wait] pid id error status
exit $status
`,
  );
  return run(["expect", "-f", script]);
}

/** What every telling of the way in has, in this order. */
const TOLD = [
  /logged in as \S+\r?\n\(exit status 52\)\r?\n/,
  /asked STS in us-east-1 \(GetCallerIdentity\) .*: [\d.]+ ms/,
  /asked STS in us-east-1 \(GetSessionToken\) .*: [\d.]+ ms/,
  /asked Lambda in us-east-1 \(Invoke\) .*: [\d.]+ ms/,
  /\(5 requests to AWS by the sandbox's own log/,
  /certificate {3}valid for \d+ minutes, for alice/,
  /Type: ssh-ed25519-cert-v01@openssh\.com user certificate/,
  /The second login/,
  /\(exit status 52\)/,
  /Nobody was asked anything/,
  /bssh added \d+\.\d ms to the start of ssh/,
  /kept from an earlier login \(AssumeRole\)/,
  /\(2 requests to AWS by/,
  /The sandbox is gone: no file, no process and no agent of it is left\./,
];

function expectTold(said: string): void {
  let rest = said;
  for (const line of TOLD) {
    expect(rest).toMatch(line);
    rest = rest.slice(rest.search(line));
  }
}

test("without a terminal it gets in by mfa_command, with a home that can't be written", () => {
  const { exitCode, said, erred, left } = run(demo);
  expect({ exitCode, erred }).toEqual({ exitCode: 0, erred: "" });
  expectTold(said);
  expect(said).not.toContain("Your MFA device shows");
  expect(left).toEqual([]);
}, 120_000);

test("on a terminal it shows the code, lets the person type it, and does not show what is typed", () => {
  const { exitCode, said, left } = onTerminal('send "$code\\r"');
  expect({ exitCode, left }).toEqual({ exitCode: 0, left: [] });
  expectTold(said);
  const [, code = "none"] = /shows {3}(\d{6})/.exec(said) ?? [];
  expect(said.split(code).length).toBe(2);
}, 120_000);

test("Ctrl-C at the question ends it, with nothing left", () => {
  const { exitCode, said, left } = onTerminal('send "\\003"');
  expect(exitCode).not.toBe(0);
  expect(said).toContain("The sandbox is gone");
  expect(said).not.toContain("The second login");
  expect(left).toEqual([]);
}, 120_000);
