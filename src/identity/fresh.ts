import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";
import { equalBytes, WireError } from "../wire/bytes.ts";
import { type Certificate, parseCertificate } from "../wire/certificate.ts";
import { readOpenSshKey } from "../wire/private-key.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { networksHold } from "./address.ts";
import type { IdentityFiles } from "./files.ts";

/** What a certificate must be to be used without asking anybody. */
export type Wanted = {
  /** Principals to ask for; empty accepts whichever the CA gave. */
  readonly principals: readonly string[];
  /** CA keys (`type base64`) one of which signed; empty accepts any. */
  readonly caKeys: readonly string[];
  readonly renewMarginSeconds: number;
  /** Whether one signed with SHA-1 will do, which OpenSSH refuses since 8.2; absent is no. */
  readonly allowSha1?: boolean;
  /**
   * The machine's public addresses where they are known without asking; "other network" where they have yet to be learnt; null
   * where any certificate is believed.
   */
  readonly addresses: readonly string[] | "other network" | null;
  /** Now by AWS's clock, in milliseconds since the epoch. */
  readonly now: number;
  /** Whether the person took the certificate into use by hand: for whom and from where it is then was decided by whoever signed it. */
  readonly isByHand?: (certificate: Certificate) => boolean;
};

/** Why the certificate on disk can't be used. */
export type Unfit =
  | "no key"
  | "no certificate"
  | "unreadable certificate"
  | "other key"
  | "host certificate"
  | "other principals"
  | "other CA"
  | "signed with SHA-1"
  | "not yet valid"
  | "expired"
  | "other address"
  | "other network";

/** The certificate on disk, whether or not it can be used; null when there is none or it can't be read. */
export function storedCertificate(system: System, files: IdentityFiles): Certificate | null {
  try {
    const line = readText(system, files.certificate);
    return line === null ? null : parseCertificate(line);
  } catch {
    // Whatever lies there instead is replaced by the next certificate.
    return null;
  }
}

/** Judges the certificate on disk: null when it is fresh, else why it isn't. */
export function unfitness(system: System, files: IdentityFiles, wanted: Wanted): Unfit | null {
  const found = freshCertificate(system, files, wanted);
  return typeof found === "string" ? found : null;
}

/**
 * The certificate on disk when it is fresh, else why it isn't. Reads two files and no clock. The CA's signature was verified
 * before the certificate was stored; sshd verifies it again.
 */
export function freshCertificate(system: System, files: IdentityFiles, wanted: Wanted): Certificate | Unfit {
  // Of a key that an agent or a token holds only the public half is there.
  if (!system.may(files.key, "read") && !system.may(files.publicKey, "read")) return "no key";
  let certificate: Certificate;
  try {
    const line = readText(system, files.certificate);
    if (line === null) return "no certificate";
    certificate = parseCertificate(line);
  } catch {
    return "unreadable certificate";
  }
  const key = publicKeyBlob(system, files);
  if (key === null || !equalBytes(key, certificate.publicKey)) return "other key";
  return certificateUnfitness(certificate, wanted) ?? certificate;
}

/** Judges a certificate by itself. */
export function certificateUnfitness(certificate: Certificate, wanted: Wanted): Unfit | null {
  if (certificate.kind !== "user") return "host certificate";
  if (certificate.principals.length === 0) return "other principals";
  const asked =
    wanted.principals.length === 0 || certificate.principals.every((name) => wanted.principals.includes(name));
  if (!asked && wanted.isByHand?.(certificate) !== true) return "other principals";
  if (wanted.caKeys.length > 0 && !signedByOne(certificate, wanted.caKeys)) return "other CA";
  if (certificate.signatureType === "ssh-rsa" && wanted.allowSha1 !== true) return "signed with SHA-1";
  const now = BigInt(Math.floor(wanted.now / 1000));
  if (certificate.validAfter > now) return "not yet valid";
  if (certificate.validBefore <= now + BigInt(wanted.renewMarginSeconds)) return "expired";
  const bound = certificate.criticalOptions.get("source-address");
  if (bound === undefined || wanted.addresses === null) return null;
  const isHere = wanted.addresses !== "other network" && coversAll(bound, wanted.addresses);
  if (isHere || wanted.isByHand?.(certificate) === true) return null;
  return wanted.addresses === "other network" ? "other network" : "other address";
}

/** True when a `source-address` option (addresses and networks, commas) lets in all of the addresses. */
export function coversAll(bound: string, addresses: readonly string[]): boolean {
  const networks = bound.split(",");
  return addresses.every((address) => networksHold(networks, address));
}

function signedByOne(certificate: Certificate, caKeys: readonly string[]): boolean {
  return caKeys.some((line) => {
    try {
      return equalBytes(parsePublicKey(line).blob, certificate.signatureKey);
    } catch (error) {
      if (error instanceof WireError) return false;
      throw error;
    }
  });
}

/** True when the private key has a passphrase, whatever its format. */
export function isEncrypted(system: System, files: IdentityFiles): boolean {
  try {
    const pem = readText(system, files.key);
    if (pem === null) return false;
    // The beginning of every key in OpenSSH's form without a passphrase: cipher and key derivation are "none".
    if (pem.includes("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ")) return false;
    return readOpenSshKey(pem)?.encrypted ?? pem.includes("ENCRYPTED");
  } catch {
    return false;
  }
}

/**
 * Blob of the identity's public key: from the part of an OpenSSH private key that is not encrypted, since KEY.pub may be
 * another key's; of a key in another format from KEY.pub. Null when neither tells.
 */
export function publicKeyBlob(system: System, files: IdentityFiles): Uint8Array | null {
  try {
    const pem = readText(system, files.key);
    const open = pem === null ? null : readOpenSshKey(pem);
    if (open !== null) return open.publicKey;
    const line = readText(system, files.publicKey);
    return line === null ? null : parsePublicKey(line).blob;
  } catch {
    return null;
  }
}
