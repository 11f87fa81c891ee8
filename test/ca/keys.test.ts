import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, type PrivateKeyExportOptions } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSigner } from "../../src/ca/keys.ts";
import { publicBlob, verifyBytes } from "../../src/wire/signature.ts";
import { sshKeygen } from "../wire/support.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-ca-keys-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const message = new TextEncoder().encode("a message");

/** 64 bytes that are no text, as terraform-provider-bless makes them. */
const binary = Buffer.from(crypto.getRandomValues(new Uint8Array(64)).map((byte, at) => [0xff, 0x00][at] ?? byte));

function encrypted(key: KeyObject, type: "pkcs1" | "sec1" | "pkcs8"): string {
  const cipher = { cipher: "aes-256-cbc", passphrase: binary, format: "pem" } as const;
  // The types want the kind of key to be known beforehand.
  return `${key.export({ type, ...cipher } as PrivateKeyExportOptions)}`;
}

test("a signer comes from any kind of PEM file, its passphrase any bytes", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey;
  const ed25519 = generateKeyPairSync("ed25519").privateKey;
  const files: [KeyObject, string][] = [
    [rsa, encrypted(rsa, "pkcs1")],
    [rsa, encrypted(rsa, "pkcs8")],
    [ec, encrypted(ec, "sec1")],
    [ec, encrypted(ec, "pkcs8")],
    [ed25519, encrypted(ed25519, "pkcs8")],
  ];
  for (const [key, pem] of files) {
    const signer = readSigner(pem, binary);
    expect(signer.publicBlob).toEqual(publicBlob(key));
    expect(verifyBytes(signer.publicBlob, message, await signer.sign(message))).toBe(true);
  }
  const plain = readSigner(ed25519.export({ format: "pem", type: "pkcs8" }).toString());
  expect(plain.publicBlob).toEqual(publicBlob(ed25519));
});

test("the file that ssh-keygen writes in PEM is read", async () => {
  const path = join(folder, "ca");
  sshKeygen(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "a passphrase", "-C", "", "-f", path]);
  const signer = readSigner(readFileSync(path), new TextEncoder().encode("a passphrase"));
  expect(verifyBytes(signer.publicBlob, message, await signer.sign(message))).toBe(true);
});

test("a wrong passphrase, none at all, garbage and a short key are refused without a word of what they are", () => {
  const pem = encrypted(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, "pkcs1");
  for (const wrong of [new TextEncoder().encode("CANARY"), null, new Uint8Array(0)]) {
    expect(() => readSigner(pem, wrong)).toThrow(/^the CA's key cannot be opened/);
  }
  expect(() => readSigner("CANARY")).toThrow(/^the CA's key cannot be opened/);
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  expect(() => readSigner(short.export({ format: "pem", type: "pkcs8" }).toString())).toThrow("less than 2048 bits");
});

test("a key of a kind that ssh has no use for is no CA's", () => {
  const pem = generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" });
  expect(() => readSigner(`${pem}`)).toThrow("ssh does not know");
});
