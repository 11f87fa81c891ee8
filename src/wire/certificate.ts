/**
 * OpenSSH certificates, read: PROTOCOL.certkeys of OpenSSH, types `*-cert-v01@openssh.com`, all key types.
 *
 * No cryptography: whether the CA really signed it is verifyCertificate's question (signature.ts). This file is on the
 * way of every login, so it imports no module of the runtime.
 */
import { concat, decodeBase64, decodeText, makeReader, splitStrings, text, WireError } from "./bytes.ts";
import { blobType, readKeyFields, splitKeyLine } from "./public-key.ts";

export type Certificate = {
  /** Such as `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  readonly nonce: Uint8Array;
  /** Blob of the plain key that was certified. */
  readonly publicKey: Uint8Array;
  readonly serial: bigint;
  readonly kind: "user" | "host";
  readonly keyId: string;
  /** In the certificate's order. OpenSSH accepts a certificate with none for no user. */
  readonly principals: readonly string[];
  /** Seconds since the epoch, included. */
  readonly validAfter: bigint;
  /** Seconds since the epoch, excluded; 2^64 - 1 is for ever. */
  readonly validBefore: bigint;
  /** Name to value; an option without a value has "". */
  readonly criticalOptions: ReadonlyMap<string, string>;
  /** Name to value; an extension without a value has "". Data that is no text is `0x` and its hexadecimal digits. */
  readonly extensions: ReadonlyMap<string, string>;
  /** Blob of the CA's public key. */
  readonly signatureKey: Uint8Array;
  /** Such as `rsa-sha2-512`; `ssh-rsa` is SHA-1. */
  readonly signatureType: string;
  /** The whole signature, its type's name included. */
  readonly signature: Uint8Array;
  /** The bytes that the CA signed. */
  readonly signed: Uint8Array;
  readonly comment: string;
};

/** End of a certificate that never ends. */
export const FOREVER = 0xffff_ffff_ffff_ffffn;

/** OpenSSH refuses more (SSHKEY_CERT_MAX_PRINCIPALS, sshkey.h). */
export const MAX_PRINCIPALS = 256;

const SUFFIX = "-cert-v01@openssh.com";

/** Type of the plain keys for which a type of certificates is; null when it is no type of certificates. */
export function plainType(certificateType: string): string | null {
  if (!certificateType.endsWith(SUFFIX)) return null;
  const stem = certificateType.slice(0, -SUFFIX.length);
  return stem.startsWith("sk-") ? `${stem}@openssh.com` : stem;
}

/** Type of the certificates for plain keys of `keyType`. */
export function certificateType(keyType: string): string {
  return keyType.replace(/@openssh\.com$/, "") + SUFFIX;
}

/**
 * Reads the line `TYPE BASE64 [COMMENT]` of a `-cert.pub` file.
 *
 * Throws WireError for anything that is not exactly one certificate: bytes that are missing or left over, options that
 * are not sorted or appear twice, fields that must be empty and are not, more than 16 KiB.
 */
export function parseCertificate(line: string): Certificate {
  const { type, base64, comment } = splitKeyLine(line);
  if (plainType(type) === null) throw new WireError("not a certificate");
  return parseCertificateBlob(type, decodeBase64(base64), comment);
}

/** The same for a certificate of `type` that is at hand as bytes. */
export function parseCertificateBlob(type: string, blob: Uint8Array, comment: string): Certificate {
  const keyType = plainType(type);
  if (keyType === null) throw new WireError("not a certificate");
  const reader = makeReader(blob);

  if (reader.text() !== type) throw new WireError("the certificate is of another type than its line says");
  const nonce = reader.string();
  const keyFrom = reader.offset();
  readKeyFields(reader, keyType);
  const publicKey = concat(text(keyType), blob.subarray(keyFrom, reader.offset()));
  const serial = reader.u64();
  const kind = kindOf(reader.u32());
  const keyId = reader.text();
  const principals = readPrincipals(reader.string());
  const validAfter = reader.u64();
  const validBefore = reader.u64();
  const criticalOptions = readOptions(reader.string(), readCriticalValue);
  const extensions = readOptions(reader.string(), readExtensionValue);
  if (reader.string().length > 0) throw new WireError("the certificate's reserved field is not empty");
  const signatureKey = reader.string();
  blobType(signatureKey);
  const signed = blob.subarray(0, reader.offset());
  const signature = reader.string();
  const signatureType = makeReader(signature).text();
  reader.end("the certificate");

  return {
    type,
    nonce,
    publicKey,
    serial,
    kind,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    signatureKey,
    signatureType,
    signature,
    signed,
    comment,
  };
}

function kindOf(number: number): "user" | "host" {
  if (number === 1) return "user";
  if (number === 2) return "host";
  throw new WireError("a certificate for neither a user nor a host");
}

function readPrincipals(bytes: Uint8Array): string[] {
  const principals = splitStrings(bytes);
  if (principals.length > MAX_PRINCIPALS) throw new WireError(`more than ${MAX_PRINCIPALS} principals`);
  return principals.map(decodeText);
}

function readOptions(bytes: Uint8Array, readValue: (data: Uint8Array) => string): Map<string, string> {
  const options = new Map<string, string>();
  const strings = splitStrings(bytes);
  let previous: string | null = null;
  for (let at = 0; at < strings.length; at += 2) {
    const [nameBytes, value] = [strings[at], strings[at + 1]];
    if (nameBytes === undefined || value === undefined) throw new WireError("an option without a value");
    const name = decodeText(nameBytes);
    if (previous !== null && name <= previous) throw new WireError("options that are not sorted, or appear twice");
    previous = name;
    options.set(name, readValue(value));
  }
  return options;
}

/** The data of an option with a value is a string inside the string. */
function readCriticalValue(data: Uint8Array): string {
  if (data.length === 0) return "";
  const reader = makeReader(data);
  const value = reader.text();
  reader.end("an option");
  return value;
}

/** Other makers' extensions may hold what they like (PROTOCOL.certkeys), and ssh ignores those it does not know. */
function readExtensionValue(data: Uint8Array): string {
  try {
    return readCriticalValue(data);
  } catch {
    return `0x${data.toHex()}`;
  }
}
