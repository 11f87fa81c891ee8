/**
 * What is said to a BLESS Lambda and what it answers: Netflix/bless, `bless/request/bless_request_user.py` and
 * `bless/aws_lambda/bless_lambda_user.py`; the bare string is from lyft/bless, branch `lyft_base`.
 */
import { decodeText, encodeText, WireError } from "./bytes.ts";

/** The payload of the user handler; the names are the contract's own. */
export type UserRequest = {
  /** Addresses and networks, separated by commas, without spaces. */
  readonly bastion_ips: string;
  readonly bastion_user: string;
  readonly bastion_user_ip: string;
  readonly command: string;
  readonly public_key_to_sign: string;
  /** Principals, separated by commas. */
  readonly remote_usernames: string;
  /** Base64; a secret until it ends. */
  readonly kmsauth_token?: string;
  /** A proof as caller-identity.ts forms it; ours, and a secret until it ends. BLESS refuses requests that have it. */
  readonly caller_identity?: string;
};

/** The payload of the host handler: BLESS's two fields, and the proofs that ours takes. */
export type HostRequest = {
  /** Separated by commas; "" asks for whatever the CA's policy gives, which is no request of BLESS's. */
  readonly hostnames: string;
  readonly public_key_to_sign: string;
  /** A proof as caller-identity.ts forms it. */
  readonly caller_identity?: string;
  /** The instance's identity document and its signature, as the metadata service gives them. */
  readonly instance_identity_document?: string;
  readonly instance_identity_signature?: string;
};

/** What our CA says beside its answer that it can do, such as `bound-token`; empty for BLESS. */
type Offering = { readonly offers: readonly string[] };
export type CertificateAnswer = { readonly certificate: string } & Offering;
export type ErrorAnswer = { readonly errorType: string; readonly errorMessage: string } & Offering;
export type Answer = CertificateAnswer | ErrorAnswer;

/** The CA takes kmsauth tokens that are bound to the key to be certified. */
export const BOUND_TOKEN = "bound-token";
/** The CA takes proofs of identity as caller-identity.ts forms them. */
export const CALLER_IDENTITY = "caller-identity";

/** A certificate is at most 16 KiB, a stack trace some more. */
const MAX_ANSWER = 256 * 1024;

/** Words that are looked at among the offers, and the longest of them. */
const MAX_OFFERS = 16;
const OFFER = /^[a-z0-9-]{1,64}$/;

/** The request as JSON in UTF-8: the fields of the contract and no others (BLESS refuses unknown ones). */
export function encodeUserRequest(request: UserRequest): Uint8Array {
  const { bastion_ips, bastion_user, bastion_user_ip, command, public_key_to_sign, remote_usernames } = request;
  const fields = { bastion_ips, bastion_user, bastion_user_ip, command, public_key_to_sign, remote_usernames };
  return encodeFields(fields, { kmsauth_token: request.kmsauth_token, caller_identity: request.caller_identity });
}

/** The host handler's request as JSON in UTF-8: the fields of the contract, and of ours those that are given. */
export function encodeHostRequest(request: HostRequest): Uint8Array {
  const { hostnames, public_key_to_sign } = request;
  return encodeFields(
    { public_key_to_sign },
    {
      hostnames: hostnames === "" ? undefined : hostnames,
      caller_identity: request.caller_identity,
      instance_identity_document: request.instance_identity_document,
      instance_identity_signature: request.instance_identity_signature,
    },
  );
}

/** JSON leaves out what is undefined. */
function encodeFields(fields: Record<string, string>, more: Record<string, string | undefined>): Uint8Array {
  return encodeText(JSON.stringify({ ...fields, ...more }));
}

/**
 * Reads an answer: a certificate, an error as BLESS gives it, or what Lambda itself says when the function broke
 * (`errorType` "Unhandled" when it names none). Only the form is checked: the texts in it are a stranger's. Throws
 * WireError when it is none of these.
 */
export function parseAnswer(bytes: Uint8Array): Answer {
  if (bytes.length > MAX_ANSWER) throw new WireError("the answer is too long");
  let value: unknown;
  try {
    value = JSON.parse(decodeText(bytes));
  } catch {
    throw new WireError("the answer is not JSON");
  }
  if (typeof value === "string") return certificateIn(value, []);
  if (typeof value !== "object" || value === null) throw new WireError("the answer is neither certificate nor error");
  const offers = offersIn(value);
  if ("errorType" in value || "errorMessage" in value) {
    const { errorType = "Unhandled", errorMessage = "" } = value as Record<string, unknown>;
    if (typeof errorType !== "string" || typeof errorMessage !== "string") {
      throw new WireError("the answer's error is not text");
    }
    return { errorType, errorMessage, offers };
  }
  if ("certificate" in value && typeof value.certificate === "string") return certificateIn(value.certificate, offers);
  throw new WireError("the answer is neither certificate nor error");
}

function certificateIn(text: string, offers: readonly string[]): CertificateAnswer {
  if (text.trim() === "") throw new WireError("the answer is empty");
  return { certificate: text, offers };
}

/** What has another form is passed over: the answer is good without it. */
function offersIn(value: object): readonly string[] {
  if (!("offers" in value) || !Array.isArray(value.offers)) return [];
  const words: readonly unknown[] = value.offers.slice(0, MAX_OFFERS);
  return words.filter((word): word is string => typeof word === "string" && OFFER.test(word));
}
