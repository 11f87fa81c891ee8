/**
 * Signatures in ssh's form, over node:crypto: RFC 4253 section 6.6 and RFC 8332 (rsa), RFC 5656 section 3.1.2 (ecdsa),
 * RFC 8709 section 6 (ed25519), PROTOCOL.u2f of OpenSSH (security keys).
 */
import { createHash, createPublicKey, type KeyObject, type SigningOptions, sign, verify } from "node:crypto";
import { concat, makeReader, mpint, string, text, u32, WireError } from "./bytes.ts";
import type { Certificate } from "./certificate.ts";
import { blobType } from "./public-key.ts";

type Curve = { readonly jwk: string; readonly size: number; readonly hash: string };

const CURVES: Readonly<Record<string, Curve>> = {
  nistp256: { jwk: "P-256", size: 32, hash: "sha256" },
  nistp384: { jwk: "P-384", size: 48, hash: "sha384" },
  nistp521: { jwk: "P-521", size: 66, hash: "sha512" },
};

/** ssh's names by OpenSSL's. */
const CURVE_NAMES: Readonly<Record<string, string>> = {
  prime256v1: "nistp256",
  secp384r1: "nistp384",
  secp521r1: "nistp521",
};

const RSA_HASHES: Readonly<Record<string, string>> = {
  "rsa-sha2-512": "sha512",
  "rsa-sha2-256": "sha256",
  "ssh-rsa": "sha1",
};

/**
 * True when the CA that the certificate names really signed it. Whether that CA, and the signature's type, are
 * welcome is another question: SHA-1 (`signatureType` is `ssh-rsa`) verifies here too. Never throws.
 */
export function verifyCertificate(certificate: Certificate): boolean {
  return verifyBytes(certificate.signatureKey, certificate.signed, certificate.signature);
}

/** True when `signature` (an ssh signature blob) is one of `bytes` by the key with this blob. Never throws. */
export function verifyBytes(publicKeyBlob: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifyAs(blobType(publicKeyBlob), publicKeyBlob, bytes, signature);
  } catch {
    return false; // malformed, or a key that the library refuses
  }
}

/**
 * Signs `bytes` with an rsa, ed25519 or ecdsa key and gives the ssh signature blob. RSA signs with SHA-512 unless told
 * otherwise, never with SHA-1. Throws WireError for other keys.
 */
export function signBytes(
  privateKey: KeyObject,
  bytes: Uint8Array,
  rsaAlgorithm: "rsa-sha2-512" | "rsa-sha2-256" = "rsa-sha2-512",
): Uint8Array {
  const kind = privateKey.asymmetricKeyType;
  if (kind === "rsa") {
    return concat(text(rsaAlgorithm), string(sign(RSA_HASHES[rsaAlgorithm], bytes, privateKey)));
  }
  if (kind === "ed25519") return concat(text("ssh-ed25519"), string(sign(null, bytes, privateKey)));
  const type = ecdsaType(privateKey);
  const { size, hash } = curveOf(type);
  const pair = sign(hash, bytes, rawPair(privateKey));
  return concat(text(type), string(concat(mpint(pair.subarray(0, size)), mpint(pair.subarray(size)))));
}

/** ssh's name for a key of node:crypto's on a curve, whose public half is not looked at: taking that out costs a third of P-384. */
function ecdsaType(key: KeyObject): string {
  const name = CURVE_NAMES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (key.asymmetricKeyType !== "ec" || name === undefined) throw unknownKind();
  return `ecdsa-sha2-${name}`;
}

/** The ssh blob of a public key, or of the public half of a private one; throws WireError for kinds ssh does not know. */
export function publicBlob(key: KeyObject): Uint8Array {
  const { kty, crv, x, y, n, e } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  if (kty === "RSA") return concat(text("ssh-rsa"), mpint(fromBase64Url(e)), mpint(fromBase64Url(n)));
  if (kty === "OKP" && crv === "Ed25519") return concat(text("ssh-ed25519"), string(fromBase64Url(x)));
  const [name, curve] = Object.entries(CURVES).find(([, { jwk }]) => jwk === crv) ?? [];
  if (kty !== "EC" || name === undefined || curve === undefined) throw unknownKind();
  const [left, right] = [padded(fromBase64Url(x), curve.size), padded(fromBase64Url(y), curve.size)];
  return concat(text(`ecdsa-sha2-${name}`), text(name), string(concat(Uint8Array.of(4), left, right)));
}

/** The public key in a blob, for node:crypto; of a security key, the key inside. Throws WireError. */
export function keyObject(blob: Uint8Array): KeyObject {
  const type = blobType(blob);
  const reader = makeReader(blob);
  reader.string();
  let key: Record<string, string>;
  if (type === "ssh-rsa") {
    const e = reader.mpint();
    key = { kty: "RSA", e: toBase64Url(e), n: toBase64Url(reader.mpint()) };
  } else if (type.includes("ed25519")) {
    key = { kty: "OKP", crv: "Ed25519", x: toBase64Url(reader.string()) };
  } else {
    const { jwk, size } = curveOf(type);
    reader.string();
    const point = reader.string();
    const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)];
    key = { kty: "EC", crv: jwk, x: toBase64Url(x), y: toBase64Url(y) };
  }
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch {
    throw new WireError("a public key that is not valid");
  }
}

/** `SHA256:` and base64 without padding, as `ssh-keygen -l` prints it. */
export function sha256Fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replaceAll("=", "")}`;
}

function verifyAs(type: string, blob: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const reader = makeReader(signature);
  const signatureType = reader.text();
  const value = reader.string();
  const key = keyObject(blob);

  if (type === "ssh-rsa") {
    reader.end("the signature");
    const hash = RSA_HASHES[signatureType];
    const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
    return hash !== undefined && verify(hash, bytes, key, padded(value, Math.ceil(length)));
  }
  if (signatureType !== type) return false;
  let message = bytes;
  if (type.startsWith("sk-")) {
    const flagsAndCounter = concat(Uint8Array.of(reader.u8()), u32(reader.u32()));
    message = concat(sha256(applicationOf(blob)), flagsAndCounter, sha256(bytes));
  }
  reader.end("the signature");
  if (type.includes("ed25519")) return verify(null, message, key, value);

  const { size, hash } = curveOf(type);
  const numbers = makeReader(value);
  const pair = concat(padded(numbers.mpint(), size), padded(numbers.mpint(), size));
  numbers.end("the signature");
  return verify(hash, message, rawPair(key), pair);
}

function curveOf(type: string): Curve {
  const curve = CURVES[type.replace(/^(sk-)?ecdsa-sha2-/, "").replace(/@openssh\.com$/, "")];
  if (curve === undefined) throw unknownKind();
  return curve;
}

function unknownKind(): WireError {
  return new WireError("a key of a kind that ssh does not know");
}

/** The last field of a security key's blob. */
function applicationOf(blob: Uint8Array): Uint8Array {
  const reader = makeReader(blob);
  let last = reader.string();
  while (reader.left() > 0) last = reader.string();
  return last;
}

/** ssh has r and s apart; node:crypto would make them one DER value. */
function rawPair(key: KeyObject): SigningOptions & { key: KeyObject } {
  return { key, dsaEncoding: "ieee-p1363" };
}

function padded(number: Uint8Array, size: number): Uint8Array {
  if (number.length > size) throw new WireError("a number in a key or signature is too long");
  return concat(new Uint8Array(size - number.length), number);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function fromBase64Url(text: string | undefined): Uint8Array {
  return Uint8Array.fromBase64(text ?? "", { alphabet: "base64url" });
}
