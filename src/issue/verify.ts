// Whether an answer is the certificate that was asked for. A CA, a region or an endpoint that answers wrongly must not get a
// foreign key's, a wider or an endless certificate onto the user's disk.
import { Failure, printable } from "../failure.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type Certificate, parseCertificate, plainType } from "../wire/certificate.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { verifyCertificate } from "../wire/signature.ts";
import { isAnywhere, sameAddresses } from "./source-address.ts";

export type Expectation = {
  /** Line of the public key that was sent. */
  readonly publicKey: string;
  /** Principals that were asked for. */
  readonly principals: readonly string[];
  /** Addresses that were asked for, as they were sent. */
  readonly sourceAddress: string;
  /** CA public keys one of which must have signed; empty: any CA. */
  readonly caKeys: readonly string[];
  readonly allowSha1: boolean;
  /** Longest time from now to the end. */
  readonly certificateMaxSeconds: number;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly now: number;
};

/** Dates in HTTP have whole seconds, and the measured clock is as old as the request. */
export const TOLERANCE_SECONDS = 30n;

/** PROTOCOL.certkeys of OpenSSH; the last is chanzuckerberg/blessclient's mark. */
export const EXTENSIONS: readonly string[] = [
  "no-touch-required",
  "permit-X11-forwarding",
  "permit-agent-forwarding",
  "permit-port-forwarding",
  "permit-pty",
  "permit-user-rc",
  "ssh-ca-lambda",
];

/** What a signature of the type ssh-rsa is, in words that follow "signed with". */
export const SHA1 = "ssh-rsa, which is SHA-1 and refused by OpenSSH since 8.2";

const CLOCKS = "nothing was stored: the CA's clock or this machine's is wrong";
const KEPT = "nothing was stored: tell the CA's administrators";

/**
 * Reads and checks an answer's certificate. Gives it with its line (one line, comment made fit for terminals) and notes for the
 * person. Throws Failure for the first thing that is wrong.
 */
export function verifyAnswer(
  line: string,
  expected: Expectation,
): { readonly certificate: Certificate; readonly line: string; readonly notes: readonly string[] } {
  const certificate = read(line);
  const wrong = findFault(certificate, expected);
  if (wrong !== null) throw new Failure(wrong.fact, wrong.next ?? KEPT);
  const notes = isSha1(certificate) ? [`the CA signed with ${SHA1}; allow_sha1 lets it pass`] : [];
  return { certificate, line: tidy(line), notes };
}

/** True for a signature by RSA with SHA-1 (RFC 4253, 6.6), as Netflix's BLESS makes it. */
export function isSha1({ signatureType }: Pick<Certificate, "signatureType">): boolean {
  return signatureType === "ssh-rsa";
}

function read(line: string): Certificate {
  try {
    return parseCertificate(line.trim());
  } catch {
    throw new Failure("the CA's answer is no certificate", KEPT);
  }
}

type Fault = { readonly fact: string; readonly next?: string };

function findFault(certificate: Certificate, expected: Expectation): Fault | null {
  return (
    keyFault(certificate, expected) ??
    signatureFault(certificate, expected) ??
    principalFault(certificate, expected) ??
    timeFault(certificate, expected) ??
    optionFault(certificate, expected)
  );
}

function keyFault({ kind, publicKey, type }: Certificate, expected: Expectation): Fault | null {
  if (kind !== "user") return { fact: "the CA answered with a host's certificate, not a user's" };
  const own = parsePublicKey(expected.publicKey);
  if (plainType(type) !== own.type)
    return { fact: `the CA certified a key of type ${printable(plainType(type) ?? type, 60)}, not yours` };
  if (!equalBytes(publicKey, own.blob)) return { fact: "the CA certified another key than yours" };
  return null;
}

function signatureFault(certificate: Certificate, { caKeys, allowSha1 }: Expectation): Fault | null {
  if (!verifyCertificate(certificate)) return { fact: "the signature of the CA's certificate is wrong" };
  if (caKeys.length > 0 && !caKeys.some((line) => equalBytes(parsePublicKey(line).blob, certificate.signatureKey))) {
    const next = "nothing was stored: if the CA has a new key, put it into ca_keys, else tell the CA's administrators";
    return { fact: "the certificate is signed by another CA than ca_keys names", next };
  }
  if (isSha1(certificate) && !allowSha1) {
    const next =
      "nothing was stored: ask for a CA that signs with SHA-2 (bssh's own, or BLESS as lyft/bless has it), or set allow_sha1 = true for old servers";
    return { fact: `the CA signed with ${SHA1}`, next };
  }
  return null;
}

function principalFault({ principals }: Certificate, expected: Expectation): Fault | null {
  if (principals.length === 0) return { fact: "the CA's certificate names no principal" };
  const extra = principals.find((name) => !expected.principals.includes(name));
  return extra === undefined
    ? null
    : { fact: `the CA's certificate is for ${printable(extra, 80)}, which was not asked for` };
}

function timeFault({ validAfter, validBefore }: Certificate, expected: Expectation): Fault | null {
  const now = BigInt(Math.floor(expected.now / 1000));
  if (validAfter > now + TOLERANCE_SECONDS) return { fact: "the CA's certificate isn't valid yet", next: CLOCKS };
  if (validBefore <= now) return { fact: "the CA's certificate has ended already", next: CLOCKS };
  if (validBefore > now + BigInt(expected.certificateMaxSeconds) + TOLERANCE_SECONDS) {
    const next = "nothing was stored: if the CA is to give such long ones, raise certificate_max_seconds";
    return { fact: `the CA's certificate lasts longer than ${expected.certificateMaxSeconds} seconds`, next };
  }
  return null;
}

function optionFault({ criticalOptions, extensions }: Certificate, expected: Expectation): Fault | null {
  for (const name of criticalOptions.keys()) {
    if (name === "force-command") return { fact: "the CA's certificate runs a command of its own (force-command)" };
    if (name !== "source-address")
      return { fact: `the CA's certificate has the unknown critical option ${printable(name, 60)}` };
  }
  const bound = criticalOptions.get("source-address");
  if (bound === undefined && !isAnywhere(expected.sourceAddress))
    return { fact: "the CA's certificate isn't bound to your addresses" };
  if (bound !== undefined && !sameAddresses(bound, expected.sourceAddress)) {
    return { fact: "the CA's certificate is bound to other addresses than those asked for" };
  }
  const strange = [...extensions.keys()].find((name) => !EXTENSIONS.includes(name));
  return strange === undefined
    ? null
    : { fact: `the CA's certificate has the unknown extension ${printable(strange, 60)}` };
}

/** Type, base64 and comment on one line. */
function tidy(line: string): string {
  const [type = "", base64 = "", ...comment] = line.trim().split(/\s+/);
  return [type, base64, printable(comment.join(" "))].join(" ").trim();
}
