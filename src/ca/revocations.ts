/**
 * What is revoked: revocations.json, by which the CA refuses. The CA looks at it when it starts, so of its entries only keys and
 * people are read then; the whole is read, and checked, by whoever looks at the list.
 */
import { encodeBase64 } from "../wire/bytes.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import {
  folded,
  isFingerprint,
  isRecord,
  keyValue,
  NO_KEY,
  type Revocation,
  readEntry,
  valueFault,
} from "./revocation-entry.ts";

export type { Revocation } from "./revocation-entry.ts";

export type Revocations = {
  /** Whether a key is revoked, by the blob of its public half: a person's, a host's or the CA's own. */
  readonly isRevokedKey: (blob: Uint8Array) => boolean;
  /** Whether a person is; capital letters make no other name. */
  readonly isRevokedPerson: (name: string) => boolean;
  /** All entries. Throws an Error that says which one is wrong. */
  readonly list: readonly Revocation[];
  /** Lines of the CA keys that entries name by their fingerprints, without comments. Throws an Error when one is none. */
  readonly caKeys: readonly string[];
};

/** So many cost the CA's function no more than some dozens of milliseconds when it starts. */
export const MAX_REVOCATIONS = 20_000;
const MAX_CA_KEYS = 100;

export const NO_REVOCATIONS: Revocations = makeRevocations([], []);

/**
 * Reads revocations.json. Throws an Error that says which entry is wrong: of keys and people at once, of anything else when the
 * list is looked at.
 */
export function parseRevocations(text: string): Revocations {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error("the list of revocations is not JSON");
  }
  const names = isRecord(file) ? Object.keys(file).sort().join() : "";
  if (!isRecord(file) || !/^(caKeys,)?revocations,version$/.test(names) || file["version"] !== 1) {
    throw new Error('the list of revocations is not {"version": 1, "revocations": [...]}');
  }
  const { revocations: entries, caKeys = [] } = file as { revocations?: unknown; caKeys?: unknown };
  if (!Array.isArray(entries)) throw new Error("the list of revocations is no list");
  if (entries.length > MAX_REVOCATIONS) throw new Error(`there are more than ${MAX_REVOCATIONS} revocations`);
  return makeRevocations(entries, caKeys);
}

function makeRevocations(entries: readonly unknown[], keys: unknown): Revocations {
  const { blobs, fingerprints, people } = indexOf(entries);
  let list: readonly Revocation[] | null = null;
  let caKeys: readonly string[] | null = null;
  return {
    isRevokedKey: (blob) =>
      (blobs.size > 0 && blobs.has(encodeBase64(blob))) ||
      (fingerprints.size > 0 && fingerprints.has(sha256Fingerprint(blob))),
    isRevokedPerson: (name) => people.has(folded(name)),
    get list() {
      list ??= readList(entries, this.caKeys);
      return list;
    },
    get caKeys() {
      caKeys ??= readCaKeys(keys);
      return caKeys;
    },
  };
}

/** The keys that are revoked, as base64 of their blobs or as fingerprints, and the people. */
function indexOf(entries: readonly unknown[]) {
  const [blobs, fingerprints, people] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index];
    const { kind, value } = (isRecord(entry) ? entry : {}) as { kind?: unknown; value?: unknown };
    if (kind === "serial" || kind === "key-id") continue;
    if (kind === "person" && typeof value === "string" && PLAIN_NAME.test(value)) people.add(value.toLowerCase());
    else if (kind === "key" && typeof value === "string") {
      const base64 = isFingerprint(value) ? null : base64In(value);
      if (base64 !== null) blobs.add(base64);
      else if (FINGERPRINT.test(value)) fingerprints.add(value);
      else throw new Error(`revocation ${index + 1} ${NO_KEY}`);
    } else people.add(folded(readEntry(entry, index).value));
  }
  return { blobs, fingerprints, people };
}

/** What `folded` makes lower case and nothing else. */
const PLAIN_NAME = /^[!-~]{1,256}$/;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/;
const NO_BASE64 = /[^A-Za-z0-9+/=]/;

/** The base64 of a key's line, when it is the one way in which a blob is written: it is compared as it stands. Else null. */
function base64In(line: string): string | null {
  const base64 = line.slice(line.indexOf(" ") + 1);
  const { length } = base64;
  if (length === 0 || length % 4 !== 0 || NO_BASE64.test(base64)) return null;
  const padding = base64.indexOf("=");
  if (padding < 0) return base64;
  if (padding === length - 1) return "AEIMQUYcgkosw048".includes(base64.charAt(length - 2)) ? base64 : null;
  return padding === length - 2 && base64.endsWith("=") && "AQgw".includes(base64.charAt(length - 3)) ? base64 : null;
}

function readList(entries: readonly unknown[], caKeys: readonly string[]): readonly Revocation[] {
  const known = new Set(caKeys.map((line) => sha256Fingerprint(parsePublicKey(line).blob)));
  return entries.map((entry, index) => {
    const read = readEntry(entry, index);
    const unknown = read.ca?.find((fingerprint) => !known.has(fingerprint));
    if (unknown !== undefined) throw new Error(`revocation ${index + 1} is for a CA whose key is not among caKeys`);
    return read;
  });
}

function readCaKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys) || keys.length > MAX_CA_KEYS) {
    throw new Error(`the list of revocations has caKeys that are no list of at most ${MAX_CA_KEYS} keys`);
  }
  for (const line of keys) if (valueFault("key", line) !== null || isFingerprint(line)) throw wrongCaKey();
  return keys.map((line: string) => keyValue(parsePublicKey(line).blob));
}

function wrongCaKey(): Error {
  return new Error("the list of revocations has a key among caKeys that is no public key without a comment");
}
