/** One thing that is revoked, and how an entry of revocations.json is checked. */
import { decodeBase64, encodeBase64, WireError } from "../wire/bytes.ts";
import { blobType, parsePublicKey } from "../wire/public-key.ts";
import { sha256Fingerprint } from "../wire/signature.ts";

/**
 * One thing that is revoked. The value of a `serial` is decimal, from 1 to 2^64 - 1; of a `key` it is the line of a public
 * key without its comment, or `SHA256:…`; of a `key-id` the whole key id; of a `person` the name that the CA knows them by.
 */
export type Revocation = {
  readonly kind: "serial" | "key" | "key-id" | "person";
  readonly value: string;
  /** When, in RFC 3339 and UTC, such as `2024-05-06T07:08:09Z`. */
  readonly at: string;
  readonly reason: string;
  /** Of a serial or a key id: when the certificate ends by itself, as `at`; left out when that is not known. */
  readonly until?: string;
  /** Of a serial or a key id: `SHA256:…` of the keys of the CAs that it holds for; left out for every CA. */
  readonly ca?: readonly string[];
};

/** Characters of the longest value; RSA with 16384 bits has 2732 in base64, a key id of BLESS a thousand. */
const MAX_VALUE = 4096;
const MAX_REASON = 500;
const LAST_SERIAL = 0xffff_ffff_ffff_ffffn;
const KINDS: readonly unknown[] = ["serial", "key", "key-id", "person"];
const FIELDS: ReadonlySet<string> = new Set(["kind", "value", "at", "reason", "until", "ca"]);

/** An entry that is right; `index` counts from 0. Throws an Error that says which one is wrong, and how. */
export function readEntry(entry: unknown, index: number): Revocation {
  const fault = entryFault(entry);
  if (fault !== null) throw new Error(`revocation ${index + 1} ${fault}`);
  return entry as Revocation;
}

/** What is wrong with an entry, to be read behind a word for it; null when nothing is. */
export function entryFault(entry: unknown): string | null {
  if (!isRecord(entry) || !Object.keys(entry).every((name) => FIELDS.has(name))) {
    return "has other fields than kind, value, at, reason, until and ca";
  }
  const { kind, value, at, reason, until, ca } = entry as Record<keyof Revocation, unknown>;
  if (!KINDS.includes(kind)) return `is of no kind that is known (${KINDS.join(", ")})`;
  if (!isTime(at)) return "has no time such as 2024-05-06T07:08:09Z";
  if (typeof reason !== "string" || reason.length > MAX_REASON || /\p{Cc}/u.test(reason)) {
    return `has a reason of more than ${MAX_REASON} characters, or with a line break`;
  }
  const isCertificate = kind === "serial" || kind === "key-id";
  if (until !== undefined && !(isCertificate && isTime(until))) return "has an until that is no time of a certificate";
  if (ca !== undefined && !(isCertificate && isFingerprints(ca))) return "has a ca that is no list of SHA256:…";
  return valueFault(kind as Revocation["kind"], value);
}

/** As entryFault, of kind and value alone. */
export function valueFault(kind: Revocation["kind"], value: unknown): string | null {
  if (typeof value !== "string" || value === "" || value.length > MAX_VALUE || !value.isWellFormed()) {
    return `has no value, or one of more than ${MAX_VALUE} characters`;
  }
  switch (kind) {
    case "serial":
      return /^[1-9]\d{0,19}$/.test(value) && (value.length < 20 || BigInt(value) <= LAST_SERIAL)
        ? null
        : "is no serial number from 1 on";
    case "key":
      return isKey(value) ? null : NO_KEY;
    case "key-id":
      return value.includes("\0") ? "is no key id" : null;
    case "person":
      return /\p{Cc}/u.test(value) || value.trim() !== value ? "is no name" : null;
  }
}

export const NO_KEY = "is neither the line of a public key without a comment nor SHA256:…";

/** Equal for entries that revoke the same. */
export function identityOf({ kind, value }: Pick<Revocation, "kind" | "value">): string {
  if (kind === "person") return `person ${folded(value)}`;
  if (kind === "key" && !isFingerprint(value)) return `key ${sha256Fingerprint(parsePublicKey(value).blob)}`;
  return `${kind} ${value}`;
}

/** A name as it is compared: refusing one person too many is mended in a minute; IAM users differ by more than case. */
export function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** The value of a `key` for the public key with this blob. */
export function keyValue(blob: Uint8Array): string {
  return `${blobType(blob)} ${encodeBase64(blob)}`;
}

export function isFingerprint(value: string): boolean {
  return value.startsWith("SHA256:");
}

/** The 32 bytes of `SHA256:…`. Throws WireError. */
export function hashOf(fingerprint: string): Uint8Array {
  return decodeBase64(`${fingerprint.slice("SHA256:".length)}=`);
}

function isKey(value: string): boolean {
  try {
    return isFingerprint(value) ? hashOf(value).length === 32 : keyValue(parsePublicKey(value).blob) === value;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function isFingerprints(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === "string" && isFingerprint(one) && isKey(one))
  );
}

function isTime(text: unknown): boolean {
  return (
    typeof text === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) &&
    !Number.isNaN(Date.parse(text))
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
