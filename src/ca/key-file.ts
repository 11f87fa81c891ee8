/** A private key's file in any format that ssh's tools write: PEM (keys.ts) or OpenSSH's own (PROTOCOL.key of OpenSSH). */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { concat, decodeBase64, encodeText, equalBytes, makeReader, type Reader } from "../wire/bytes.ts";
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { blobType } from "../wire/public-key.ts";
import { publicBlob } from "../wire/signature.ts";
import { cipherOf } from "./key-cipher.ts";
import { readSigner, signerOf } from "./keys.ts";

const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC = encodeText("openssh-key-v1\0");
const MAX_FILE = 64 * 1024;
/** ssh-keygen's `-a`; a thousand take a minute. */
const MAX_ROUNDS = 1024;

/**
 * A signer with the key in the file. The passphrase is bytes, null for none; a key that has none takes any. Rejects with an
 * Error that quotes nothing of either.
 */
export async function openKeyFile(file: Uint8Array, passphrase: Uint8Array | null): Promise<CertificateSigner> {
  if (file.length > MAX_FILE) throw new Error("the CA's key is a file of more than 64 KiB");
  const text = Buffer.from(file).toString("latin1");
  const start = text.indexOf(BEGIN);
  if (start < 0) return readSigner(file, passphrase);
  const end = text.indexOf(END, start);
  if (end < 0) throw new Error("the CA's key is not a complete file");
  const key = await openOpenSsh(text.slice(start + BEGIN.length, end).replace(/\s/g, ""), passphrase);
  return signerOf(key);
}

async function openOpenSsh(base64: string, passphrase: Uint8Array | null): Promise<KeyObject> {
  const { cipher, derivation, options, publicKey, secret, tag } = readEnvelope(base64);
  const method = cipherOf(cipher);
  let open = secret;
  if (method !== null) {
    if (passphrase === null || passphrase.length === 0) throw new Error("the CA's key needs its passphrase");
    if (derivation !== "bcrypt") throw new Error("the CA's key has its passphrase stretched in an unknown way");
    const derived = await derive(passphrase, options, method.keyLength + method.ivLength);
    try {
      open = method.decrypt(secret, derived.subarray(0, method.keyLength), derived.subarray(method.keyLength), tag);
    } catch {
      throw wrongPassphrase();
    }
  }
  const reader = makeReader(open);
  const check = open.length < 8 ? null : reader.u32();
  if (check === null || check !== reader.u32()) throw wrongPassphrase();
  const type = reader.text();
  if (type !== blobType(publicKey)) throw new Error("the CA's key has halves that do not belong together");
  const key = createPrivateKey({ key: readJwk(reader, type), format: "jwk" });
  if (!equalBytes(publicBlob(key), publicKey)) throw new Error("the CA's key has halves that do not belong together");
  reader.string(); // the comment
  if (!reader.rest().every((byte, index) => byte === ((index + 1) & 0xff))) throw wrongPassphrase();
  return key;
}

type Envelope = {
  readonly cipher: string;
  readonly derivation: string;
  readonly options: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array;
  readonly tag: Uint8Array;
};

function readEnvelope(base64: string): Envelope {
  try {
    const reader = makeReader(decodeBase64(base64));
    if (!MAGIC.every((byte) => reader.u8() === byte)) throw new Error("another format");
    const [cipher, derivation, options] = [reader.text(), reader.text(), reader.string()];
    if (reader.u32() !== 1) throw new Error("more than one key");
    const [publicKey, secret] = [reader.string(), reader.string()];
    blobType(publicKey);
    return { cipher, derivation, options, publicKey, secret, tag: reader.rest() };
  } catch {
    throw new Error("the CA's key is a broken file");
  }
}

async function derive(passphrase: Uint8Array, options: Uint8Array, length: number): Promise<Uint8Array> {
  const reader = makeReader(options);
  const [salt, rounds] = [reader.string(), reader.u32()];
  if (rounds < 1 || rounds > MAX_ROUNDS) throw new Error(`the CA's key has its passphrase stretched ${rounds} times`);
  const { pbkdf } = await import("bcrypt-pbkdf");
  const key = new Uint8Array(length);
  const status = pbkdf(passphrase, passphrase.length, salt, salt.length, key, length, rounds);
  if (status !== 0 && status !== undefined) throw wrongPassphrase();
  return key;
}

const CURVES: Readonly<Record<string, { readonly crv: string; readonly size: number }>> = {
  "ecdsa-sha2-nistp256": { crv: "P-256", size: 32 },
  "ecdsa-sha2-nistp384": { crv: "P-384", size: 48 },
  "ecdsa-sha2-nistp521": { crv: "P-521", size: 66 },
};

function readJwk(reader: Reader, type: string): Record<string, string> {
  if (type === "ssh-ed25519") {
    const [x, pair] = [reader.string(), reader.string()];
    return { kty: "OKP", crv: "Ed25519", x: base64Url(x), d: base64Url(pair.subarray(0, 32)) };
  }
  if (type === "ssh-rsa") {
    const [n, e, d, qi, p, q] = [1, 2, 3, 4, 5, 6].map(() => reader.mpint());
    if (!(n && e && d && qi && p && q)) throw wrongPassphrase();
    const [dp, dq] = [remainder(d, p), remainder(d, q)];
    const [N, E, D, P, Q, DP, DQ, QI] = [n, e, d, p, q, dp, dq, qi].map(base64Url);
    return { kty: "RSA", n: N, e: E, d: D, p: P, q: Q, dp: DP, dq: DQ, qi: QI } as Record<string, string>;
  }
  const curve = CURVES[type];
  if (curve === undefined) throw new Error("the CA's key is of a kind that cannot sign by itself");
  reader.string(); // the curve's name
  const [point, d] = [reader.string(), reader.mpint()];
  const { crv, size } = curve;
  const padded = concat(new Uint8Array(Math.max(0, size - d.length)), d);
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)];
  return { kty: "EC", crv, x: base64Url(x), y: base64Url(y), d: base64Url(padded) };
}

/** d mod (prime - 1), which the file leaves out and a JSON Web Key may not. */
function remainder(d: Uint8Array, prime: Uint8Array): Uint8Array {
  const digits = (number(d) % (number(prime) - 1n)).toString(16);
  return Uint8Array.from(Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex"));
}

function number(magnitude: Uint8Array): bigint {
  return BigInt(`0x0${magnitude.toHex()}`);
}

function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function wrongPassphrase(): Error {
  return new Error("the CA's key cannot be opened: another passphrase, or a broken file");
}
