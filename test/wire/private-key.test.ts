import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WireError } from "../../src/wire/bytes.ts";
import { makeOpenSshKey, readOpenSshKey } from "../../src/wire/private-key.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { makeRandom, sshKeygen } from "./support.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-private-key-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function lineOf(key: KeyObject, type: string, comment: string): string {
  return formatPublicKey({ type, blob: publicBlob(key), comment });
}

describe("a private key that is made here", () => {
  test("is one that ssh-keygen -y reads, whatever the length of its comment", () => {
    const ed25519 = generateKeyPairSync("ed25519").privateKey;
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const keys = [
      [ed25519, "ssh-ed25519", ["", "a", "alice at home", "é".repeat(5)]],
      [rsa, "ssh-rsa", ["", "abcdefgh"]],
    ] as const;
    for (const [key, type, comments] of keys) {
      for (const comment of comments) {
        const path = join(folder, "made");
        writeFileSync(path, makeOpenSshKey(key.export({ format: "jwk" }), comment), { mode: 0o600 });
        expect(sshKeygen(["-y", "-f", path])).toMatchObject({
          status: 0,
          stdout: `${lineOf(key, type, comment)}\n`,
        });
      }
    }
  });

  test("signs as the key that it was made from", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const path = join(folder, "signer");
    writeFileSync(path, makeOpenSshKey(privateKey.export({ format: "jwk" }), ""), { mode: 0o600 });
    writeFileSync(join(folder, "subject.pub"), lineOf(privateKey, "ssh-rsa", ""));
    const made = sshKeygen(["-s", path, "-I", "test", "-n", "alice", join(folder, "subject.pub")]);
    expect(made).toMatchObject({ status: 0 });
    expect(sshKeygen(["-L", "-f", join(folder, "subject-cert.pub")])).toMatchObject({ status: 0 });
  });

  test("can be read again", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const file = makeOpenSshKey(privateKey.export({ format: "jwk" }), "x");
    expect(readOpenSshKey(file)).toEqual({ publicKey: publicBlob(privateKey), encrypted: false, cipher: "none" });
  });

  test("cannot be of a kind that is not written here, nor lack a part", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
    const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "jwk" });
    expect(() => makeOpenSshKey(ec, "")).toThrow(WireError);
    expect(() => makeOpenSshKey({ ...rsa, qi: undefined }, "")).toThrow(WireError);
    expect(() => makeOpenSshKey({ ...rsa, d: "*" }, "")).toThrow(WireError);
    expect(() => makeOpenSshKey({}, "")).toThrow(WireError);
  });
});

describe("the open part of a private key", () => {
  test("tells the public key and the cipher without the passphrase", () => {
    for (const cipher of ["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]) {
      const path = join(folder, cipher);
      sshKeygen(["-q", "-t", "ed25519", "-a", "1", "-Z", cipher, "-N", "a passphrase", "-C", "x", "-f", path]);
      const { blob } = parsePublicKey(readFileSync(`${path}.pub`, "utf8"));
      expect(readOpenSshKey(readFileSync(path, "utf8"))).toEqual({ publicKey: blob, encrypted: true, cipher });
    }
  });

  test("of a file of another kind is null", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    expect(readOpenSshKey(privateKey.export({ format: "pem", type: "pkcs8" }).toString())).toBeNull();
    expect(readOpenSshKey("PuTTY-User-Key-File-3: ssh-ed25519\n")).toBeNull();
    expect(readOpenSshKey("")).toBeNull();
  });

  test("gives WireError, or is still read, when the file is damaged in any place", () => {
    const random = makeRandom("damaged private keys");
    const file = makeOpenSshKey(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }), "x");
    for (let round = 0; round < 500; round++) {
      const at = 40 + random.below(file.length - 40);
      const end = random.below(2) === 0 ? file.length : at + 1;
      const damaged = `${file.slice(0, at)}${String.fromCharCode(random.below(128))}${file.slice(at + 1, end)}`;
      try {
        readOpenSshKey(damaged);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
    expect(() => readOpenSshKey(file.slice(0, -40))).toThrow(WireError);
    expect(() => readOpenSshKey(file.replace("\n", `\n${"A".repeat(100_000)}`))).toThrow(WireError);
  });
});
