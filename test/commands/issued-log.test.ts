// promise: every certificate leaves a line in a private log that stays small, and that it can't be written harms no login
import { afterAll, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issuedAt, issuedLog, logIssued } from "../../src/issued-log.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { type Certificate, FOREVER, parseCertificate } from "../../src/wire/certificate.ts";
import { vector } from "../wire/support.ts";

const ground = mkdtempSync(join(tmpdir(), "bssh-issued-"));
afterAll(() => rmSync(ground, { recursive: true, force: true }));
let count = 0;
let state = "";
beforeEach(() => {
  count += 1;
  state = join(ground, String(count), "state");
});

const certificate = parseCertificate(vector("ed25519-by-ed25519"));
const FROM = { requestId: "4d0a-1", region: "us-east-1", function: "bless" };
const NOW = Date.UTC(2026, 10, 22);
const log = (change: Partial<Certificate> = {}) =>
  logIssued(nodeSystem(), state, { ...certificate, ...change }, FROM, NOW);
const lines = () => readFileSync(issuedLog(state), "utf8").trimEnd().split("\n");

test("a line says when, which, for whom, until when, and by which invocation", () => {
  log({ serial: 2n ** 63n, keyId: "request[4d0a-1] for[alice]", principals: ["alice"], validBefore: 1_800_000_000n });
  log({ validBefore: FOREVER });
  const [first = "", second = ""] = lines();
  expect(JSON.parse(first)).toEqual({
    time: "2026-11-22T00:00:00.000Z",
    serial: "9223372036854775808",
    keyId: "request[4d0a-1] for[alice]",
    requestId: "4d0a-1",
    publicKey: expect.stringMatching(/^SHA256:[\w+/]{43}$/),
    region: "us-east-1",
    function: "bless",
    validBefore: "2027-01-15T08:00:00.000Z",
    principals: ["alice"],
  });
  expect(JSON.parse(second).validBefore).toBeNull();
  expect(statSync(issuedLog(state)).mode & 0o777).toBe(0o600);
});

test("what a CA puts into names ends no line and reaches no terminal", () => {
  log({ keyId: "x\n{}\u001b]0;owned\u0007", principals: Array.from({ length: 256 }, () => "\u2028".repeat(255)) });
  expect(lines()).toHaveLength(1);
  const [only = ""] = lines();
  expect(only.length).toBeLessThan(5000);
  expect(JSON.parse(only).keyId).toBe("x?{}?]0;owned?");
});

test("above 256 KiB the newest 500 lines are kept, or fewer long ones", () => {
  for (const [length, kept] of [
    [100, 500],
    [2000, 66],
  ] as const) {
    const old = Array.from({ length: Math.ceil((256 * 1024) / length) + 1 }, (_, at) => String(at).padEnd(length, "."));
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFileSync(issuedLog(state), `${old.join("\n")}\n`, { mode: 0o644 });
    log();
    const now = lines();
    expect(now.length).toBeLessThanOrEqual(kept);
    expect(now.length).toBeGreaterThan(kept * 0.9);
    expect(JSON.parse(now.at(-1) ?? "").region).toBe("us-east-1");
    expect(now.at(-2)).toBe(old.at(-1));
    expect(statSync(issuedLog(state)).mode & 0o777).toBe(0o600);
    expect(readdirSync(state)).toEqual(["issued.jsonl"]);
  }
});

test("a log that others could read is the user's alone again", () => {
  log();
  chmodSync(issuedLog(state), 0o644);
  log();
  expect(statSync(issuedLog(state)).mode & 0o777).toBe(0o600);
  expect(lines()).toHaveLength(2);
});

test("a link, a folder, a pipe or a file in its way, or in the state's, is left alone without a word", () => {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const target = join(ground, `target-${count}`);
  writeFileSync(target, "mine");
  symlinkSync(target, issuedLog(state));
  log();
  expect(readFileSync(target, "utf8")).toBe("mine");
  rmSync(issuedLog(state));
  mkdirSync(issuedLog(state));
  log();
  expect(statSync(issuedLog(state)).isDirectory()).toBe(true);
  rmSync(issuedLog(state), { recursive: true });
  Bun.spawnSync(["mkfifo", issuedLog(state)]);
  log();
  expect(statSync(issuedLog(state)).isFIFO()).toBe(true);
  rmSync(state, { recursive: true });
  writeFileSync(state, "a file");
  log();
  expect(readFileSync(state, "utf8")).toBe("a file");
  expect(existsSync(issuedLog(state))).toBe(false);
});

test("the time is this machine's while that is as good as AWS's whole seconds, so that no answer comes before its question", () => {
  expect([0, 999, -1999, 2000, -60_000].map((skewMs) => issuedAt(NOW, skewMs) - NOW)).toEqual([0, 0, 0, 2000, -60_000]);
});
