import { createECDH, type KeyObject } from "node:crypto";

/** Order of each curve's base point: FIPS 186-4, appendix D.1.2. */
const orders: Readonly<Record<string, bigint>> = {
  "P-256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  "P-384": 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  "P-521":
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

const names: Readonly<Record<string, string>> = { "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" };

/**
 * ECDSA over a digest that is at hand already, in DER: node:crypto signs messages only. The arithmetic takes as long as its
 * numbers want, which tells about the key; it is for the sandbox's keys alone.
 */
export function signDigest(privateKey: KeyObject, digest: Uint8Array): Uint8Array {
  const { crv = "", d = "" } = privateKey.export({ format: "jwk" });
  const order = orders[crv];
  const curve = names[crv];
  if (order === undefined || curve === undefined) throw new Error(`${crv || "the key"} is no curve of the sandbox`);
  const secret = numberOf(Buffer.from(d, "base64url"));
  // The leftmost bits, when the digest has more of them than the order.
  const surplus = Math.max(0, digest.length * 8 - order.toString(2).length);
  const hash = numberOf(digest) >> BigInt(surplus);
  for (;;) {
    const once = createECDH(curve);
    const point = once.generateKeys();
    const r = numberOf(point.subarray(1, 1 + (point.length - 1) / 2)) % order;
    const s = (inverse(numberOf(once.getPrivateKey()), order) * (hash + r * secret)) % order;
    if (r !== 0n && s !== 0n) return derPair(r, s);
  }
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

/** By Fermat: the order is prime. */
function inverse(value: bigint, order: bigint): bigint {
  let [result, base, exponent] = [1n, value % order, order - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % order;
    base = (base * base) % order;
  }
  return result;
}

function derPair(r: bigint, s: bigint): Uint8Array {
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  // Only P-521's pair is longer than what one byte can say.
  const length = body.length < 128 ? [body.length] : [0x81, body.length];
  return new Uint8Array(Buffer.concat([Buffer.from([0x30, ...length]), body]));
}

function derInteger(value: bigint): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  const positive = (bytes[0] ?? 0) < 128 ? bytes : Buffer.concat([Buffer.from([0]), bytes]);
  return Buffer.concat([Buffer.from([2, positive.length]), positive]);
}
