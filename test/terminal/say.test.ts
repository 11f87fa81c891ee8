// promise: one line at a time behind `bssh: `, on stderr alone; what is written down for debugging is the owner's to read
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { tracer } from "../../src/terminal/say.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-say-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const room = JSON.stringify(resolve(import.meta.dir, "../../src/terminal/say.ts"));
const program = (code: string) => [process.execPath, "-e", `import { print, say, tracer } from ${room};\n${code}`];

function run(code: string) {
  const { stdout, stderr } = Bun.spawnSync(program(code), { stdin: "ignore" });
  return { out: stdout.toString(), err: stderr.toString() };
}

test("say speaks on stderr, print on stdout, a line each", () => {
  expect(run(`say("first; then"); print("answer"); say("second")`)).toEqual({
    out: "answer\n",
    err: "bssh: first; then\nbssh: second\n",
  });
});

test("neither lets a credential out", () => {
  expect(run(`say("TokenCode=123456"); print("AKIA2E0A8F3B244C9986")`)).toEqual({
    out: "****\n",
    err: "bssh: TokenCode=****\n",
  });
});

test("a long answer comes out whole through a slow pipe", () => {
  const code = `print("0123456789".repeat(50_000).replace(/(.{50})/g, "$1\\n"))`;
  const { stdout } = Bun.spawnSync([
    "sh",
    "-c",
    '"$0" -e "$1" | (sleep 0.3; cat)',
    process.execPath,
    program(code)[2] ?? "",
  ]);
  expect(stdout.toString().replaceAll("\n", "")).toBe("0123456789".repeat(50_000));
});

test("nobody who reads, and a full disk, are no reason to fail", () => {
  const code = `for (let n = 0; n < 5; n++) { say("x"); print("x".repeat(100000)); }`;
  const words = ["sh", "-c", '{ "$0" -e "$1" 2>&1; echo $? >&3; } | true', process.execPath, program(code)[2] ?? ""];
  const { stdout } = Bun.spawnSync(["sh", "-c", 'exec 3>&1; sh -c "$@"', "sh", ...words.slice(2)]);
  expect(stdout.toString()).toBe("0\n");
  if (existsSync("/dev/full")) {
    const full = Bun.spawnSync(["sh", "-c", '"$0" -e "$1" >/dev/full 2>&1', process.execPath, program(code)[2] ?? ""]);
    expect(full.exitCode).toBe(0);
  }
});

test("what was blocking stays so, for every process that shares it", () => {
  const code = `say("x"); print("x");`;
  const flags = 'for d in 1 2; do grep "^flags" /proc/self/fdinfo/$d >&3; done';
  const { stdout } = Bun.spawnSync([
    "sh",
    "-c",
    `exec 3>&1; { ${flags}; "$0" -e "$1"; ${flags}; } 2>&1 >"$2" | cat >/dev/null`,
    process.execPath,
    program(code)[2] ?? "",
    join(folder, "out"),
  ]);
  const [, , , ...rest] = stdout.toString().trim().split("\n");
  const lines = stdout.toString().trim().split("\n");
  expect(lines.length).toBe(4);
  expect(rest.length).toBe(1);
  expect(lines.slice(2)).toEqual(lines.slice(0, 2));
});

describe("BLESSDEBUG", () => {
  test("unset or empty is silent", () => {
    expect(run(`tracer({})("x"); tracer({ BLESSDEBUG: "" })("x")`)).toEqual({ out: "", err: "" });
  });
  test("1 is stderr", () => {
    expect(run(`tracer({ BLESSDEBUG: "1" })("stored")`)).toEqual({ out: "", err: "bssh: debug: stored\n" });
  });
  test("a path is a file that only its owner reads, appended to a line at a time", () => {
    const path = join(folder, "debug.log");
    const trace = tracer({ BLESSDEBUG: path });
    trace("first");
    trace("SessionToken=secret");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ${process.pid}`;
    expect(readFileSync(path, "utf8")).toMatch(new RegExp(`^${time} first\n${time} SessionToken=\\*\\*\\*\\*\n$`));
  });
  test("a link is not followed, and a place that can't be written is passed over", () => {
    const target = join(folder, "target");
    writeFileSync(target, "");
    symlinkSync(target, join(folder, "link"));
    tracer({ BLESSDEBUG: join(folder, "link") })("x");
    expect(readFileSync(target, "utf8")).toBe("");
    tracer({ BLESSDEBUG: "/nowhere/log" })("x");
    tracer({ BLESSDEBUG: folder })("x");
  });
});
