// Whether a certificate that was signed by hand may be taken into use: what verify.ts asks of the CA's answers, as far as
// there was a request to compare it with.
import { Failure, printable } from "../failure.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type Certificate, FOREVER } from "../wire/certificate.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { verifyCertificate } from "../wire/signature.ts";
import { EXTENSIONS, isSha1, SHA1, TOLERANCE_SECONDS } from "./verify.ts";

export type ByHand = {
  /** CA public keys one of which must have signed; empty: any CA. */
  readonly caKeys: readonly string[];
  readonly allowSha1: boolean;
  /** Seconds; a setting above the usual limit for certificates of this kind goes before that. */
  readonly certificateMaxSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

type Fault = readonly [fact: string, next: string];

/** What bridges a long outage; 31 days. */
const LONGEST_SECONDS = 31 * 86_400;

const AGAIN = "have it signed again";

/** Throws Failure for the first thing that is wrong with it. Whose key it is for is not looked at. */
export function verifyByHand(certificate: Certificate, expected: ByHand): void {
  const wrong = signatureFault(certificate, expected) ?? contentFault(certificate) ?? timeFault(certificate, expected);
  if (wrong !== null) throw new Failure(...wrong);
}

function signatureFault(certificate: Certificate, { caKeys, allowSha1 }: ByHand): Fault | null {
  if (!verifyCertificate(certificate))
    return ["the certificate's signature is wrong", "do not use it; ask for it again"];
  if (caKeys.length > 0 && !caKeys.some((line) => equalBytes(parsePublicKey(line).blob, certificate.signatureKey))) {
    return [
      "the certificate is signed by a key that is not in ca_keys",
      "put the CA's spare key into ca_keys if it is that",
    ];
  }
  if (isSha1(certificate) && !allowSha1) {
    return [`the certificate is signed with ${SHA1}`, `${AGAIN} with rsa-sha2-512 (ssh-keygen -t rsa-sha2-512 -s …)`];
  }
  return null;
}

function contentFault({ kind, principals, criticalOptions, extensions }: Certificate): Fault | null {
  if (kind !== "user") return ["this is a host's certificate, not a user's", `${AGAIN} without -h`];
  if (principals.length === 0) return ["the certificate names no principal", `${AGAIN} with -n NAME`];
  for (const name of criticalOptions.keys()) {
    if (name === "force-command") return ["the certificate runs a command of its own (force-command)", AGAIN];
    // verify-required is for security keys that ask for a PIN: it only takes away.
    if (name !== "source-address" && name !== "verify-required")
      return [`the certificate has the unknown critical option ${printable(name, 60)}`, AGAIN];
  }
  const strange = [...extensions.keys()].find((name) => !EXTENSIONS.includes(name));
  return strange === undefined ? null : [`the certificate has the unknown extension ${printable(strange, 60)}`, AGAIN];
}

function timeFault({ validAfter, validBefore }: Certificate, expected: ByHand): Fault | null {
  const now = BigInt(Math.floor(expected.now / 1000));
  const longest = BigInt(Math.max(LONGEST_SECONDS, expected.certificateMaxSeconds));
  const clock = `this machine's clock says ${timeText(now)}: set it if that is wrong`;
  if (validBefore === FOREVER) return ["the certificate has no end", `${AGAIN} with -V +8h`];
  if (validAfter > now + TOLERANCE_SECONDS)
    return [`the certificate is not valid before ${timeText(validAfter)}`, clock];
  if (validBefore <= now)
    return [`the certificate ended at ${timeText(validBefore)}`, `${clock}, else ask for a new one`];
  if (validBefore > now + longest + TOLERANCE_SECONDS) {
    const fact = `the certificate is valid until ${timeText(validBefore)}, which is further off than ${longest / 86_400n} days`;
    return [fact, `${AGAIN} with -V +8h, or set certificate_max_seconds for it`];
  }
  return null;
}

/** Seconds since the epoch as RFC 3339; the far future in words. */
export function timeText(seconds: bigint): string {
  if (seconds > 253_402_300_799n) return "the year 10000 or later";
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}
