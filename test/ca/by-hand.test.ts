// promise: a certificate is signed by hand without AWS and without a network, is right, bounded, and never without an audit line
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { verifyCertificate } from "../../src/wire/signature.ts";
import { sshKeygen } from "../wire/support.ts";
import { type Bench, makeBench, type Ran } from "./running.ts";

let bench: Bench;
beforeAll(() => {
  bench = makeBench();
  for (const name of ["ca", "alice"]) bench.key(name);
});
afterAll(() => bench.remove());

const byCa = (words: readonly string[]): Promise<Ran> =>
  bench.run(["sign", "--key", bench.path("ca"), ...words, bench.path("alice.pub")]);
const made = (name = "alice-cert.pub") => parseCertificate(bench.read(name).trim());
const minutes = (name?: string) => {
  const { validBefore } = made(name);
  return Math.round((Number(validBefore) - Date.now() / 1000) / 60);
};
const records = (name = "ca-log.jsonl"): Record<string, unknown>[] =>
  bench
    .read(name)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("a certificate that is signed by hand", () => {
  test("is for an hour, with BLESS's extensions, a random serial and a key id that says what it is", async () => {
    const { status, out } = await byCa(["--principals", "alice,ops"]);
    const certificate = made();
    expect([status, verifyCertificate(certificate)]).toEqual([0, true]);
    expect(certificate).toMatchObject({ kind: "user", principals: ["alice", "ops"], signatureType: "ssh-ed25519" });
    expect([...certificate.extensions.keys()]).toEqual([
      "permit-X11-forwarding",
      "permit-agent-forwarding",
      "permit-port-forwarding",
      "permit-pty",
      "permit-user-rc",
    ]);
    expect([...certificate.criticalOptions]).toEqual([]);
    expect(minutes()).toBe(60);
    expect(certificate.keyId).toMatch(
      /^break-glass for\[alice\] request\[[0-9a-f-]{36}\] ssh_key\[ED25519 [0-9a-f:]{47}\] ca\[SHA256:\S+\] valid_to\[\d{4}(\/\d\d){2} (\d\d:){2}\d\d\]$/,
    );
    expect(certificate.serial).toBeGreaterThan(0n);
    expect(certificate.serial).toBeLessThan(2n ** 63n);
    expect(out[0]).toBe(bench.path("alice-cert.pub"));
    expect(out[1]).toContain(`bssh import ${bench.path("alice-cert.pub")}`);
    const { stdout } = sshKeygen(["-Lf", bench.path("alice-cert.pub")]);
    expect(stdout).toContain(`Serial: ${certificate.serial}\n`);

    await byCa(["--principals", "alice"]);
    expect(made().serial).not.toBe(certificate.serial);
  });

  test("has what was asked for instead", async () => {
    const words = ["--user", "bob", "--hours", "0.5", "--source-address", "192.0.2.0/24,2001:db8::1", "--serial", "77"];
    await byCa(["--principals", "deploy", ...words, "--key-id", "ticket 12", "--out", bench.path("other")]);
    expect(made("other")).toMatchObject({ serial: 77n, keyId: "ticket 12", principals: ["deploy"] });
    expect(made("other").criticalOptions.get("source-address")).toBe("192.0.2.0/24,2001:db8::1");
    expect(minutes("other")).toBe(30);
    const end = new Date(Date.now() + 7_200_000).toISOString().replace(/\.\d+Z$/, "Z");
    await byCa(["--principals", "deploy", "--user", "bob", "--end", end]);
    expect(new Date(Number(made().validBefore) * 1000).toISOString()).toBe(end.replace("Z", ".000Z"));
    expect(made().keyId).toStartWith("break-glass for[bob] ");
  });

  test("is for a host's names for a day, without extensions, at most for 30 days", async () => {
    const { out } = await byCa(["--host", "--principals", "web1.example.com,10.0.0.1,::1"]);
    expect(made()).toMatchObject({ kind: "host", principals: ["web1.example.com", "10.0.0.1", "::1"] });
    expect([...made().extensions, ...made().criticalOptions]).toEqual([]);
    expect(minutes()).toBe(24 * 60);
    expect(out[1]).toContain("HostCertificate");
    await byCa(["--host", "--principals", "web1", "--hours", "720"]);
    expect(minutes()).toBe(720 * 60);
    for (const name of ["*.example.com", "web?", "", "a b", "!web1"]) {
      expect((await byCa(["--host", "--principals", name])).failure).toContain("is no host name");
    }
    expect((await byCa(["--host", "--principals", "web1", "--hours", "721"])).failure).toContain("up to 720");
    expect((await byCa(["--host", "--principals", "web1", "--source-address", "192.0.2.1"])).status).toBe(64);
  });

  test("leaves a line in the audit log, as the CA's function does, and no passphrase", async () => {
    await byCa(["--principals", "alice", "--user", "Alice", "--source-address", "192.0.2.1"]);
    const record = records().at(-1);
    const { serial, keyId } = made();
    expect(record).toMatchObject({
      event: "decision",
      decision: "granted",
      kind: "user",
      proof: "by-hand",
      user: "Alice",
      principals: ["alice"],
      sourceAddress: "192.0.2.1",
      serial: `${serial}`,
      keyId,
    });
    expect(keyId).toContain(`request[${record?.["requestId"]}]`);
    await byCa(["--principals", "alice", "--log", bench.path("other-log")]);
    expect(records("other-log").length).toBe(1);
  });

  test("is not made where its audit line cannot be written, and the one that was there stays", async () => {
    await byCa(["--principals", "alice"]);
    const before = bench.read("alice-cert.pub");
    const { failure } = await byCa(["--principals", "alice", "--log", dirname(bench.path("ca"))]);
    expect(failure).toContain("is a folder");
    expect(bench.read("alice-cert.pub")).toBe(before);
  });

  test("does not share its audit line with one that was cut off", async () => {
    bench.write("cut-log", '{"time":"2024');
    await byCa(["--principals", "alice", "--log", bench.path("cut-log")]);
    const [first, second] = bench.read("cut-log").split("\n");
    expect(first).toBe('{"time":"2024');
    expect(JSON.parse(second ?? "").serial).toBe(`${made().serial}`);
  });
});

describe("nothing is signed", () => {
  const refusals: readonly (readonly [string, readonly string[], string])[] = [
    ["without principals", [], "--principals"],
    ["for an empty name", ["--principals", "alice,"], "an empty word is no name"],
    ["for a name with a space", ["--principals", "a b"], "is no name"],
    ["for a name with a line break", ["--principals", "a\nb"], "is no name"],
    ["for a name twice", ["--principals", "a,a"], "twice"],
    ["for 257 names", ["--principals", Array.from({ length: 257 }, (_, at) => `u${at}`).join()], "256"],
    ["for more than a day", ["--principals", "a", "--hours", "24.1"], "up to 24"],
    ["for no time", ["--principals", "a", "--hours", "0"], "up to 24"],
    ["for a time that is no number", ["--principals", "a", "--hours", "1e1"], "up to 24"],
    ["until the past", ["--principals", "a", "--end", "2020-01-01T00:00:00Z"], "has passed"],
    ["until next year", ["--principals", "a", "--end", "2999-01-01T00:00:00Z"], "more than 24 hours"],
    ["until a time without a zone", ["--principals", "a", "--end", "2999-01-01T00:00:00"], "is no time"],
    ["for two ends", ["--principals", "a", "--hours", "1", "--end", "2999-01-01T00:00:00Z"], "not both"],
    ["from the whole internet", ["--principals", "a", "--source-address", "0.0.0.0/0"], "whole internet"],
    ["from a network with host bits", ["--principals", "a", "--source-address", "10.0.0.1/8"], "no address or network"],
    ["from a name", ["--principals", "a", "--source-address", "localhost"], "no address or network"],
    [
      "from the whole internet in two words",
      ["--principals", "a", "--source-address", "0.0.0.0/1,128.0.0.0/1"],
      "internet",
    ],
    ["from it in many", ["--principals", "a", "--source-address", "0.0.0.0/8,1.0.0.0/8,2.0.0.0/8"], "internet"],
    ["for a name that is an option", ["--principals", "a,-oProxyCommand=x"], "is no name"],
    ["for a user that is an option", ["--principals", "a", "--user", "-x"], "is no name"],
    ["for a host's name in capitals", ["--host", "--principals", "WEB1.Example.COM"], "is not in lower case"],
    ["for a host's name that is none", ["--host", "--principals", "a..b"], "is no host name"],
    ["with serial 0", ["--principals", "a", "--serial", "0"], "2^64"],
    ["with a serial beyond all", ["--principals", "a", "--serial", "18446744073709551616"], "2^64"],
    ["with a key id of two lines", ["--principals", "a", "--key-id", "a\nb"], "one line"],
    ["for a user with a space", ["--principals", "a", "--user", "a b"], "is no name"],
  ];
  test.each(refusals)("%s", async (_, words, sentence) => {
    const before = bench.has("ca-log.jsonl") ? bench.read("ca-log.jsonl") : "";
    const { status, failure } = await byCa([...words, "--out", bench.path("none")]);
    expect(failure).toContain(sentence);
    expect([status, bench.has("none")]).toEqual([64, false]);
    expect(bench.has("ca-log.jsonl") ? bench.read("ca-log.jsonl") : "").toBe(before);
  });

  test("for keys that are weak, the CA's own, certificates, private ones, or none", async () => {
    const run = async (file: string) =>
      (await bench.run(["sign", "--key", bench.path("ca"), "--principals", "a", "--out", bench.path("none"), file]))
        .failure;
    bench.key("weak", ["-t", "rsa", "-b", "1024", "-N", ""]);
    await byCa(["--principals", "a"]);
    expect(await run(bench.path("weak.pub"))).toContain("too weak");
    expect(await run(bench.path("ca.pub"))).toContain("CA's own key");
    expect(await run(bench.path("alice-cert.pub"))).toContain("is a certificate");
    expect(await run(bench.path("alice"))).toContain("is a private key");
    expect(await run(bench.path("missing.pub"))).toContain("there is no file");
    expect(await run(bench.write("text.pub", "hello\n"))).toContain("is no public key");
    expect(bench.has("none")).toBe(false);
  });

  test("with an audit log that is something else, or the certificate itself", async () => {
    const there = bench.write("there", "one line\n");
    bench.write("revoked.json", '{"version":1,"revocations":[]}\n');
    for (const name of ["ca", "ca.pub", "there", "revoked.json"]) {
      const before = bench.read(name);
      const { failure } = await byCa(["--principals", "a", "--log", bench.path(name), "--out", bench.path("none")]);
      expect(failure).toContain("is there and no audit log");
      expect(bench.read(name)).toBe(before);
    }
    expect((await byCa(["--principals", "a", "--log", "/dev/null"])).failure).toContain("is no regular file");
    const both = await byCa(["--principals", "a", "--log", bench.path("none"), "--out", bench.path("none")]);
    expect(both.failure).toContain("the same file");
    expect([bench.has("none"), there === bench.path("there")]).toEqual([false, true]);
    expect((await byCa(["--principals", "a", "--log", bench.write("empty-log", "")])).failure).toBe("");
    expect((await byCa(["--principals", "a", "--log", bench.path("empty-log")])).failure).toBe("");
  });

  test("into a place where no certificate can be", async () => {
    bench.write("large", `${"x".repeat(2 << 20)}\n`);
    const lines = bench.has("ca-log.jsonl") ? records().length : 0;
    for (const [name, said] of [
      [".", "is a folder"],
      ["large", "it is too large"],
      ["nonexistent/x", "there is no folder"],
    ] as const) {
      expect((await byCa(["--principals", "a", "--out", bench.path(name)])).failure).toContain(said);
    }
    bench.write("known", `@cert-authority * ${bench.read("ca.pub")}${bench.read("alice-cert.pub")}`);
    expect((await byCa(["--principals", "a", "--out", bench.path("known")])).failure).toContain("and no certificate");
    expect(bench.has("ca-log.jsonl") ? records().length : 0).toBe(lines);
  });

  test("for a key or a person that is revoked, by the list beside the CA's key or another", async () => {
    const revoke = (file: string, ...words: string[]) => bench.run(["revoke", "--file", bench.path(file), ...words]);
    const other = ["--revocations", bench.path("other.json")];
    const run = async (...words: string[]) => (await byCa([...words, "--out", bench.path("none")])).failure;
    await revoke("other.json", "--key", bench.path("alice.pub"));
    expect(await run("--principals", "a")).toBe("");
    rmSync(bench.path("none"));
    expect(await run("--principals", "a", ...other)).toContain("the key is revoked");
    await revoke("revocations.json", "--person", "Mallory");
    expect(await run("--principals", "a,mallory")).toContain("mallory is revoked");
    expect(await run("--principals", "a", "--user", "MALLORY")).toContain("MALLORY is revoked");
    expect(await run("--principals", "a", "--revocations", bench.path("no-list"))).toContain("there is no list");
    await revoke("revocations.json", "--key", bench.path("ca.pub"));
    expect(await run("--principals", "a")).toContain("the CA's own key is revoked");
    bench.write("revocations.json", "{");
    expect(await run("--principals", "a")).toContain("is not JSON");
    rmSync(bench.path("revocations.json"));
    expect(bench.has("none")).toBe(false);
  });

  test("over a file that is no certificate", async () => {
    const { failure } = await byCa(["--principals", "a", "--out", bench.path("ca")]);
    expect(failure).toContain("no certificate");
    expect(bench.read("ca")).toStartWith("-----BEGIN OPENSSH PRIVATE KEY");
  });
});

test("no module on the way of a signature by hand speaks to a network", () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const queue = [resolve(import.meta.dir, "../../src/commands/ca/sign.ts")];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    expect(text).not.toMatch(/\bfetch\(/);
    for (const [, types, from = ""] of text.matchAll(/(?:^|\n)(?:import|export) (type )?[^;"']*?from "([^"]+)"/g)) {
      if (types !== undefined) continue;
      if (from.startsWith(".")) queue.push(join(dirname(file), from));
      else packages.add(from);
    }
    for (const [, from = ""] of text.matchAll(/\bimport\("([^"]+)"\)/g)) {
      if (from.startsWith(".")) queue.push(join(dirname(file), from));
      else packages.add(from);
    }
  }
  expect(seen.size).toBeGreaterThan(15);
  expect([...packages].filter((name) => /aws|smithy|node:(net|http|https|tls|dns|dgram)|undici/.test(name))).toEqual(
    [],
  );
});
