/**
 * The instance identity document of EC2: what AWS signs of an instance.
 *
 * There are three signatures of it in the instance's metadata
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-iid.html): `/signature`, base64 of RSA with SHA-256 over the
 * document's bytes; `/pkcs7`, with SHA-1 and DSA; `/rsa2048`, PKCS #7 around RSA with SHA-256. The first is taken: `/pkcs7`'s
 * algorithms are broken, and `/rsa2048` needs a reader of CMS for bytes from a stranger. Its keys have 1024 bits today, and a
 * document is no secret, the same for the instance's whole life and bound to no key, so that it never stands alone: it only
 * adds to a role session of the same instance. The certificates are of
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/regions-certs.html, those called RSA; whoever deploys the CA pins them,
 * their own dates count for nothing (AWS says `-noverify`).
 */
import { type KeyObject, verify, X509Certificate } from "node:crypto";
import { decodeBase64, encodeText, WireError } from "../wire/bytes.ts";
import { parseNetwork } from "./network.ts";

export type InstanceIdentity = {
  readonly accountId: string;
  readonly instanceId: string;
  readonly region: string;
  /** IPv4, or null for an instance that has none. */
  readonly privateIp: string | null;
  readonly availabilityZone: string;
  /** When the instance was launched, in milliseconds since the epoch. */
  readonly pendingTime: number;
};

/** The form of instances' IDs: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html */
export const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

/** Real ones have half a KiB. */
const MAX_DOCUMENT = 16 * 1024;
const MAX_SIGNATURE = 4096;
const MAX_CERTIFICATES = 200;
const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The keys of AWS's certificates; each text may hold several, one a region. Throws an Error for what is none of these. */
export function readInstanceCertificates(texts: readonly string[]): readonly KeyObject[] {
  const blocks = texts.flatMap((text) => {
    const found = text.match(PEM) ?? [];
    if (found.length === 0) throw new Error("the instance identity certificates hold no certificate in PEM");
    return found;
  });
  if (blocks.length > MAX_CERTIFICATES) throw new Error(`more than ${MAX_CERTIFICATES} instance identity certificates`);
  return blocks.map((block, index) => {
    const key = keyOf(block);
    if (key === null) throw new Error(`the instance identity certificate ${index + 1} cannot be read`);
    if (key.asymmetricKeyType !== "rsa") {
      throw new Error(`the instance identity certificate ${index + 1} is not one of those that AWS calls RSA`);
    }
    return key;
  });
}

/**
 * Reads a document that one of `keys` signed. `document` is the very text that the metadata service gave, `signature` that of
 * `/signature` with its line breaks. Throws WireError.
 */
export function readInstanceIdentity(
  document: string,
  signature: string,
  keys: readonly KeyObject[],
): InstanceIdentity {
  if (document.length > MAX_DOCUMENT) throw new WireError("the instance identity document is too long");
  if (signature.length > MAX_SIGNATURE) throw new WireError("the instance identity signature is too long");
  const signed = encodeText(document);
  const bytes = decodeBase64(signature.replace(/[\r\n]/g, ""));
  if (!keys.some((key) => isSigned(signed, bytes, key))) {
    throw new WireError("no key of AWS that is known here signed the instance identity document");
  }
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    throw new WireError("the instance identity document is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WireError("the instance identity document is no object");
  }
  const fields = value as Record<string, unknown>;
  const region = field(fields, "region", /^[a-z]{2}(-[a-z0-9]+){1,4}-\d{1,2}$/);
  const availabilityZone = field(fields, "availabilityZone", /^[a-z0-9-]{1,63}$/);
  if (!availabilityZone.startsWith(region)) throw malformed("availabilityZone");
  return {
    accountId: field(fields, "accountId", /^\d{12}$/),
    instanceId: field(fields, "instanceId", INSTANCE_ID),
    region,
    privateIp: addressIn(fields["privateIp"]),
    availabilityZone,
    pendingTime: timeIn(field(fields, "pendingTime", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)),
  };
}

/** Why a document is not of the instance whose role session asks; null when it is. */
export function foreignDocument(
  document: InstanceIdentity,
  { account, sessionName }: { readonly account: string; readonly sessionName: string },
): string | null {
  if (document.accountId !== account) return "The instance identity document is of another account.";
  if (document.instanceId !== sessionName) return "The instance identity document is of another instance.";
  return null;
}

function keyOf(block: string): KeyObject | null {
  try {
    return new X509Certificate(block).publicKey;
  } catch {
    return null;
  }
}

function isSigned(bytes: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  try {
    return verify("sha256", bytes, key, signature);
  } catch {
    return false;
  }
}

function field(fields: Record<string, unknown>, name: string, form: RegExp): string {
  const value = fields[name];
  if (typeof value !== "string" || !form.test(value)) throw malformed(name);
  return value;
}

function addressIn(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== "string" || value.includes("/") || parseNetwork(value)?.family !== 4)
    throw malformed("privateIp");
  return value;
}

function timeIn(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time) || new Date(time).toISOString() !== text.replace("Z", ".000Z")) throw malformed("pendingTime");
  return time;
}

function malformed(name: string): WireError {
  return new WireError(`the instance identity document's ${name} has not its form`);
}
