/** How far the certificates of this host's keys are in their lives, and which of them want another. */
import { type Certificate, parseCertificate } from "../wire/certificate.ts";
import { findFault } from "./answer.ts";
import { readSmall } from "./files.ts";
import type { HostKey } from "./keys.ts";

export type Wanted = {
  /** Names that were asked for; empty: whatever the policy gave. */
  readonly names: readonly string[];
  readonly caKeys: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The certificate beside a key; null when there is none that can be read. */
export function certificateOf(key: HostKey): Certificate | null {
  try {
    return parseCertificate(readSmall(key.certificate)?.trim() ?? "");
  } catch {
    return null;
  }
}

/** Why the certificate beside a key can't be used (any more), in a few words; null when it can. */
export function unfitness(
  key: HostKey,
  certificate: Certificate | null,
  { names, caKeys, now }: Wanted,
): string | null {
  if (certificate === null) return "there is none";
  if (certificate.validBefore <= BigInt(Math.floor(now / 1000))) return "it has ended";
  const fault = findFault(certificate, { publicKey: key.publicKey, names: [], caKeys, now });
  if (fault !== null) return fault.fact;
  const { principals } = certificate;
  const same =
    names.length === 0 || (names.length === principals.length && names.every((name) => principals.includes(name)));
  return same ? null : "it has other names than those to ask for";
}

/** The part of its life that is over; 1 or more when it has ended. */
export function partOver({ validAfter, validBefore }: Certificate, now: number): number {
  const start = Number(validAfter);
  return (now / 1000 - start) / (Number(validBefore) - start);
}

/** A certificate is renewed after so much of its life. */
export const RENEWED_AFTER = 2 / 3;

/** Whether it is time for another. */
export function isDue(key: HostKey, wanted: Wanted): boolean {
  const certificate = certificateOf(key);
  if (certificate === null || unfitness(key, certificate, wanted) !== null) return true;
  return partOver(certificate, wanted.now) >= RENEWED_AFTER;
}
