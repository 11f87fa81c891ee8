/** Key revocation lists of OpenSSH, made: PROTOCOL.krl. Unsigned, since OpenSSH 9.4 and later load no signed ones. */
import { concat, string, text, u32, u64, WireError } from "./bytes.ts";
import {
  CERTIFICATE_SECTION,
  checkHash,
  checkKey,
  checkRange,
  FORMAT,
  type Krl,
  MAGIC,
  mergeRanges,
  type RevokedCertificates,
  SECTION,
} from "./krl.ts";
import { blobType } from "./public-key.ts";

/** Makes the list, unsigned. What is in it twice is written once. Throws WireError for what no list can hold. */
export function encodeKrl(krl: Krl): Uint8Array {
  return concat(
    MAGIC,
    u32(FORMAT),
    u64(krl.version),
    u64(krl.generated),
    u64(0n), // flags
    string(new Uint8Array(0)),
    text(krl.comment),
    join(krl.certificates.map((part) => section(SECTION.certificates, encodeCertificates(part)))),
    ...blobSection(SECTION.keys, krl.keys, checkKey),
    ...blobSection(SECTION.sha1, krl.sha1, (hash) => checkHash(hash, 20)),
    ...blobSection(SECTION.sha256, krl.sha256, (hash) => checkHash(hash, 32)),
  );
}

function encodeCertificates({ ca, serials, keyIds }: RevokedCertificates): Uint8Array {
  if (ca !== null) blobType(ca);
  for (const { from, to } of serials) checkRange(from, to);
  const merged = mergeRanges(serials);
  const single = merged.filter(({ from, to }) => from === to);
  const ranges = merged.filter(({ from, to }) => from !== to);
  const ids = [...new Set(keyIds)].sort();
  if (ids.some((id) => id.includes("\0"))) throw new WireError("a text holds a NUL");
  return concat(
    string(ca ?? new Uint8Array(0)),
    string(new Uint8Array(0)), // reserved
    ...(single.length === 0 ? [] : [section(CERTIFICATE_SECTION.list, join(single.map(({ from }) => u64(from))))]),
    join(ranges.map(({ from, to }) => section(CERTIFICATE_SECTION.range, concat(u64(from), u64(to))))),
    ...(ids.length === 0 ? [] : [section(CERTIFICATE_SECTION.keyIds, join(ids.map(text)))]),
  );
}

function section(type: number, data: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(type), string(data));
}

/** A call takes only so many arguments. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const rows: Uint8Array[] = [];
  for (let at = 0; at < parts.length; at += 1000) rows.push(concat(...parts.slice(at, at + 1000)));
  return concat(...rows);
}

/** The format wants hashes in order; keys in order make the same list the same bytes. */
function blobSection(type: number, blobs: readonly Uint8Array[], check: (blob: Uint8Array) => void): Uint8Array[] {
  if (blobs.length === 0) return [];
  for (const blob of blobs) check(blob);
  const sorted = [...new Map(blobs.map((blob) => [blob.toHex(), blob]))].sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
  return [section(type, join(sorted.map(([, blob]) => string(blob))))];
}
