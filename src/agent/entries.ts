/** What an agent holds, and which of it is ours. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { printable } from "../failure.ts";
import type { AgentEntry } from "../wire/agent.ts";
import { equalBytes, makeReader } from "../wire/bytes.ts";
import { type Certificate, parseCertificate, plainType } from "../wire/certificate.ts";
import { formatKeyLine } from "../wire/public-key.ts";

/** An entry of an agent. `certificate` is null for a plain key, and for whatever can't be read. */
export type Held = { readonly blob: Uint8Array; readonly comment: string; readonly certificate: Certificate | null };

/** What `ownComment` makes, of any machine and path. */
const OWN = /^bssh [^:]*:\//;

/** Longest path in a comment; PATH_MAX of Linux. */
const LONGEST_PATH = 4096;

/**
 * The comment of our entries. It names the machine as well: through a forwarded agent the same path on another machine is another
 * key's.
 */
export function ownComment(path: string): string {
  const machine = printable(hostname()).replaceAll(":", "?");
  return `bssh ${machine}:${printable(resolve(path), LONGEST_PATH)}`;
}

/** True when bssh made the entry, here or elsewhere. */
export function isOwn({ comment }: Held): boolean {
  return OWN.test(comment);
}

export function held({ blob, comment }: AgentEntry): Held {
  return { blob, comment, certificate: certificateIn(blob) };
}

/** True when the entry is the certificate, or the plain key, with exactly this blob. */
export function holds(entries: readonly Held[], blob: Uint8Array): boolean {
  return entries.some((entry) => equalBytes(entry.blob, blob));
}

/**
 * Entries of ours that a new certificate makes useless: certificates of its key (wherever that key lay), and whatever was
 * added for the same path before, an older key included.
 */
export function outdated(
  entries: readonly Held[],
  now: { readonly key: Uint8Array; readonly comment: string },
): Held[] {
  return entries.filter((entry) => {
    if (!isOwn(entry) || equalBytes(entry.blob, now.key)) return false;
    if (entry.comment === now.comment) return true;
    return entry.certificate !== null && equalBytes(entry.certificate.publicKey, now.key);
  });
}

function certificateIn(blob: Uint8Array): Certificate | null {
  try {
    const type = makeReader(blob).text();
    return plainType(type) === null ? null : parseCertificate(formatKeyLine(type, blob, ""));
  } catch {
    return null;
  }
}
