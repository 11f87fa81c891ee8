/** What is revoked: revocations.json, by which the CA refuses, and the list for sshd's `RevokedKeys` that is made from it. */
import { decodeBase64, encodeBase64, WireError } from "../wire/bytes.ts";
import type { Krl } from "../wire/krl.ts";
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
};

export type Revocations = {
  /** Whether a key is revoked, by the blob of its public half: a person's, a host's or the CA's own. */
  readonly isRevokedKey: (blob: Uint8Array) => boolean;
  /** Whether a person is; capital letters make no other name. */
  readonly isRevokedPerson: (name: string) => boolean;
  readonly list: readonly Revocation[];
};

export const MAX_REVOCATIONS = 100_000;

/** Characters of the longest value; RSA with 16384 bits has 2732 in base64, a key id of BLESS a thousand. */
const MAX_VALUE = 4096;
const MAX_REASON = 500;
const LAST_SERIAL = 0xffff_ffff_ffff_ffffn;
const KINDS: readonly string[] = ["serial", "key", "key-id", "person"];
const FIELDS = "at,kind,reason,value";

export const NO_REVOCATIONS: Revocations = makeRevocations([]);

/** Reads revocations.json. Throws an Error that says which entry is wrong; nothing is passed over. */
export function parseRevocations(text: string): Revocations {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error("the list of revocations is not JSON");
  }
  if (!isRecord(file) || Object.keys(file).sort().join() !== "revocations,version" || file["version"] !== 1) {
    throw new Error('the list of revocations is not {"version": 1, "revocations": [...]}');
  }
  const entries = file["revocations"];
  if (!Array.isArray(entries)) throw new Error("the list of revocations is no list");
  if (entries.length > MAX_REVOCATIONS) throw new Error(`there are more than ${MAX_REVOCATIONS} revocations`);
  return makeRevocations(entries.map(readEntry));
}

/** The text of revocations.json, an entry a line, so that a change is a line's change. */
export function formatRevocations(list: readonly Revocation[]): string {
  const lines = list.map(({ kind, value, at, reason }) => JSON.stringify({ kind, value, at, reason }));
  return lines.length === 0
    ? '{"version":1,"revocations":[]}\n'
    : `{"version":1,"revocations":[\n${lines.join(",\n")}\n]}\n`;
}

/**
 * The list with `more`, in order; what is there already, in whatever words, is not added again. Throws an Error for an
 * entry that is wrong, and for more than MAX_REVOCATIONS.
 */
export function addRevocations(list: readonly Revocation[], more: readonly Revocation[]): readonly Revocation[] {
  const known = new Set(list.map(identity));
  const added = [...list];
  for (const entry of more) {
    const checked = readEntry(entry, added.length);
    const same = identity(checked);
    if (known.has(same)) continue;
    known.add(same);
    added.push(checked);
  }
  if (added.length > MAX_REVOCATIONS) throw new Error(`there would be more than ${MAX_REVOCATIONS} revocations`);
  return added;
}

/**
 * The list for sshd. Serial numbers and key ids hold for the CAs with these keys (blobs), or for every CA when none is
 * given. People have no place in it: their certificates are revoked by serial. The same revocations give the same list.
 */
export function krlOf(revocations: Pick<Revocations, "list">, caKeys: readonly Uint8Array[]): Krl {
  const values = (kind: Revocation["kind"]) =>
    revocations.list.filter((entry) => entry.kind === kind).map(({ value }) => value);
  const serials = values("serial").map((value) => ({ from: BigInt(value), to: BigInt(value) }));
  const keyIds = values("key-id");
  const keys = values("key");
  const latest = revocations.list.reduce((time, { at }) => Math.max(time, Date.parse(at)), 0);
  const scopes = serials.length + keyIds.length === 0 ? [] : caKeys.length === 0 ? [null] : caKeys;
  return {
    version: BigInt(revocations.list.length),
    generated: BigInt(Math.floor(latest / 1000)),
    comment: "bssh",
    certificates: scopes.map((ca) => ({ ca, serials, keyIds })),
    keys: keys.filter((value) => !isFingerprint(value)).map((value) => parsePublicKey(value).blob),
    sha1: [],
    sha256: keys.filter(isFingerprint).map(hashOf),
  };
}

/** The value of a `key` for the public key with this blob. */
export function keyValue(blob: Uint8Array): string {
  return `${blobType(blob)} ${encodeBase64(blob)}`;
}

/** Revocations that were checked. */
export function makeRevocations(list: readonly Revocation[]): Revocations {
  const known = new Set(list.map(identity));
  return {
    isRevokedKey: (blob) => known.has(`key ${sha256Fingerprint(blob)}`),
    isRevokedPerson: (name) => known.has(`person ${folded(name)}`),
    list,
  };
}

/** Equal for entries that revoke the same. */
function identity({ kind, value }: Pick<Revocation, "kind" | "value">): string {
  if (kind === "person") return `person ${folded(value)}`;
  if (kind === "key" && !isFingerprint(value)) return `key ${sha256Fingerprint(parsePublicKey(value).blob)}`;
  return `${kind} ${value}`;
}

// Refusing one person too many is mended in a minute; names of IAM users are unique whatever their case.
function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function readEntry(entry: unknown, index: number): Revocation {
  const wrong = (what: string) => new Error(`revocation ${index + 1} ${what}`);
  if (!isRecord(entry) || Object.keys(entry).sort().join() !== FIELDS) {
    throw wrong("does not have kind, value, at and reason, and only those");
  }
  const { kind, value, at, reason } = entry as Record<keyof Revocation, unknown>;
  if (typeof kind !== "string" || !KINDS.includes(kind))
    throw wrong(`is of no kind that is known (${KINDS.join(", ")})`);
  if (typeof at !== "string" || !isTime(at)) throw wrong("has no time such as 2024-05-06T07:08:09Z");
  if (typeof reason !== "string" || reason.length > MAX_REASON || /\p{Cc}/u.test(reason)) {
    throw wrong(`has a reason of more than ${MAX_REASON} characters, or with a line break`);
  }
  if (typeof value !== "string" || value === "" || value.length > MAX_VALUE || !value.isWellFormed()) {
    throw wrong(`has no value, or one of more than ${MAX_VALUE} characters`);
  }
  const fault = valueFault(kind as Revocation["kind"], value);
  if (fault !== null) throw wrong(fault);
  return { kind: kind as Revocation["kind"], value, at, reason };
}

function valueFault(kind: Revocation["kind"], value: string): string | null {
  switch (kind) {
    case "serial":
      return /^[1-9]\d{0,19}$/.test(value) && BigInt(value) <= LAST_SERIAL ? null : "is no serial number from 1 on";
    case "key":
      return isKey(value) ? null : "is neither the line of a public key without a comment nor SHA256:…";
    case "key-id":
      return value.includes("\0") ? "is no key id" : null;
    case "person":
      return /\p{Cc}/u.test(value) || value.trim() !== value ? "is no name" : null;
  }
}

function isKey(value: string): boolean {
  try {
    return isFingerprint(value) ? hashOf(value).length === 32 : keyValue(parsePublicKey(value).blob) === value;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function isFingerprint(value: string): boolean {
  return value.startsWith("SHA256:");
}

function hashOf(fingerprint: string): Uint8Array {
  return decodeBase64(`${fingerprint.slice("SHA256:".length)}=`);
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) && !Number.isNaN(Date.parse(text));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
