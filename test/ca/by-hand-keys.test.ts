// promise: the CA's key is opened for a signature by hand whatever its format, asks for its passphrase, and is not taken from an open file
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { concat, encodeText, string, text, u32 } from "../../src/wire/bytes.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { verifyCertificate } from "../../src/wire/signature.ts";
import { type Bench, makeBench, type Ran } from "./running.ts";

let bench: Bench;
beforeAll(() => {
  bench = makeBench();
  for (const name of ["ca", "alice"]) bench.key(name);
  bench.key("locked", ["-t", "ecdsa", "-b", "384", "-a", "4", "-N", "open sesame"]);
});
afterAll(() => bench.remove());

const sign = (words: readonly string[], environment = {}): Promise<Ran> =>
  bench.run(["sign", ...words, bench.path("alice.pub")], environment);
const made = () => parseCertificate(bench.read("alice-cert.pub").trim());

describe("the CA's key", () => {
  const withPassphrase = (file: string) =>
    sign(["--key", bench.path("locked"), "--passphrase-file", file, "--principals", "alice"]);

  test("is opened with a passphrase from a file that nobody else may read", async () => {
    const file = bench.write("pass", "open sesame\n");
    expect((await withPassphrase(file)).status).toBe(0);
    expect(verifyCertificate(made())).toBe(true);
    expect((await withPassphrase(bench.write("pass", "open sesame"))).status).toBe(0);
    const wrong = await withPassphrase(bench.write("wrong", "close sesame\n"));
    expect(wrong.failure).toContain("another passphrase");
    expect(wrong.failure).not.toContain("close sesame");
    chmodSync(file, 0o640);
    expect((await withPassphrase(file)).failure).toMatch(/others may read the passphrase in .*; chmod 600 it/);
  });

  test("is opened with a passphrase as Windows writes it", async () => {
    const words = "open sesame";
    for (const bytes of [
      `${words}\r\n`,
      `\ufeff${words}\r\n`,
      `\ufeff${words}`,
      Buffer.from(`\ufeff${words}\r\n`, "utf16le").toString("latin1"),
    ]) {
      const file = bench.path("pass-windows");
      writeFileSync(file, bytes.startsWith("\u00ff") ? Buffer.from(bytes, "latin1") : bytes, { mode: 0o600 });
      expect((await withPassphrase(file)).failure).toBe("");
    }
  });

  test("of a kind that cannot be read is said to be so, before the passphrase is asked for", async () => {
    bench.key("plain-pem", ["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""]);
    const scrypt = ["pkcs8", "-topk8", "-scrypt", "-in", bench.path("plain-pem"), "-out", bench.path("scrypt")];
    expect(Bun.spawnSync(["openssl", ...scrypt, "-passout", "pass:x"]).exitCode).toBe(0);
    const fault = async (name: string) => {
      chmodSync(bench.path(name), 0o600);
      return (await sign(["--key", bench.path(name), "--principals", "a"])).failure;
    };
    expect(await fault("scrypt")).toContain("stretched by scrypt");
    for (const [name, cipher] of [
      ["dsa", "none"],
      ["dsa-locked", "aes256-ctr"],
    ] as const) {
      const blob = concat(text("ssh-dss"), string(new Uint8Array(64)));
      const rest = concat(text(cipher), text("none"), text(""), u32(1), string(blob), string(new Uint8Array(64)));
      const base64 = concat(encodeText("openssh-key-v1\0"), rest).toBase64();
      bench.write(name, `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`);
    }
    const dsa = Bun.spawnSync(["openssl", "dsaparam", "-genkey", "-noout", "1024"]).stdout.toString();
    bench.write("dsa-pem", dsa.replace(/(BEGIN|END) (DSA )?PRIVATE/g, "$1 DSA PRIVATE"));
    bench.write("dsa-pkcs8", dsa.replaceAll("DSA PRIVATE", "PRIVATE"));
    for (const name of ["dsa", "dsa-locked", "dsa-pem", "dsa-pkcs8"]) {
      expect(await fault(name), name).toContain("is a DSA key");
    }
    expect((await sign(["--key", dirname(bench.path("ca")), "--principals", "a"])).failure).toContain("it is a folder");
  });

  test("is not taken when others may read it", async () => {
    bench.key("open");
    chmodSync(bench.path("open"), 0o644);
    expect((await sign(["--key", bench.path("open"), "--principals", "a"])).failure).toContain(
      "others may read the CA's key",
    );
  });

  test("signs with SHA-512 when it is an rsa key, in every format, and never when it is weak", async () => {
    bench.key("rsa", ["-t", "rsa", "-b", "2048", "-N", ""]);
    bench.key("pem", ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "open sesame"]);
    bench.write("pass-of-pem", "open sesame\n");
    for (const [name, more] of [
      ["rsa", []],
      ["pem", ["--passphrase-file", bench.path("pass-of-pem")]],
    ] as const) {
      expect((await sign(["--key", bench.path(name), "--principals", "alice", ...more])).failure).toBe("");
      expect([made().signatureType, verifyCertificate(made())]).toEqual(["rsa-sha2-512", true]);
    }
    bench.key("small", ["-t", "rsa", "-b", "1024", "-N", ""]);
    expect((await sign(["--key", bench.path("small"), "--principals", "a"])).failure).toContain("2048");
  });

  test("may be held by an ssh-agent", async () => {
    bench.key("agent-rsa", ["-t", "rsa", "-b", "2048", "-N", ""]);
    const socket = bench.path("agent");
    const agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdout: "ignore", stderr: "ignore" });
    try {
      for (let tries = 0; !existsSync(socket) && tries < 1000; tries++) await Bun.sleep(5);
      const held = { SSH_AUTH_SOCK: socket };
      const words = (name: string) => ["--agent", bench.path(`${name}.pub`), "--principals", "alice"];
      expect((await sign(words("ca"), held)).failure).toContain("the ssh-agent does not sign with");
      for (const [name, type] of [
        ["ca", "ssh-ed25519"],
        ["agent-rsa", "rsa-sha2-512"],
      ] as const) {
        Bun.spawnSync(["ssh-add", "-q", bench.path(name)], { env: { ...process.env, ...held } });
        expect((await sign(words(name), held)).failure).toBe("");
        expect([made().signatureType, verifyCertificate(made())]).toEqual([type, true]);
      }
    } finally {
      agent.kill();
      await agent.exited;
    }
    expect((await sign(["--agent", bench.path("ca.pub"), "--principals", "a"])).failure).toContain(
      "there is no ssh-agent",
    );
    const gone = { SSH_AUTH_SOCK: bench.path("gone") };
    expect((await sign(["--agent", bench.path("ca.pub"), "--principals", "a"], gone)).failure).toContain("no answer");
  });
});
