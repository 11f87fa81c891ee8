import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Certifying, certify } from "../../src/host/certify.ts";
import { certificateOf } from "../../src/host/life.ts";
import {
  authority,
  fakeSshd,
  filesIn,
  hostCertificate,
  makeAuthority,
  makeServer,
  partsFor,
  refusal,
  type TestServer,
} from "./support.ts";

let server = null as TestServer | null;
afterEach(() => {
  server?.remove();
  server = null;
});

describe("enrolling", () => {
  test("puts certificates beside the keys, tells sshd, and leaves the keys alone", async () => {
    server = makeServer();
    const before = filesIn(server.folder);
    const { run, ran } = fakeSshd(() => null);
    const marks: boolean[] = [];
    await certify(partsFor(server, run, marks), server.keys);
    const after = filesIn(server.folder);
    for (const [name, text] of Object.entries(before)) expect(after[name]).toBe(text);
    expect(Object.keys(after).filter((name) => before[name] === undefined)).toEqual([
      "ssh_host_ecdsa_key-cert.pub",
      "ssh_host_ed25519_key-cert.pub",
      "sshd_config.d/50-bssh-host.conf",
    ]);
    for (const key of server.keys) expect(certificateOf(key)?.publicKey).toEqual(key.publicKey.blob);
    expect(readFileSync(server.dropIn, "utf8").split("\n").slice(1)).toEqual([
      `HostCertificate ${server.keys[0]?.certificate}`,
      `HostCertificate ${server.keys[1]?.certificate}`,
      "",
    ]);
    expect(after["ssh_host_ecdsa_key-cert.pub"]).toStartWith("644 ");
    expect(marks).toEqual([true, false]);
    // sshd has seen the certificates before anything was in its place.
    expect(ran.map((words) => words.filter((word) => word.startsWith("HostCertificate=")).length)).toEqual([2, 0]);
  });

  test("gives no program anything of the environment but its path", async () => {
    const { makeRun } = await import("../../src/host/run.ts");
    const { out } = await makeRun("/usr/bin:/bin")(["env"]);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split("=")[0])
        .sort(),
    ).toEqual(["LC_ALL", "PATH"]);
  });

  const FAULTS = [
    [
      "sshd ends with an error",
      { status: 255, err: "line 3: Bad configuration option\n" },
      "line 3: Bad configuration option",
    ],
    ["sshd can't use a certificate", null, "No matching private key for certificate"],
  ] as const;
  for (const at of [1, 2]) {
    for (const [name, verdict, words] of FAULTS) {
      test(`changes nothing when ${name} at test ${at}: bytes, modes, links and what is absent`, async () => {
        const made = makeServer();
        server = made;
        const [first, second] = made.keys;
        if (first === undefined || second === undefined) throw new Error("no keys");
        // One that was there, strange in every way; and one that is absent.
        writeFileSync(join(made.folder, "elsewhere"), "an administrator's own\n");
        symlinkSync("elsewhere", first.certificate);
        writeFileSync(made.dropIn, "# older\n");
        chmodSync(made.dropIn, 0o640);
        const before = filesIn(made.folder);
        const marks: boolean[] = [];
        const path = (test: number) => (test === 1 ? `/.${second.certificate.split("/").at(-1)}.` : second.certificate);
        let last: readonly string[] = [];
        const { run: plain } = fakeSshd((test) => (test === at ? verdict : null));
        const run: Certifying["run"] = async (words_) => {
          last = words_;
          const ran = await plain(words_);
          const isAt = (at === 1) === words_.some((word) => word.startsWith("HostCertificate="));
          if (verdict !== null || !isAt) return ran;
          const staged = last.find((word) => word.includes(path(1)))?.replace("HostCertificate=", "");
          return { ...ran, err: `No matching private key for certificate: ${staged ?? second.certificate}\n` };
        };
        const said = await refusal(certify(partsFor(made, run, marks), made.keys));
        expect(said).toContain(words);
        expect(filesIn(made.folder)).toEqual(before);
        expect(marks.at(-1)).toBe(false);
      });
    }
  }

  test("keeps the note that sshd is to be reloaded when an earlier run left it", async () => {
    server = makeServer();
    const marks: boolean[] = [];
    const { run } = fakeSshd(() => ({ status: 1 }));
    await refusal(certify(partsFor(server, run, marks, { wasPending: true }), server.keys));
    expect(marks).toEqual([true]);
  });

  test("changes nothing when the answer for one key of two is wrong, or the CA is down", async () => {
    server = makeServer();
    const before = filesIn(server.folder);
    const { run, ran } = fakeSshd(() => null);
    const other = makeAuthority();
    const ask: Certifying["ask"] = (key) =>
      hostCertificate(key.publicKey.blob, {}, key.publicKey.type === "ssh-ed25519" ? authority : other);
    expect(await refusal(certify(partsFor(server, run, [], { ask }), server.keys))).toContain("ca_keys in [hosts]");
    const down = async () => {
      throw new Error("down");
    };
    expect(await refusal(certify(partsFor(server, run, [], { ask: down }), server.keys))).toContain("down");
    expect(filesIn(server.folder)).toEqual(before);
    expect(ran).toEqual([]);
  });

  test("changes nothing when a file can't be written", async () => {
    server = makeServer();
    mkdirSync(server.dropIn);
    const before = filesIn(server.folder);
    const { run } = fakeSshd(() => null);
    expect(await refusal(certify(partsFor(server, run), server.keys))).toContain("could not write");
    expect(filesIn(server.folder)).toEqual(before);
  });

  test("takes away what killed runs left, and nothing else", async () => {
    server = makeServer();
    const stray = join(server.folder, ".ssh_host_ed25519_key-cert.pub.0123456789abcdef.bssh-old");
    const foreign = join(server.folder, ".ssh_host_ed25519_key.0123456789abcdef.bssh");
    for (const path of [stray, foreign]) writeFileSync(path, "");
    await certify(partsFor(server, fakeSshd(() => null).run), server.keys);
    expect(Object.keys(filesIn(server.folder)).filter((name) => name.startsWith("."))).toEqual([
      ".ssh_host_ed25519_key.0123456789abcdef.bssh",
    ]);
  });
});
