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
};

export type CertificateAnswer = { readonly certificate: string };
export type ErrorAnswer = { readonly errorType: string; readonly errorMessage: string };
export type Answer = CertificateAnswer | ErrorAnswer;

/** A certificate is at most 16 KiB, a stack trace some more. */
const MAX_ANSWER = 256 * 1024;

/** The request as JSON in UTF-8: the fields of the contract and no others (BLESS refuses unknown ones). */
export function encodeUserRequest(request: UserRequest): Uint8Array {
  const { bastion_ips, bastion_user, bastion_user_ip, command, public_key_to_sign, remote_usernames } = request;
  const fields = { bastion_ips, bastion_user, bastion_user_ip, command, public_key_to_sign, remote_usernames };
  const { kmsauth_token } = request;
  return encodeText(JSON.stringify(kmsauth_token === undefined ? fields : { ...fields, kmsauth_token }));
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
  if (typeof value === "string") return certificateIn(value);
  if (typeof value !== "object" || value === null) throw new WireError("the answer is neither certificate nor error");
  if ("errorType" in value || "errorMessage" in value) {
    const { errorType = "Unhandled", errorMessage = "" } = value as Record<string, unknown>;
    if (typeof errorType !== "string" || typeof errorMessage !== "string") {
      throw new WireError("the answer's error is not text");
    }
    return { errorType, errorMessage };
  }
  if ("certificate" in value && typeof value.certificate === "string") return certificateIn(value.certificate);
  throw new WireError("the answer is neither certificate nor error");
}

function certificateIn(text: string): CertificateAnswer {
  if (text.trim() === "") throw new WireError("the answer is empty");
  return { certificate: text };
}
