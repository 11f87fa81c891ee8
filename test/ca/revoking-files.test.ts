// promise: bssh ca revoke says the same twice only once, writes over nothing else, and loses nothing whatever happens
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, linkSync, lstatSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { MAX_LIST } from "../../src/ca/revocation-list.ts";
import { MAX_REVOCATIONS, parseRevocations, type Revocation } from "../../src/ca/revocations.ts";
import { lockFolder } from "../../src/commands/ca/lock.ts";
import type { Failure } from "../../src/failure.ts";
import { makeRevokingBench, type RevokingBench } from "./revoking-bench.ts";

let bench: RevokingBench;
beforeEach(() => {
  bench = makeRevokingBench();
});
afterEach(() => bench.remove());

const revoke: RevokingBench["revoke"] = (...words) => bench.revoke(...words);
const list = () => bench.list();
const brief = () => bench.brief();
const revoked = () => bench.revoked();

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
  expect((await revoke("--serial", "900000")).failure).toContain(`more than ${MAX_REVOCATIONS}`);
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

test("a KRL takes the place of nothing but a KRL", async () => {
  await revoke("--serial", "71");
  const files = ["revocations.json", "ca", "ca.pub", "alice-cert.pub"];
  symlinkSync(bench.path("revocations.json"), bench.path("list-again"));
  linkSync(bench.path("revocations.json"), bench.path("list-too"));
  const before = files.map((name) => bench.read(name));
  for (const [name, said] of [
    ["revocations.json", "is the list itself"],
    ["list-again", "is the list itself"],
    ["list-too", "is the list itself"],
    ["ca", "is there and no KRL"],
    ["alice-cert.pub", "is there and no KRL"],
    [".", "is a folder"],
  ] as const) {
    expect((await revoke("--serial", "72", "--krl", bench.path(name))).failure, name).toContain(said);
  }
  expect((await revoke("--serial", "72", "--krl", "/dev/null")).failure).toContain("is no regular file");
  expect(files.map((name) => bench.read(name))).toEqual(before);
  const fresh = bench.path("fresh.json");
  const { failure } = await bench.run(["revoke", "--file", fresh, "--krl", fresh, "--serial", "1"]);
  expect([failure.includes("is the list itself"), bench.has("fresh.json")]).toEqual([true, false]);
  bench.write("empty", "");
  expect((await revoke("--krl", bench.path("empty"))).failure).toBe("");
});

test("trouble with a file is told in words", async () => {
  symlinkSync("circle", bench.path("circle"));
  symlinkSync("nowhere", bench.path("to-nothing"));
  bench.write("large", " ".repeat(MAX_LIST + 1));
  for (const [name, said] of [
    [".", "is a folder"],
    ["circle", "its links lead in a circle"],
    ["to-nothing", "is a link to nothing"],
    ["large", "it is too large"],
    ["no/such/list.json", "there is no folder"],
    ["x".repeat(300), "its name is too long"],
    ["ca/list.json", "a part of the path is no folder"],
  ] as const) {
    const { failure } = await bench.run(["revoke", "--file", bench.path(name), "--serial", "1"]);
    expect(failure, name).toContain(said);
  }
  expect((await bench.run(["revoke", "--file", "/dev/null", "--serial", "1"])).failure).toContain("no regular file");
  expect(lstatSync(bench.path("to-nothing")).isSymbolicLink()).toBe(true);
  for (const option of ["--certificate", "--ca-key", "--key"]) {
    for (const name of [".", "circle", "no/such/file"]) {
      const { failure } = await revoke("--serial", "1", option, bench.path(name));
      expect(failure, `${option} ${name}`).toMatch(/cannot be read: it|there is no file|lead in a circle/);
      expect(failure).not.toMatch(/mistake|the system says/);
    }
  }
  expect((await revoke("--person", "a", "--log", bench.path("."))).failure).toContain("it is a folder");
  expect((await revoke("--person", "a", "--log", "/dev/zero")).failure).toContain("it is too large");
});

test("rights of files that are there stay whatever the umask, and a new KRL is for every sshd", async () => {
  bench.write("revocations.json", '{"version":1,"revocations":[]}\n');
  chmodSync(bench.path("revocations.json"), 0o664);
  const umask = process.umask(0o077);
  try {
    await revoke("--serial", "71");
    const mode = (name: string) => statSync(bench.path(name)).mode & 0o777;
    expect(["revocations.json", "revocations.krl"].map(mode)).toEqual([0o664, 0o644]);
    chmodSync(bench.path("revocations.krl"), 0o664);
    await revoke("--serial", "72");
    expect(mode("revocations.krl")).toBe(0o664);
  } finally {
    process.umask(umask);
  }
});

test("who finds the list's folder locked waits, says for what, and not for ever", async () => {
  const folder = dirname(bench.path("x"));
  const unlock = await lockFolder(folder);
  const told = await lockFolder(folder, { quiet: 0, most: 50 }).catch((error: Failure) => error.sentence);
  expect(told).toContain(`the folder ${folder} locked`);
  const waiting = revoke("--serial", "71");
  await Bun.sleep(50);
  expect(bench.has("revocations.json")).toBe(false);
  unlock();
  expect((await waiting).failure).toBe("");
  expect(brief()).toEqual(["serial 71"]);
  const missing = await lockFolder(`${folder}/none`).catch((error: Failure) => error.sentence);
  expect(missing).toContain("cannot be locked");
});
