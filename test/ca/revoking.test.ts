// promise: bssh ca revoke adds to the list and makes the KRL, and what is revoked stays so
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { parseKrl } from "../../src/wire/krl.ts";
import { sshKeygen } from "../wire/support.ts";
import { makeRevokingBench, type RevokingBench } from "./revoking-bench.ts";

let bench: RevokingBench;
beforeEach(() => {
  bench = makeRevokingBench();
});
afterEach(() => bench.remove());

const certify: RevokingBench["certify"] = (...words) => bench.certify(...words);
const revoke: RevokingBench["revoke"] = (...words) => bench.revoke(...words);
const list = () => bench.list();
const brief = () => bench.brief();
const revoked = () => bench.revoked();

test("a serial number, for one CA or for every CA, with time and reason, and what to do next", async () => {
  const { status, out } = await revoke("--serial", "71", "--ca-key", bench.path("ca.pub"), "--reason", "laptop lost");
  expect([status, revoked()]).toEqual([0, ["alice-cert.pub"]]);
  expect(list()).toMatchObject([{ kind: "serial", value: "71", reason: "laptop lost" }]);
  expect(Math.abs(Date.parse(list()[0]?.at ?? "") - Date.now())).toBeLessThan(60_000);
  expect(out.at(-1)).toMatch(/^next: copy .*revocations\.krl to the file of RevokedKeys .* bssh ca build$/);
  await revoke("--serial", "71");
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
});

test("nothing that is revoked is ever good again, whatever CA the next run is for, and none", async () => {
  certify("ca", "alice", "5", "request[a5]");
  certify("other-ca", "bob", "9", "request[b9]");
  await revoke("--serial", "5", "--ca-key", bench.path("ca.pub"));
  expect(revoked()).toEqual(["alice-cert.pub"]);
  await revoke("--serial", "9", "--ca-key", bench.path("other-ca.pub"));
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
  for (const words of [[], ["--ca-key", bench.path("other-ca.pub")], ["--person", "carol"]]) {
    await revoke(...words);
    expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
  }
  certify("other-ca", "alice", "5", "request[a5]");
  expect(revoked()).toEqual(["bob-cert.pub"]);
  expect((await revoke("--serial", "5", "--ca-key", bench.path("other-ca.pub"))).out[0]).toBe("serial 5 is revoked");
  expect(revoked()).toEqual(["alice-cert.pub", "bob-cert.pub"]);
});

test("more than a mebibyte of serial numbers is read and added to", async () => {
  const entries = Array.from({ length: 14_000 }, (_, index) => ({
    kind: "serial",
    value: `${6_000_000_000_000_000_000n + BigInt(index)}`,
    at: "2024-05-06T07:08:09.123Z",
    reason: "",
  }));
  bench.write("revocations.json", JSON.stringify({ version: 1, revocations: entries }));
  expect(statSync(bench.path("revocations.json")).size).toBeGreaterThan(1 << 20);
  expect((await revoke("--serial", "71")).failure).toBe("");
  expect([list().length, revoked()]).toEqual([14_001, ["alice-cert.pub", "bob-cert.pub"]]);
});

test("a certificate is in the list until a day after its end, where that is known", async () => {
  const day = 86_400_000;
  const entry = (value: string, end: number) => ({
    kind: "serial",
    value,
    at: "2024-05-06T07:08:09Z",
    reason: "",
    until: new Date(Date.now() + end).toISOString(),
  });
  const before = [entry("1", -day - 60_000), entry("2", -day + 60_000), { ...entry("3", 0), until: undefined }];
  bench.write("revocations.json", JSON.stringify({ version: 1, revocations: before }));
  const { out } = await revoke();
  expect(brief()).toEqual(["serial 2", "serial 3"]);
  expect(out[0]).toBe("taken out of the list: 1 that ended by themselves more than a day ago");
  sshKeygen(["-q", "-s", bench.path("ca"), "-I", "x", "-n", "a", "-z", "8", "-V", "+1h", bench.path("alice.pub")]);
  await revoke("--certificate", bench.path("alice-cert.pub"), "--certificate", bench.path("bob-cert.pub"));
  const [ending, endless] = [8, 71].map((serial) => list().find(({ value }) => value === `${serial}`)?.until);
  expect(Math.abs(Date.parse(ending ?? "") - Date.now() - 3_600_000)).toBeLessThan(60_000);
  expect(endless).toBeUndefined();
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

test("a person or host whom the handler would refuse, by the name in an ARN and by the names that it lets in as", async () => {
  const role = "arn:aws:sts::123456789012:assumed-role/web";
  const log = bench.write(
    "ca.log",
    [
      decision("alice", "11", 1, { principals: ["alice", "deploy"] }),
      decision(`${role}/i-0123`, "12", 1, { kind: "host", principals: ["web1.example.com"] }),
      decision(`${role}/i-01234`, "13", 1, { kind: "host", principals: ["web2.example.com"] }),
      decision("bob", "14", 1, { principals: "deploy" }),
      decision("arn:aws:iam::123456789012:user/ops/i-0123", "15", 1),
    ].join("\n"),
  );
  await revoke("--person", "Deploy", "--log", log);
  expect(brief()).toEqual(["person Deploy", "serial 11"]);
  await revoke("--person", "i-0123", "--log", log);
  expect(brief().slice(2)).toEqual(["person i-0123", "serial 12", "serial 15"]);
  const { out } = await revoke("--person", `${role}/i-01234`, "--log", log);
  expect(out).toContain(`${role}/i-01234 is known to the CA as i-01234`);
  expect(brief().slice(5)).toEqual(["person i-01234", "serial 13"]);
  expect(list().at(-1)?.until).toMatch(/^20.*Z$/);
  for (const arn of [role.replace("sts", "iam").replace("assumed-role", "role"), "arn:x", `${role}`]) {
    expect((await revoke("--person", arn)).failure).toContain("neither a user nor a session of a role");
  }
  for (const name of ["al*", "*"]) expect((await revoke("--person", name)).failure).toContain("would be nobody");
  expect(brief().length).toBe(7);
});

test("certificates in the log of a CA that --ca-key does not name are not said to be revoked", async () => {
  const [, ca = ""] = sshKeygen(["-lf", bench.path("ca.pub")]).stdout.split(" ");
  const log = bench.write("ca.log", decision("alice", "71", 1, { ca }));
  const words = ["--person", "alice", "--log", log, "--ca-key"];
  expect((await revoke(...words, bench.path("other-ca.pub"))).failure).toContain(`${ca}, which is none of --ca-key`);
  expect(bench.has("revocations.json")).toBe(false);
  await revoke(...words, bench.path("ca.pub"));
  expect(revoked()).toEqual(["alice-cert.pub"]);
});

test("a person without a log: it is said that certificates stay good", async () => {
  const { out } = await revoke("--person", "alice");
  expect(brief()).toEqual(["person alice"]);
  expect(out.join("\n")).toContain("name the CA's log with --log");
  expect(parseKrl(new Uint8Array(readFileSync(bench.path("revocations.krl")))).certificates).toEqual([]);
  const missing = await revoke("--person", "bob", "--log", bench.path("no-log"));
  expect([missing.failure.includes("there is no log"), brief()]).toEqual([true, ["person alice"]]);
});
