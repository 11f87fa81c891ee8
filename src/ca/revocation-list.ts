/** The list of what is revoked, as it is changed and written, and the list for sshd's `RevokedKeys` that is made from it. */
import type { Krl, RevokedCertificates } from "../wire/krl.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { hashOf, identityOf, isFingerprint, type Revocation, readEntry } from "./revocation-entry.ts";
import { MAX_REVOCATIONS, type Revocations } from "./revocations.ts";

export type RevocationList = Pick<Revocations, "list" | "caKeys">;

/** Bytes of the largest revocations.json that is read or written. */
export const MAX_LIST = 16 * 1024 * 1024;

/** What is over is kept so long, for clocks that are not right. Milliseconds. */
const KEPT = 86_400_000;

/** The text of revocations.json, an entry a line, so that a change is a line's change. */
export function formatRevocations({ list, caKeys }: RevocationList): string {
  const lines = list.map(({ kind, value, at, reason, until, ca }) =>
    JSON.stringify({ kind, value, at, reason, until, ca }),
  );
  const keys = caKeys.length === 0 ? "" : `"caKeys":${JSON.stringify(caKeys)},`;
  return lines.length === 0
    ? `{"version":1,${keys}"revocations":[]}\n`
    : `{"version":1,${keys}"revocations":[\n${lines.join(",\n")}\n]}\n`;
}

/**
 * The list with `more` behind it, in order. What is there already, in whatever words, gets no second entry: its own is widened to
 * more CAs and a later end, and nothing ever narrows it. `isNew` tells of each of `more` whether it changed anything. `caKeys` are
 * lines of the keys that `more` names. Throws an Error for an entry that is wrong, and for more than MAX_REVOCATIONS.
 */
export function addRevocations(
  before: RevocationList,
  more: readonly Revocation[],
  caKeys: readonly string[] = [],
): { readonly after: RevocationList; readonly isNew: readonly boolean[] } {
  const list = [...before.list];
  const places = new Map(list.map((entry, place) => [identityOf(entry), place]));
  const isNew = more.map((entry, index) => {
    const same = identityOf(readEntry(entry, index));
    const place = places.get(same);
    const old = place === undefined ? undefined : list[place];
    if (place === undefined || old === undefined) {
      places.set(same, list.length);
      list.push(entry);
      return true;
    }
    const wider = widened(old, entry);
    list[place] = wider;
    return wider !== old;
  });
  if (list.length > MAX_REVOCATIONS) throw new Error(`there would be more than ${MAX_REVOCATIONS} revocations`);
  const isChanged = isNew.includes(true);
  const after = { list, caKeys: [...new Set([...before.caKeys, ...caKeys])] };
  return { after: isChanged ? after : before, isNew };
}

/** The list without the certificates that ended more than a day before `now`, milliseconds since the epoch. */
export function pruneRevocations(before: RevocationList, now: number): RevocationList {
  const list = before.list.filter(({ until }) => until === undefined || Date.parse(until) + KEPT > now);
  return list.length === before.list.length ? before : { ...before, list };
}

/** The older entry, for what the newer one is for as well. */
function widened(old: Revocation, newer: Revocation): Revocation {
  const { ca, until, ...rest } = old;
  const cas = ca === undefined || newer.ca === undefined ? undefined : [...new Set([...ca, ...newer.ca])];
  const end =
    until === undefined || newer.until === undefined
      ? undefined
      : Date.parse(newer.until) > Date.parse(until)
        ? newer.until
        : until;
  if (cas?.length === ca?.length && end === until) return old;
  return {
    ...rest,
    ...(end === undefined ? {} : { until: end }),
    ...(cas === undefined ? {} : { ca: cas }),
  };
}

/**
 * The list for sshd. A serial number or key id holds for the CAs that its entry names. People have no place in it: their
 * certificates are revoked by serial. The same revocations give the same list.
 */
export function krlOf({ list, caKeys }: RevocationList): Krl {
  const keys = list.filter(({ kind }) => kind === "key").map(({ value }) => value);
  const latest = list.reduce((time, { at }) => Math.max(time, Date.parse(at)), 0);
  const cas = caKeys.map((line) => parsePublicKey(line).blob);
  return {
    version: BigInt(latest),
    generated: BigInt(Math.floor(latest / 1000)),
    comment: "bssh",
    certificates: [null, ...cas].flatMap((ca) => certificatesOf(list, ca)),
    keys: keys.filter((value) => !isFingerprint(value)).map((value) => parsePublicKey(value).blob),
    sha1: [],
    sha256: keys.filter(isFingerprint).map(hashOf),
  };
}

/** What is revoked of one CA, or with null of every CA; none when there is nothing. */
function certificatesOf(list: readonly Revocation[], ca: Uint8Array | null): RevokedCertificates[] {
  const fingerprint = ca === null ? null : sha256Fingerprint(ca);
  const own = list.filter((entry) =>
    fingerprint === null ? entry.ca === undefined : entry.ca?.includes(fingerprint) === true,
  );
  const serials = own.flatMap(({ kind, value }) =>
    kind === "serial" ? [{ from: BigInt(value), to: BigInt(value) }] : [],
  );
  const keyIds = own.flatMap(({ kind, value }) => (kind === "key-id" ? [value] : []));
  return serials.length + keyIds.length === 0 ? [] : [{ ca, serials, keyIds }];
}
