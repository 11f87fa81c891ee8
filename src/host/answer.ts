/** Whether an answer is the host certificate that was asked for: a CA or a region that answers wrongly changes nothing here. */
import { Failure, printable } from "../failure.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type Certificate, parseCertificate, plainType } from "../wire/certificate.ts";
import { type PublicKey, parsePublicKey } from "../wire/public-key.ts";
import { sha256Fingerprint, verifyCertificate } from "../wire/signature.ts";

export type HostExpectation = {
  readonly publicKey: PublicKey;
  /** Names that were asked for; empty: all that the policy gives. */
  readonly names: readonly string[];
  /** Lines of the public keys one of which must have signed. */
  readonly caKeys: readonly string[];
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly now: number;
};

const TOLERANCE_SECONDS = 30n;
/** Our CA and BLESS give a year. */
const LONGEST_DAYS = 400n;

const KEPT = "nothing was changed: tell the CA's administrators";
const CLOCKS = "nothing was changed: the CA's clock or this machine's is wrong";

/** Reads and checks the answer's certificate, and gives it with its line. Throws Failure for the first thing that is wrong. */
export function checkHostAnswer(
  text: string,
  expected: HostExpectation,
): { readonly certificate: Certificate; readonly line: string } {
  let certificate: Certificate;
  try {
    certificate = parseCertificate(text.trim());
  } catch {
    throw new Failure("the CA's answer is no certificate", KEPT);
  }
  const fault = findFault(certificate, expected);
  if (fault !== null) throw new Failure(fault.fact, fault.next ?? KEPT);
  const [type = "", base64 = ""] = text.trim().split(/\s+/);
  return { certificate, line: `${type} ${base64}` };
}

type Fault = { readonly fact: string; readonly next?: string };

/** What is wrong with a certificate for a host; null when nothing is. */
export function findFault(certificate: Certificate, expected: HostExpectation): Fault | null {
  return (
    keyFault(certificate, expected) ??
    signatureFault(certificate, expected) ??
    nameFault(certificate, expected) ??
    timeFault(certificate, expected) ??
    optionFault(certificate)
  );
}

function keyFault({ kind, publicKey, type }: Certificate, expected: HostExpectation): Fault | null {
  if (kind !== "host") return { fact: "the CA answered with a user's certificate, not a host's" };
  const same = plainType(type) === expected.publicKey.type && equalBytes(publicKey, expected.publicKey.blob);
  return same ? null : { fact: "the CA certified another key than this host's" };
}

function signatureFault(certificate: Certificate, { caKeys }: HostExpectation): Fault | null {
  if (!verifyCertificate(certificate)) return { fact: "the signature of the CA's certificate is wrong" };
  if (!caKeys.some((line) => equalBytes(parsePublicKey(line).blob, certificate.signatureKey))) {
    const by = sha256Fingerprint(certificate.signatureKey);
    const next = "nothing was changed: if the CA has a new key, put it into ca_keys, else tell the CA's administrators";
    return { fact: `the certificate is signed by ${by}, which ca_keys in [hosts] doesn't name`, next };
  }
  return certificate.signatureType === "ssh-rsa" ? { fact: "the CA signed with SHA-1, which OpenSSH refuses" } : null;
}

function nameFault({ principals }: Certificate, { names }: HostExpectation): Fault | null {
  if (principals.length === 0) return { fact: "the CA's certificate names no host, so that it would be good for all" };
  // ssh takes each as a pattern, and all of them as one list (match_pattern_list() in match.c).
  const pattern = principals.find((name) => !/^[a-z0-9._:-]+$/i.test(name));
  if (pattern !== undefined)
    return { fact: `the CA's certificate names ${printable(pattern, 80)}, which is no host's name` };
  const extra = names.length === 0 ? undefined : principals.find((name) => !names.includes(name));
  return extra === undefined
    ? null
    : { fact: `the CA's certificate is for ${printable(extra, 80)}, which was not asked for` };
}

function timeFault({ validAfter, validBefore }: Certificate, expected: HostExpectation): Fault | null {
  const now = BigInt(Math.floor(expected.now / 1000));
  if (validAfter > now + TOLERANCE_SECONDS) return { fact: "the CA's certificate isn't valid yet", next: CLOCKS };
  if (validBefore <= now) return { fact: "the CA's certificate has ended already", next: CLOCKS };
  if (validBefore <= now + LONGEST_DAYS * 86_400n) return null;
  return { fact: `the CA's certificate lasts longer than ${LONGEST_DAYS} days` };
}

/** PROTOCOL.certkeys of OpenSSH defines neither for hosts. */
function optionFault({ criticalOptions, extensions }: Certificate): Fault | null {
  const [critical] = criticalOptions.keys();
  if (critical !== undefined)
    return { fact: `the CA's certificate has the critical option ${printable(critical, 60)}` };
  const [extension] = extensions.keys();
  return extension === undefined
    ? null
    : { fact: `the CA's certificate has the extension ${printable(extension, 60)}` };
}
