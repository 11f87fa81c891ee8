/**
 * Which Ed25519 keys are nobody's: the points of small order, for which anybody can make signatures that verify (RFC 8032, section
 * 5.1.7; the list is that of https://eprint.iacr.org/2020/1244, table 6a, without the sign).
 */
import { makeReader } from "../wire/bytes.ts";
import type { PublicKey } from "../wire/public-key.ts";

const SMALL: readonly string[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** True for an Ed25519 key, on a security key or not, whose point has a small order. */
export function isSmallOrder(key: PublicKey): boolean {
  if (!key.type.includes("ed25519")) return false;
  const reader = makeReader(key.blob);
  reader.string();
  const point = Uint8Array.from(reader.string());
  point[31] = (point[31] ?? 0) & 0x7f;
  return SMALL.includes(point.toHex());
}
