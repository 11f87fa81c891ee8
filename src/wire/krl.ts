/**
 * Key revocation lists of OpenSSH, read: PROTOCOL.krl. All its sections are but signatures, which OpenSSH since 9.4
 * refuses as well.
 */
import { encodeText, makeReader, type Reader, splitStrings, WireError } from "./bytes.ts";
import { blobType } from "./public-key.ts";

/** Serial numbers from `from` to `to`, both revoked. */
export type SerialRange = { readonly from: bigint; readonly to: bigint };

/** Certificates of one CA that are revoked. */
export type RevokedCertificates = {
  /** Blob of the CA's public key; null for every CA. */
  readonly ca: Uint8Array | null;
  /** From 1 on: sshd takes 0 for "no serial number" and never finds it here. */
  readonly serials: readonly SerialRange[];
  readonly keyIds: readonly string[];
};

export type Krl = {
  /** Grows with every change; nobody checks it. */
  readonly version: bigint;
  /** Seconds since the epoch. */
  readonly generated: bigint;
  readonly comment: string;
  readonly certificates: readonly RevokedCertificates[];
  /** Blobs of plain keys. With a key all its certificates are revoked, and with a CA's key all that it signed. */
  readonly keys: readonly Uint8Array[];
  /** SHA-1 of blobs. */
  readonly sha1: readonly Uint8Array[];
  /** SHA-256 of blobs; sshd before OpenSSH 7.9 refuses a list with such a section. */
  readonly sha256: readonly Uint8Array[];
};

/** Types of sections. */
export const SECTION = { certificates: 1, keys: 2, sha1: 3, signature: 4, sha256: 5, extension: 255 } as const;

/** Types of sections inside one of certificates. */
export const CERTIFICATE_SECTION = { list: 0x20, range: 0x21, bitmap: 0x22, keyIds: 0x23, extension: 0x39 } as const;

export const MAGIC = encodeText("SSHKRL\n\0");
export const FORMAT = 1;

/** Bytes of the longest list that is read; OpenSSH itself reads up to 128 MiB (SSHBUF_SIZE_MAX, sshbuf.h). */
export const MAX_KRL = 64 * 1024 * 1024;
/** Entries of all sections together. */
const MAX_ENTRIES = 4_000_000;
const LAST_SERIAL = 0xffff_ffff_ffff_ffffn;

/** Reads a list; throws WireError for anything that is not exactly one, for signed ones, and for more than 64 MiB. */
export function parseKrl(bytes: Uint8Array): Krl {
  if (bytes.length > MAX_KRL) throw new WireError("a revocation list of more than 64 MiB");
  const reader = makeReader(bytes);
  for (const byte of MAGIC) {
    if (reader.left() === 0 || reader.u8() !== byte) throw new WireError("not a revocation list");
  }
  if (reader.u32() !== FORMAT) throw new WireError("a revocation list of another format");
  const [version, generated] = [reader.u64(), reader.u64()];
  reader.u64(); // flags: none is defined, and OpenSSH looks at none
  reader.string(); // reserved
  const comment = reader.text();

  const budget = makeBudget();
  const certificates: RevokedCertificates[] = [];
  const keys: Uint8Array[] = [];
  const sha1: Uint8Array[] = [];
  const sha256: Uint8Array[] = [];
  while (reader.left() > 0) {
    const type = reader.u8();
    const data = reader.string();
    if (type === SECTION.certificates) certificates.push(readCertificates(data, budget));
    else if (type === SECTION.keys) append(keys, readBlobs(data, budget, checkKey));
    else if (type === SECTION.sha1) append(sha1, readHashes(data, budget, 20));
    else if (type === SECTION.sha256) append(sha256, readHashes(data, budget, 32));
    else if (type === SECTION.extension) readExtension(data);
    else if (type === SECTION.signature) throw new WireError("a revocation list with a signature");
    else throw new WireError("a section of an unknown type");
  }
  return { version, generated, comment, certificates, keys, sha1, sha256 };
}

type Budget = { spend(entries: number): void };

function makeBudget(): Budget {
  let left = MAX_ENTRIES;
  return {
    spend(entries) {
      left -= entries;
      if (left < 0) throw new WireError("a revocation list with too many entries");
    },
  };
}

function readCertificates(data: Uint8Array, budget: Budget): RevokedCertificates {
  const reader = makeReader(data);
  const ca = reader.string();
  if (ca.length > 0) blobType(ca);
  reader.string(); // reserved
  const serials: SerialRange[] = [];
  const keyIds: string[] = [];
  while (reader.left() > 0) {
    const type = reader.u8();
    const part = makeReader(reader.string());
    if (type === CERTIFICATE_SECTION.list) append(serials, readSerials(part, budget));
    else if (type === CERTIFICATE_SECTION.range) serials.push(readRange(part, budget));
    else if (type === CERTIFICATE_SECTION.bitmap) append(serials, readBitmap(part, budget));
    else if (type === CERTIFICATE_SECTION.keyIds) append(keyIds, readKeyIds(part, budget));
    else if (type === CERTIFICATE_SECTION.extension) readExtension(part.rest());
    else throw new WireError("a section of an unknown type");
    part.end("a section");
  }
  return { ca: ca.length === 0 ? null : ca, serials, keyIds };
}

function readSerials(reader: Reader, budget: Budget): SerialRange[] {
  budget.spend(reader.left() / 8);
  const serials: SerialRange[] = [];
  while (reader.left() > 0) {
    serials.push(checkRange(reader.u64()));
  }
  return serials;
}

function readRange(reader: Reader, budget: Budget): SerialRange {
  budget.spend(1);
  return checkRange(reader.u64(), reader.u64());
}

/** Bit N of the number that follows the first serial number revokes the Nth behind it. */
function readBitmap(reader: Reader, budget: Budget): SerialRange[] {
  const first = reader.u64();
  const bits = reader.mpint();
  const serials: SerialRange[] = [];
  for (let index = 0; index < bits.length * 8; index++) {
    const byte = bits[bits.length - 1 - (index >> 3)] ?? 0;
    if (((byte >> (index & 7)) & 1) === 0) continue;
    budget.spend(1);
    serials.push(checkRange(first + BigInt(index)));
  }
  return mergeRanges(serials);
}

function readKeyIds(reader: Reader, budget: Budget): string[] {
  const ids: string[] = [];
  while (reader.left() > 0) {
    budget.spend(1);
    ids.push(reader.text());
  }
  if (ids.length === 0) throw new WireError("a section with nothing in it");
  return ids;
}

function readBlobs(data: Uint8Array, budget: Budget, check: (blob: Uint8Array) => void): Uint8Array[] {
  const blobs = splitStrings(data);
  if (blobs.length === 0) throw new WireError("a section with nothing in it");
  budget.spend(blobs.length);
  for (const blob of blobs) check(blob);
  return blobs;
}

function readHashes(data: Uint8Array, budget: Budget, size: number): Uint8Array[] {
  return readBlobs(data, budget, (hash) => checkHash(hash, size));
}

/** An extension that must be understood is not; others may be passed over. */
function readExtension(data: Uint8Array): void {
  const reader = makeReader(data);
  reader.text(); // name
  if (reader.u8() !== 0) throw new WireError("a revocation list with an extension that is not known");
  reader.string();
  reader.end("an extension");
}

/** Not `push(...more)`: a section may have more entries than a call may have arguments. */
function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}

/** In order, without overlaps and gaps of nothing. */
export function mergeRanges(ranges: readonly SerialRange[]): SerialRange[] {
  const merged: { from: bigint; to: bigint }[] = [];
  const order = (left: SerialRange, right: SerialRange) =>
    left.from < right.from ? -1 : left.from > right.from ? 1 : 0;
  for (const { from, to } of [...ranges].sort(order)) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to + 1n) merged.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return merged;
}

export function checkRange(from: bigint, to = from): SerialRange {
  if (from < 1n || from > to || to > LAST_SERIAL) throw new WireError("a serial number that cannot be revoked");
  return { from, to };
}

export function checkKey(blob: Uint8Array): void {
  blobType(blob);
}

export function checkHash(hash: Uint8Array, size: number): void {
  if (hash.length !== size) throw new WireError("a hash of another length");
}
