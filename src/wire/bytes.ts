/**
 * The data types of the ssh wire format (RFC 4251, section 5) and strict base64.
 *
 * Everything read here may come from a stranger: a value that is short, too long or not what it claims to be throws
 * WireError, and nothing else does.
 */

/** Bytes that do not follow their format. The message is a fact in lower case and quotes nothing of the bytes. */
export class WireError extends Error {
  override readonly name = "WireError";
}

export type Reader = {
  u8(): number;
  u32(): number;
  u64(): bigint;
  /** A view of the bytes, not a copy. */
  string(): Uint8Array;
  /** A string of UTF-8 without NUL. */
  text(): string;
  /** A number that is not negative, without leading zeros; zero has no bytes. */
  mpint(): Uint8Array;
  /** All that is left, as a view. */
  rest(): Uint8Array;
  /** How many bytes are left. */
  left(): number;
  /** How many bytes have been read. */
  offset(): number;
  /** Throws when there is anything left; `what` names the thing that should have ended. */
  end(what: string): void;
};

/** OpenSSH reads no larger number (SSHBUF_MAX_BIGNUM, sshbuf.h). */
const MAX_MPINT_BYTES = 16384 / 8;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A reader over `bytes`, which must not change while it reads. */
export function makeReader(bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  function take(count: number): number {
    if (count > bytes.length - at) throw new WireError("the data ends too early");
    const from = at;
    at += count;
    return from;
  }
  function u32(): number {
    return view.getUint32(take(4));
  }
  // Written out: a login that calls a small function some dozen times starts the compiler's threads, which costs more than all
  // that it reads. BUN_JSC_reportCompileTimes=1 shows what was compiled.
  function string(): Uint8Array {
    const from = at + 4;
    if (from > bytes.length) throw new WireError("the data ends too early");
    const length = view.getUint32(at);
    if (length > bytes.length - from) throw new WireError("the data ends too early");
    at = from + length;
    return bytes.subarray(from, at);
  }

  return {
    u8: () => view.getUint8(take(1)),
    u32,
    u64: () => view.getBigUint64(take(8)),
    string,
    text: () => decodeText(string()),
    mpint() {
      const number = string();
      if (((number[0] ?? 0) & 0x80) !== 0) throw new WireError("a number is negative");
      const magnitude = withoutLeadingZeros(number);
      if (magnitude.length > MAX_MPINT_BYTES) throw new WireError("a number is too large");
      return magnitude;
    },
    rest() {
      const from = take(bytes.length - at);
      return bytes.subarray(from);
    },
    left: () => bytes.length - at,
    offset: () => at,
    end(what) {
      if (at !== bytes.length) throw new WireError(`${what} has trailing bytes`);
    },
  };
}

/** The strings that `bytes` are made of, as views; throws WireError when the last one is not complete. */
export function splitStrings(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const from = at + 4;
    const length = from > bytes.length ? Number.POSITIVE_INFINITY : view.getUint32(at);
    if (length > bytes.length - from) throw new WireError("the data ends too early");
    at = from + length;
    strings.push(bytes.subarray(from, at));
  }
  return strings;
}

/** UTF-8 without NUL; anything else throws WireError. */
export function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new WireError("a text is not UTF-8");
  }
  if (text.includes("\0")) throw new WireError("a text holds a NUL");
  return text;
}

/** `text` as UTF-8, without a length in front. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** All parts one after the other, in new memory. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Four bytes, big-endian; `value` is a whole number from 0 to 2^32 - 1. */
export function u32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new WireError("a number is out of range");
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Eight bytes, big-endian; `value` is from 0 to 2^64 - 1. */
export function u64(value: bigint): Uint8Array {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new WireError("a number is out of range");
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** The bytes with their length in front. */
export function string(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const whole = new Uint8Array(4 + length);
  whole[0] = length >>> 24;
  whole[1] = length >>> 16;
  whole[2] = length >>> 8;
  whole[3] = length;
  whole.set(bytes, 4);
  return whole;
}

/** `value` as a string of UTF-8. */
export function text(value: string): Uint8Array {
  return string(encoder.encode(value));
}

/** A number that is not negative, from its big-endian magnitude (leading zeros are dropped). */
export function mpint(magnitude: Uint8Array): Uint8Array {
  const bytes = withoutLeadingZeros(magnitude);
  return ((bytes[0] ?? 0) & 0x80) === 0 ? string(bytes) : string(concat(Uint8Array.of(0), bytes));
}

/** Big-endian bytes from the first that is not zero; a view. */
export function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++;
  return bytes.subarray(zeros);
}

/** Equal bytes. Not in constant time: for public values only. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.toHex() === right.toHex();
}

/** Base64 of RFC 4648, section 4, padded and without white space; anything else throws WireError. */
export function decodeBase64(text: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    throw new WireError("not base64");
  }
  // fromBase64 skips white space, which has no place inside a key or a token.
  if (text.length !== Math.ceil(bytes.length / 3) * 4) throw new WireError("base64 with white space in it");
  return bytes;
}

/** Padded base64 on one line. */
export function encodeBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}
