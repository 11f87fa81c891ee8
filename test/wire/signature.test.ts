import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concat, makeReader, mpint, string, text, WireError } from "../../src/wire/bytes.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { keyObject, publicBlob, sha256Fingerprint, signBytes, verifyBytes } from "../../src/wire/signature.ts";
import { authorities, makeAuthorities, makeRandom, type Random, sshKeygen } from "./support.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-signature-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function flip(bytes: Uint8Array, random: Random): void {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
}

const message = new TextEncoder().encode("a message");

describe("signatures", () => {
  test("verify with the key that made them, and with no other key or message", () => {
    const all = makeAuthorities();
    for (const { name, privateKey, blob } of all) {
      const signature = signBytes(privateKey, message);
      expect(verifyBytes(blob, message, signature), name).toBe(true);
      expect(verifyBytes(blob, message.subarray(1), signature), name).toBe(false);
      for (const other of all) {
        if (other.name !== name) expect(verifyBytes(other.blob, message, signature)).toBe(false);
      }
    }
  });

  test("of an rsa key use SHA-512 unless SHA-256 is wanted", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(makeReader(signBytes(privateKey, message)).text()).toBe("rsa-sha2-512");
    expect(makeReader(signBytes(privateKey, message, "rsa-sha2-256")).text()).toBe("rsa-sha2-256");
  });

  // One of two P-521 and one of 256 other signatures has a number that is shorter than its curve: sshpk gets those wrong.
  test("of ecdsa keys are right whatever the length of their numbers", () => {
    for (const namedCurve of ["P-256", "P-384", "P-521"]) {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve });
      const blob = publicBlob(privateKey);
      for (let round = 0; round < 150; round++) {
        const bytes = Uint8Array.of(round);
        expect(verifyBytes(blob, bytes, signBytes(privateKey, bytes))).toBe(true);
      }
    }
  });

  test("of an rsa key are right when leading zeros were dropped", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const blob = publicBlob(privateKey);
    let seen = 0;
    for (let round = 0; seen === 0 && round < 5000; round++) {
      const bytes = new TextEncoder().encode(`${round}`);
      const reader = makeReader(signBytes(privateKey, bytes));
      const type = reader.text();
      const value = reader.string();
      if (value[0] !== 0) continue;
      seen++;
      expect(verifyBytes(blob, bytes, concat(text(type), string(value.subarray(1))))).toBe(true);
    }
    expect(seen).toBe(1);
  });

  test("that are malformed do not verify, and nothing is thrown", () => {
    const random = makeRandom("malformed signatures");
    for (const { privateKey, blob } of makeAuthorities()) {
      const signature = signBytes(privateKey, message);
      for (let round = 0; round < 150; round++) {
        const damaged = signature.slice(0, random.below(2) === 0 ? random.below(signature.length) : undefined);
        if (damaged.length === signature.length) flip(damaged, random);
        expect(verifyBytes(blob, message, damaged)).toBe(false);
        expect(verifyBytes(random.bytes(random.below(60)), message, signature)).toBe(false);
      }
    }
  });

  test("are not made with keys that ssh does not know", () => {
    const unknown = generateKeyPairSync("x25519").privateKey;
    expect(() => signBytes(unknown, message)).toThrow(WireError);
    expect(() => publicBlob(generateKeyPairSync("x25519").publicKey)).toThrow(WireError);
  });

  test("are those that ssh-keygen -Y verifies", () => {
    for (const { privateKey, blob } of makeAuthorities()) {
      // PROTOCOL.sshsig: what is signed, and the file around it.
      const hash = new Bun.CryptoHasher("sha512").update(message).digest();
      const preamble = [new TextEncoder().encode("SSHSIG"), text("test"), text(""), text("sha512")];
      const signature = signBytes(privateKey, concat(...preamble, string(hash)));
      const version = Uint8Array.of(0, 0, 0, 1);
      const file = concat(preamble[0] ?? version, version, string(blob), ...preamble.slice(1), string(signature));
      const path = join(folder, "signature");
      writeFileSync(path, `-----BEGIN SSH SIGNATURE-----\n${file.toBase64()}\n-----END SSH SIGNATURE-----\n`);
      const words = ["-Y", "check-novalidate", "-n", "test", "-s", path];
      expect(sshKeygen(words, "a message")).toMatchObject({ status: 0 });
    }
  });
});

describe("keys", () => {
  test("keep their blob through node:crypto", () => {
    for (const line of authorities.values()) {
      const { blob } = parsePublicKey(line);
      expect(publicBlob(keyObject(blob))).toEqual(blob);
    }
  });

  test("have the blob that ssh-keygen gives the same private key", () => {
    for (const [type, bits] of [
      ["rsa", "2048"],
      ["ecdsa", "256"],
      ["ecdsa", "521"],
    ] as const) {
      const path = join(folder, `${type}${bits}`);
      sshKeygen(["-q", "-t", type, "-b", bits, "-m", "PEM", "-N", "", "-C", "", "-f", path]);
      const blob = publicBlob(createPrivateKey(readFileSync(path)));
      const line = formatPublicKey({ type: makeReader(blob).text(), blob, comment: "" });
      expect(line).toBe(readFileSync(`${path}.pub`, "utf8").trim());
    }
  });

  test("have the fingerprint that ssh-keygen prints", () => {
    for (const line of authorities.values()) {
      const printed = sshKeygen(["-l", "-f", "-"], `${line}\n`).stdout.split(" ")[1] ?? "";
      expect(sha256Fingerprint(parsePublicKey(line).blob)).toBe(printed);
    }
  });

  test("that are no points of their curve, or no keys at all, throw WireError", () => {
    const nowhere = concat(Uint8Array.of(4), new Uint8Array(64).fill(7));
    expect(() => keyObject(concat(text("ecdsa-sha2-nistp256"), text("nistp256"), string(nowhere)))).toThrow(WireError);
    expect(() => keyObject(text("ssh-dss"))).toThrow(WireError);
    const even = concat(text("ssh-rsa"), mpint(Uint8Array.of(2)), mpint(new Uint8Array(256).fill(6)));
    expect(verifyBytes(even, message, concat(text("rsa-sha2-512"), string(new Uint8Array(256))))).toBe(false);
  });
});
