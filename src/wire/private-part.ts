/**
 * The private part of a key as an agent takes it (draft-miller-ssh-agent, section 3.2): cut out of OpenSSH's own format
 * (PROTOCOL.key), or put together from a JSON Web Key.
 */
import { concat, decodeBase64, equalBytes, makeReader, mpint, type Reader, string, text, WireError } from "./bytes.ts";
import { type PrivateJwk, readOpenSshKey } from "./private-key.ts";
import { blobType } from "./public-key.ts";

export type PrivatePart = {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** Blob of the public key. */
  readonly publicKey: Uint8Array;
  /** What follows the type when the key goes to an agent without a certificate. */
  readonly plainFields: Uint8Array;
  /** What follows the certificate when it goes with one. */
  readonly certifiedFields: Uint8Array;
};

/** The fields of a JSON Web Key that a key on a curve has as well. */
export type CurveJwk = PrivateJwk & { readonly y?: string | undefined };

/** OpenSSH's names of the curves and the size of a coordinate in bytes, by the name in a JSON Web Key. */
const CURVES: ReadonlyMap<string, { readonly name: string; readonly size: number }> = new Map([
  ["P-256", { name: "nistp256", size: 32 }],
  ["P-384", { name: "nistp384", size: 48 }],
  ["P-521", { name: "nistp521", size: 66 }],
]);

/** Bytes in front of the cipher's name. */
const MAGIC_LENGTH = "openssh-key-v1\0".length;

/**
 * The private part of a file in OpenSSH's format. Null when the file is of another format, encrypted, or its key is of a
 * kind that has no private part here (on a security key); throws WireError when it is broken.
 */
export function readPrivatePart(file: string): PrivatePart | null {
  const open = readOpenSshKey(file);
  if (open === null || open.encrypted) return null;
  const type = blobType(open.publicKey);
  if (type.startsWith("sk-")) return null;

  const base64 = file.trimStart().split("-----")[2] ?? "";
  const whole = makeReader(decodeBase64(base64.replace(/[\t\n\r ]/g, "")).subarray(MAGIC_LENGTH));
  for (const _ of ["cipher", "key derivation", "its options"]) whole.string();
  whole.u32(); // number of keys
  whole.string(); // the public key
  const secret = whole.string();
  const reader = makeReader(secret);
  const check = reader.u32();
  if (reader.u32() !== check) throw new WireError("the private part does not check");
  if (reader.text() !== type) throw new WireError("the halves of the key are of different types");
  const part = readFields(reader, type, secret);
  if (!equalBytes(part.publicKey, open.publicKey)) throw new WireError("the halves of the key do not belong together");
  reader.string(); // the comment; padding follows
  return part;
}

/** The private part of a key that is written as a JSON Web Key. Null for kinds that ssh does not know; throws WireError. */
export function privatePartOfJwk(jwk: CurveJwk): PrivatePart | null {
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") {
    const point = number(jwk.x);
    return ed25519Part(point, concat(number(jwk.d), point));
  }
  if (jwk.kty === "RSA") {
    const [n, e, d, qi, p, q] = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(number);
    return n && e && d && qi && p && q ? rsaPart(n, e, [d, qi, p, q]) : null;
  }
  const curve = CURVES.get(jwk.crv ?? "");
  if (jwk.kty !== "EC" || curve === undefined) return null;
  const point = concat(Uint8Array.of(4), padded(number(jwk.x), curve.size), padded(number(jwk.y), curve.size));
  return ecdsaPart(`ecdsa-sha2-${curve.name}`, text(curve.name), point, number(jwk.d));
}

function readFields(reader: Reader, type: string, bytes: Uint8Array): PrivatePart {
  if (type === "ssh-ed25519") return ed25519Part(reader.string(), reader.string());
  if (type === "ssh-rsa") {
    const [n, e] = [reader.mpint(), reader.mpint()];
    return rsaPart(n, e, [reader.mpint(), reader.mpint(), reader.mpint(), reader.mpint()]);
  }
  const from = reader.offset();
  reader.string(); // the curve's name
  const curve = bytes.subarray(from, reader.offset());
  return ecdsaPart(type, curve, reader.string(), reader.mpint());
}

/** `pair` is the seed and the public key behind it, 64 bytes. */
function ed25519Part(point: Uint8Array, pair: Uint8Array): PrivatePart {
  if (pair.length !== 64 || !equalBytes(pair.subarray(32), point)) throw new WireError("not an ed25519 private key");
  const fields = concat(string(point), string(pair));
  return made("ssh-ed25519", string(point), fields, fields);
}

/** `secret` is d, the inverse of q, p and q. */
function rsaPart(n: Uint8Array, e: Uint8Array, secret: readonly Uint8Array[]): PrivatePart {
  const fields = concat(...secret.map(mpint));
  return made("ssh-rsa", concat(mpint(e), mpint(n)), concat(mpint(n), mpint(e), fields), fields);
}

function ecdsaPart(type: string, curve: Uint8Array, point: Uint8Array, d: Uint8Array): PrivatePart {
  const open = concat(curve, string(point));
  return made(type, open, concat(open, mpint(d)), mpint(d));
}

function made(type: string, open: Uint8Array, plainFields: Uint8Array, certifiedFields: Uint8Array): PrivatePart {
  const publicKey = concat(text(type), open);
  blobType(publicKey);
  return { type, publicKey, plainFields, certifiedFields };
}

function number(value: string | undefined): Uint8Array {
  if (value === undefined) throw new WireError("a private key with a part missing");
  try {
    return Uint8Array.fromBase64(value, { alphabet: "base64url" });
  } catch {
    throw new WireError("a private key with a part that is not base64");
  }
}

function padded(magnitude: Uint8Array, size: number): Uint8Array {
  if (magnitude.length > size) throw new WireError("a number in a key is too long");
  return concat(new Uint8Array(size - magnitude.length), magnitude);
}
