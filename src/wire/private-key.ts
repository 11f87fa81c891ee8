/** Private keys in OpenSSH's own format: PROTOCOL.key of OpenSSH (`openssh-key-v1`). */
import {
  concat,
  decodeBase64,
  encodeBase64,
  encodeText,
  makeReader,
  mpint,
  string,
  text,
  u32,
  WireError,
} from "./bytes.ts";
import { blobType } from "./public-key.ts";

/** The part of a key file that can be read without its passphrase. */
export type OpenSshKey = {
  /** Blob of the public key. */
  readonly publicKey: Uint8Array;
  readonly encrypted: boolean;
  /** Such as `aes256-ctr`; `none` when the key is not encrypted. */
  readonly cipher: string;
};

/** The fields of a private JSON Web Key, as `KeyObject.export({ format: "jwk" })` of node:crypto gives them. */
export type PrivateJwk = {
  readonly kty?: string | undefined;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly d?: string | undefined;
  readonly n?: string | undefined;
  readonly e?: string | undefined;
  readonly p?: string | undefined;
  readonly q?: string | undefined;
  readonly qi?: string | undefined;
};

const MAGIC = encodeText("openssh-key-v1\0");
const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
const MAX_FILE = 64 * 1024;
/** Block size of the cipher `none`. */
const BLOCK = 8;

/**
 * Reads the open part of a private key's file. Null when it is a file of another kind (PEM, PKCS #8, PuTTY's); throws
 * WireError when it says that it is OpenSSH's and is broken.
 */
export function readOpenSshKey(file: string): OpenSshKey | null {
  const whole = file.trimStart();
  if (!whole.startsWith(BEGIN)) return null;
  const end = whole.indexOf(END);
  if (end < 0 || whole.length > MAX_FILE) throw new WireError("the private key is not complete");

  const reader = makeReader(decodeBase64(whole.slice(BEGIN.length, end).replace(/[\t\n\r ]/g, "")));
  for (const byte of MAGIC) {
    if (reader.u8() !== byte) throw new WireError("the private key does not begin as OpenSSH's do");
  }
  const cipher = reader.text();
  reader.text(); // the key derivation's name
  reader.string(); // and its options
  if (reader.u32() !== 1) throw new WireError("a file with more than one private key");
  const publicKey = reader.string();
  blobType(publicKey);
  reader.string(); // the private part; a cipher with a tag has that behind it
  return { publicKey, encrypted: cipher !== "none", cipher };
}

/**
 * The file of an ed25519 or rsa key without a passphrase, with its newline at the end. Throws WireError for other keys
 * or when a part is missing.
 */
export function makeOpenSshKey(jwk: PrivateJwk, comment: string): string {
  const { publicKey, secret } = encodeKey(jwk);
  const check = crypto.getRandomValues(new Uint8Array(4));
  const body = concat(check, check, secret, text(comment));
  const padding = new Uint8Array((BLOCK - (body.length % BLOCK)) % BLOCK).map((_, index) => index + 1);
  const file = concat(
    MAGIC,
    text("none"), // cipher
    text("none"), // key derivation
    text(""), // its options
    u32(1), // number of keys
    string(publicKey),
    string(concat(body, padding)),
  );
  const lines = encodeBase64(file).match(/.{1,70}/g) ?? [];
  return `${[BEGIN, ...lines, END].join("\n")}\n`;
}

function encodeKey(jwk: PrivateJwk): { publicKey: Uint8Array; secret: Uint8Array } {
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") {
    const [type, point] = [text("ssh-ed25519"), part(jwk.x)];
    // PROTOCOL.key follows the reference code: seed and public key are one string.
    return {
      publicKey: concat(type, string(point)),
      secret: concat(type, string(point), string(concat(part(jwk.d), point))),
    };
  }
  if (jwk.kty === "RSA") {
    const type = text("ssh-rsa");
    const [n, e, d, qi, p, q] = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map((value) => mpint(part(value)));
    if (!(n && e && d && qi && p && q)) throw new WireError("a private key with a part missing");
    return { publicKey: concat(type, e, n), secret: concat(type, n, e, d, qi, p, q) };
  }
  throw new WireError("a private key of a kind that is not written here");
}

function part(value: string | undefined): Uint8Array {
  if (value === undefined) throw new WireError("a private key with a part missing");
  try {
    return Uint8Array.fromBase64(value, { alphabet: "base64url" });
  } catch {
    throw new WireError("a private key with a part that is not base64");
  }
}
