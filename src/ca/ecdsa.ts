/** ECDSA signatures in their two forms: DER (RFC 3279, section 2.2.3) and ssh's (RFC 5656, section 3.1.2). */
import { concat, mpint } from "../wire/bytes.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** ssh's form of r and s side by side, each half as long as the whole: IEEE P1363. */
export function ecdsaFromPair(pair: Uint8Array): Uint8Array {
  const half = pair.length / 2;
  return concat(mpint(pair.subarray(0, half)), mpint(pair.subarray(half)));
}

/** ssh's form of a DER value; throws an Error for anything that is not exactly that. */
export function ecdsaFromDer(der: Uint8Array): Uint8Array {
  const whole = element(der, 0, SEQUENCE);
  if (whole.end !== der.length) throw broken();
  const r = element(der, whole.start, INTEGER);
  const s = element(der, r.end, INTEGER);
  if (s.end !== der.length) throw broken();
  return concat(...[r, s].map(({ start, end }) => mpint(positive(der.subarray(start, end)))));
}

/** Where the contents of the element at `at` start and end. */
function element(der: Uint8Array, at: number, tag: number): { start: number; end: number } {
  const first = der[at + 1];
  if (der[at] !== tag || first === undefined) throw broken();
  // P-521 needs one byte of length after the first; the shortest form is the only one.
  const isLong = first === 0x81;
  const length = isLong ? (der[at + 2] ?? 0) : first;
  if (isLong ? length < 0x80 : first >= 0x80) throw broken();
  const start = at + (isLong ? 3 : 2);
  if (start + length > der.length) throw broken();
  return { start, end: start + length };
}

function positive(number: Uint8Array): Uint8Array {
  const [first, second] = number;
  if (first === undefined || first >= 0x80) throw broken();
  if (first === 0 && (second === undefined || second < 0x80)) throw broken();
  return number;
}

function broken(): Error {
  return new Error("a signature that is not DER");
}
