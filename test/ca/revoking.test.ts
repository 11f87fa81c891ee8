// promise: bssh ca revoke adds to the list and makes the KRL, says the same twice only once, and loses nothing whatever happens
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { MAX_REVOCATIONS, parseRevocations, type Revocation } from "../../src/ca/revocations.ts";
import { parseKrl } from "../../src/wire/krl.ts";
import { sshKeygen } from "../wire/support.ts";
import { type Bench, makeBench } from "./running.ts";

let bench: Bench;
beforeEach(() => {
  bench = makeBench();
  for (const name of ["ca", "other-ca", "alice", "bob"]) bench.key(name);
  certify("ca", "alice", "71", "request[a1] for[alice]");
  certify("other-ca", "bob", "71", "request[b1] for[bob]");
});
afterEach(() => bench.remove());

function certify(ca: string, key: string, serial: string, keyId: string): void {
  sshKeygen(["-q", "-s", bench.path(ca), "-I", keyId, "-n", key, "-z", serial, bench.path(`${key}.pub`)]);
}

const revoke = (...words: readonly string[]) =>
  bench.run(["revoke", "--file", bench.path("revocations.json"), ...words]);
const list = () => parseRevocations(bench.read("revocations.json")).list;
const brief = () => list().map(({ kind, value }) => `${kind} ${value}`);

/** What ssh-keygen finds revoked. */
const revoked = () =>
  ["alice-cert.pub", "bob-cert.pub", "alice.pub", "bob.pub"].filter((name) =>
    sshKeygen(["-Q", "-f", bench.path("revocations.krl"), bench.path(name)]).stdout.includes("REVOKED"),
  );

test("a serial number, for one CA or for every CA, with time and reason, and what to do next", async () => {
  const { status, out } = await revoke("--serial", "71", "--ca-key", bench.path("ca.pub"), "--reason", "laptop lost");
  expect([status, revoked()]).toEqual([0, ["alice-cert.pub"]]);
  expect(list()).toMatchObject([{ kind: "serial", value: "71", reason: "laptop lost" }]);
  expect(Math.abs(Date.parse(list()[0]?.at ?? "") - Date.now())).toBeLessThan(60_000);
  expect(out.at(-1)).toMatch(/^next: copy .*revocations\.krl to the file of RevokedKeys .* bssh ca build$/);
  await revoke();
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
});

test("a key, by its file or its fingerprint, a key id, and several at once", async () => {
  await revoke("--key", bench.path("alice.pub"));
  expect(revoked()).toEqual(["alice-cert.pub", "alice.pub"]);
  const [, fingerprint = ""] = sshKeygen(["-lf", bench.path("bob.pub")]).stdout.split(" ");
  await revoke("--key", fingerprint, "--key-id", "request[b1] for[bob]", "--serial", "9", "--serial=10");
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub", "alice.pub", "bob.pub"]);
  expect(brief().map((line) => line.split(" ")[0])).toEqual(["key", "serial", "serial", "key", "key-id"]);
});

test("a certificate: by its serial number, or by its key id when it has none, as BLESS's", async () => {
  await revoke("--certificate", bench.path("alice-cert.pub"));
  expect(brief()).toEqual(["serial 71"]);
  certify("ca", "bob", "0", "request[of BLESS]");
  await revoke("--certificate", bench.path("bob-cert.pub"));
  expect(brief()).toEqual(["serial 71", "key-id request[of BLESS]"]);
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
  const other = await revoke("--certificate", bench.path("bob-cert.pub"), "--ca-key", bench.path("other-ca.pub"));
  expect(other.failure).toContain("is signed by none of the keys of --ca-key");
});

const decision = (user: string, serial: string, hours: number, more: object = {}) =>
  JSON.stringify({
    time: new Date().toISOString(),
    event: "decision",
    decision: "granted",
    kind: "user",
    user,
    serial,
    keyId: `id ${serial}`,
    validBefore: new Date(Date.now() + hours * 3_600_000).toISOString(),
    ...more,
  });

test("a person: their certificates that are still good, from the CA's log in whatever dress", async () => {
  const log = bench.write(
    "ca.log",
    [
      decision("alice", "71", 1),
      decision("alice", "72", -1),
      decision("bob", "73", 1),
      `2024-05-06T07:08:09.123Z\t4f1c\tINFO\t${decision("Alice", "74", 1)}`,
      `      "message": ${JSON.stringify(decision("alice", "75", 1))},`,
      JSON.stringify({ timestamp: "x", level: "INFO", message: JSON.parse(decision("alice", "76", 1)) }),
      decision("alice", "77", 1, { decision: "refused" }),
      decision("alice", "78", 1, { validBefore: "soon" }),
      decision("alice", "0", 1, { keyId: "request[0] of BLESS" }),
      `${"x".repeat(200_000)}${decision("alice", "79", 1)}`,
      "{",
      "null",
      '{"user":7}',
      "START RequestId: 1",
      "\u0000",
      decision("alice", "80", 1),
    ].join("\n"),
  );
  const { out } = await revoke("--person", "alice", "--log", log);
  expect(brief()).toEqual([
    "person alice",
    "serial 71",
    "serial 74",
    "serial 75",
    "serial 76",
    "serial 78",
    "key-id request[0] of BLESS",
    "serial 80",
  ]);
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
  expect(out).toContain("alice is revoked");
  expect(out.some((line) => line.startsWith("serial 74 of Alice, good until 2"))).toBe(true);
});

test("a person without a log: it is said that certificates stay good", async () => {
  const { out } = await revoke("--person", "alice");
  expect(brief()).toEqual(["person alice"]);
  expect(out.join("\n")).toContain("name the CA's log with --log");
  expect(parseKrl(new Uint8Array(readFileSync(bench.path("revocations.krl")))).certificates).toEqual([]);
  const missing = await revoke("--person", "bob", "--log", bench.path("no-log"));
  expect([missing.failure.includes("there is no log"), brief()]).toEqual([true, ["person alice"]]);
});

test("the same again changes no byte, and says so", async () => {
  const words = ["--serial", "71", "--person", "Alice", "--key", bench.path("alice.pub")];
  await revoke(...words);
  const before = [bench.read("revocations.json"), bench.read("revocations.krl")];
  const { status, out } = await revoke(...words, "--person", "ALICE", "--reason", "another");
  expect(status).toBe(0);
  expect(out.filter((line) => line.endsWith("was revoked already")).length).toBe(4);
  expect([bench.read("revocations.json"), bench.read("revocations.krl")]).toEqual(before);
});

test("what is wrong is refused, and nothing is changed", async () => {
  await revoke("--serial", "71");
  const before = readdirSync(dirname(bench.path("ca"))).map((name) => name);
  const text = bench.read("revocations.json");
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [["--serial", "0"], "serial"],
    [["--serial", "72", "--serial", "18446744073709551616"], "serial"],
    [["--key", "SHA256:short"], "SHA256"],
    [["--key", bench.path("alice")], "is a private key"],
    [["--key", bench.path("alice-cert.pub")], "is a certificate"],
    [["--key", bench.path("nobody.pub")], "there is no file"],
    [["--key-id", ""], "no value"],
    [["--person", "a\nb"], "is no name"],
    [["--person", ""], "no value"],
    [["--serial", "72", "--reason", "a\nb"], "reason"],
    [["--log", bench.path("x")], "--person"],
    [["--certificate", bench.path("alice.pub")], "is no certificate"],
    [["--serial"], "wants a value"],
    [["--file", "x"], "twice"],
    [["71"], "takes no words"],
    [["--seria", "71"], "did you mean --serial?"],
  ];
  for (const [words, sentence] of wrong) {
    const { status, failure } = await revoke(...words);
    expect(failure).toContain(sentence);
    expect(status).toBeGreaterThan(0);
  }
  expect((await bench.run(["revoke", "--serial", "1"])).failure).toContain("wants --file");
  expect((await bench.run(["revoke", "--file", bench.path("new.json")])).failure).toContain("nothing to revoke");
  expect(bench.read("revocations.json")).toBe(text);
  expect(readdirSync(dirname(bench.path("ca")))).toEqual(before);
});

test("a list that is damaged stays as it is", async () => {
  for (const text of ["", '{"version":1,"revocations":[', '{"version":2,"revocations":[]}']) {
    bench.write("revocations.json", text);
    const { failure } = await revoke("--serial", "71");
    expect(failure).toContain("nothing was changed: correct it by hand");
    expect(bench.read("revocations.json")).toBe(text);
    expect(bench.has("revocations.krl")).toBe(false);
  }
});

test("a full list takes no more", async () => {
  const entry = (value: string): Revocation => ({ kind: "serial", value, at: "2024-05-06T07:08:09Z", reason: "" });
  const most = Array.from({ length: MAX_REVOCATIONS }, (_, index) => entry(`${index + 1}`));
  bench.write("revocations.json", JSON.stringify({ version: 1, revocations: most }));
  expect((await revoke("--serial", "900000")).failure).toContain("more than 100000");
  expect(list().length).toBe(MAX_REVOCATIONS);
  expect((await revoke()).failure).toBe("");
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
});

test("links are followed and rights stay; new files are made with care", async () => {
  bench.write("elsewhere.json", '{"version":1,"revocations":[]}\n', 0o640);
  symlinkSync(bench.path("elsewhere.json"), bench.path("revocations.json"));
  await revoke("--serial", "71", "--krl", bench.path("keys"));
  expect(parseRevocations(bench.read("elsewhere.json")).list.length).toBe(1);
  expect(statSync(bench.path("elsewhere.json")).mode & 0o777).toBe(0o640);
  expect(statSync(bench.path("keys")).mode & 0o444).toBe(0o444);
  await bench.run(["revoke", "--file", bench.path("own.json"), "--serial", "1"]);
  expect(statSync(bench.path("own.json")).mode & 0o777).toBe(0o600);
});

test("a KRL that cannot be written costs no entry: the next run has it", async () => {
  const { status, failure } = await revoke("--serial", "71", "--krl", bench.path("no/such/folder"));
  expect([status, failure.includes("cannot be written")]).toEqual([1, true]);
  expect(brief()).toEqual(["serial 71"]);
  const { out } = await revoke("--serial", "71");
  expect(out[0]).toBe("serial 71 was revoked already");
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
});
