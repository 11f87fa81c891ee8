/**
 * A proof of who somebody is in AWS: a request for STS GetCallerIdentity, signed but not sent. Whoever gets it sends it to STS as
 * it is, and STS says whose signature it was. Two signed headers of our own bind it to one CA and one key to be certified, so
 * that a stolen proof is good for nothing else. The way of Vault's and Kubernetes' AWS authenticators; the signature is
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { decodeBase64, decodeText, encodeBase64, encodeText, WireError } from "./bytes.ts";

export type IdentityProof = {
  /** AWS region of the STS that the request is for. */
  readonly region: string;
  /** The request's headers by their names in lower case; only those of PROOF_HEADERS. */
  readonly headers: Readonly<Record<string, string>>;
};

/** The body, always the same; method and path are `POST /`. */
export const PROOF_BODY = "Action=GetCallerIdentity&Version=2011-06-15";
/** The CA's name, as in kmsauth's `to`. */
export const AUDIENCE_HEADER = "x-bssh-audience";
/** `SHA256:…`, fingerprint of the key to be certified. */
export const KEY_HEADER = "x-bssh-public-key";

/** What a proof may send to STS, and nothing else; all but the token must be there. */
export const PROOF_HEADERS: readonly string[] = [
  "authorization",
  "content-type",
  "host",
  "x-amz-date",
  "x-amz-security-token",
  AUDIENCE_HEADER,
  KEY_HEADER,
];

/** STS's session tokens have no documented end; those of Identity Center are near 1 KiB. */
const MAX_PROOF = 16 * 1024;

/** The proof as text: base64 of JSON. A secret for as long as its signature lasts. */
export function encodeProof({ region, headers }: IdentityProof): string {
  return encodeBase64(encodeText(JSON.stringify({ region, headers })));
}

/** Reads a proof. Only the form is checked; throws WireError, which quotes nothing of it. */
export function parseProof(text: string): IdentityProof {
  if (text.length > MAX_PROOF) throw new WireError("a proof of identity that is too long");
  let value: unknown;
  try {
    value = JSON.parse(decodeText(decodeBase64(text)));
  } catch {
    throw new WireError("a proof of identity that is not JSON in base64");
  }
  if (typeof value !== "object" || value === null || !("region" in value) || !("headers" in value)) {
    throw new WireError("a proof of identity without a region or headers");
  }
  const { region, headers } = value;
  if (typeof region !== "string" || !/^[a-z]{2,4}(-[a-z]{1,12}){1,3}-\d{1,2}$/.test(region)) {
    throw new WireError("a proof of identity for no AWS region");
  }
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new WireError("a proof of identity without headers");
  }
  const kept: Record<string, string> = {};
  for (const [name, content] of Object.entries(headers)) {
    if (!PROOF_HEADERS.includes(name)) throw new WireError("a proof of identity with a header that has no place in it");
    // Printable ASCII: nothing can end the header early.
    if (typeof content !== "string" || !/^[\x20-\x7e]{1,8192}$/.test(content)) {
      throw new WireError("a proof of identity with a header that is no text");
    }
    kept[name] = content;
  }
  for (const name of PROOF_HEADERS) {
    if (kept[name] === undefined && name !== "x-amz-security-token") {
      throw new WireError("a proof of identity with a header missing");
    }
  }
  return { region, headers: kept };
}
