/** Whether a proof of identity proves anything here: the CA's side of src/wire/caller-identity.ts, for people and for hosts. */
import { WireError } from "../wire/bytes.ts";
import { AUDIENCE_HEADER, type IdentityProof, KEY_HEADER, parseProof } from "../wire/caller-identity.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import type { CaAws, CallerIdentity } from "./aws.ts";
import { nameOf } from "./cause.ts";
import type { Refusal } from "./kmsauth.ts";
import type { CallerIdentitySettings } from "./settings.ts";

/** A proof, and what it has to be for. */
export type ProofQuestion = {
  /** The request's `caller_identity` as it came. */
  readonly proof: string;
  /** The CA's own name. */
  readonly audience: string;
  /** Blob of the key to be certified. */
  readonly publicKeyBlob: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /**
   * Sends the proof to an STS of the CA's own choice. The proof's host is only a header of it: who could choose where it goes
   * would answer for STS.
   */
  readonly callerIdentity: CaAws["callerIdentity"];
};

/** A session of an IAM role, as STS names it: the role's path is not part of it. */
export type ProvenRole = {
  readonly identity: CallerIdentity;
  readonly role: string;
  readonly sessionName: string;
};

/** The message goes to the asker and holds nothing of the proof but AWS's name of an error. */
export type ProofRefusal = {
  readonly refusal: Refusal;
  /** AWS did not answer: the proof may be good, here or in another region. */
  readonly isOutage?: true;
};

/** How old a proof may be, in milliseconds; STS itself would take 15 minutes. */
const MAX_AGE = 5 * 60_000;
/** How far the asker's clock may be ahead, in milliseconds. */
const MAX_LEAD = 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[A-Z0-9]{16,128}\/(\d{8})\/([a-z0-9-]{1,40})\/([a-z0-9-]{1,40})\/aws4_request, ?SignedHeaders=([a-z0-9;-]{1,512}), ?Signature=[0-9a-f]{64}$/;
const CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8";
const DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const ASSUMED_ROLE =
  /^arn:aws[a-z-]{0,20}:sts::(\d{12}):assumed-role\/([A-Za-z0-9_+=,.@-]{1,64})\/([A-Za-z0-9_+=,.@-]{2,64})$/;

/** Names for a request whose signature is not good (any more), or not for STS; any other error is no answer about the asker. */
const NOT_GOOD: readonly string[] = [
  "AccessDenied",
  "AccessDeniedException",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidClientTokenId",
  "InvalidProof",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "RequestExpired",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
];

/**
 * Asks STS who signed `proof`, once everything that is signed is what it has to be: the CA, the key, the time, STS itself.
 * Nothing that is signed elsewhere, for another key or for another CA gets as far as STS. Never rejects.
 *
 * Only a session of a role is anybody. GetCallerIdentity tells of an IAM user nothing but the name, no second factor, and
 * kmsauth's key policy can ask for one.
 */
export async function checkProof(question: ProofQuestion): Promise<ProvenRole | ProofRefusal> {
  let proof: IdentityProof;
  try {
    proof = parseProof(question.proof);
  } catch (error) {
    return refuse(`The caller identity cannot be read: ${error instanceof WireError ? error.message : "no text"}.`);
  }
  const fault = signedFault(proof) ?? purposeFault(proof, question);
  if (fault !== null) return refuse(fault);

  let identity: CallerIdentity;
  try {
    identity = await question.callerIdentity(proof);
  } catch (error) {
    const name = nameOf(error);
    if (NOT_GOOD.includes(name)) return refuse(`AWS does not confirm the caller identity (${name}).`, name);
    return { ...refuse("AWS did not say whose the caller identity is.", name), isOutage: true };
  }
  return roleOf(identity);
}

/** Whether the signature covers everything that is sent, for STS in the region that the proof names. */
function signedFault({ region, headers }: IdentityProof): string | null {
  const [, day, scopeRegion, service, signedHeaders] = AUTHORIZATION.exec(headers["authorization"] ?? "") ?? [];
  if (signedHeaders === undefined) return "The caller identity has no signature of AWS's version 4.";
  if (service !== "sts" || scopeRegion !== region) return "The caller identity is not signed for STS in its region.";
  if (headers["x-amz-date"]?.slice(0, 8) !== day) return "The caller identity is signed for another day than it names.";
  // A body of another type could be read as another request.
  if (headers["content-type"] !== CONTENT_TYPE) return "The caller identity is not the request that it has to be.";
  const sent = Object.keys(headers).filter((name) => name !== "authorization");
  if (signedHeaders !== sent.sort().join(";"))
    return "The caller identity does not have just the headers that are signed.";
  return null;
}

/** Whether it was made for this CA, this key and this time. */
function purposeFault({ headers }: IdentityProof, { audience, publicKeyBlob, now }: ProofQuestion): string | null {
  const time = timeIn(headers["x-amz-date"] ?? "");
  if (time === null) return "The caller identity has no time.";
  if (now - time > MAX_AGE) return "The caller identity has expired: it is good for 5 minutes.";
  if (time - now > MAX_LEAD) return "The caller identity is from the future: is the clock right?";
  if (audience === "" || headers[AUDIENCE_HEADER] !== audience) return "The caller identity is for another CA.";
  if (headers[KEY_HEADER] !== sha256Fingerprint(publicKeyBlob)) return "The caller identity is for another key.";
  return null;
}

/** Milliseconds since the epoch; null for what is no time, the 30th of February included. */
function timeIn(text: string): number | null {
  const [whole, ...parts] = DATE.exec(text) ?? [];
  if (whole === undefined) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  return new Date(time).toISOString().replace(/[-:]|\.000/g, "") === whole ? time : null;
}

function roleOf(identity: CallerIdentity): ProvenRole | ProofRefusal {
  const { arn, account } = identity;
  const [, inArn, role, sessionName] = ASSUMED_ROLE.exec(arn) ?? [];
  if (role !== undefined && sessionName !== undefined) {
    if (inArn !== account) return refuse("The caller identity has two accounts.");
    return { identity, role, sessionName };
  }
  if (/^arn:[^:]*:iam::\d*:user\//.test(arn)) {
    return refuse(
      "The caller identity is an IAM user, which proves no second factor: IAM users prove themselves by kmsauth.",
    );
  }
  if (/^arn:[^:]*:iam::\d*:root$/.test(arn))
    return refuse("The caller identity is an account's root user, who is nobody here.");
  if (/^arn:[^:]*:sts::\d*:federated-user\//.test(arn)) {
    return refuse(
      "The caller identity is a federated user's, whose name is whatever its maker chose: a role is needed.",
    );
  }
  return refuse("The caller identity is not a role's session.");
}

/**
 * Whose name a role session proves: the only `bastion_user` it is good for.
 *
 * The name is worth what the role's trust policy makes it worth. The roles `AWSReservedSSO_*` are made by IAM Identity Center,
 * which alone may enter them and gives each session its person's own user name; in an account where others may create roles,
 * list their whole names. Any other role must not let people choose the name: its trust policy needs the condition
 * `"StringEquals": {"sts:RoleSessionName": "${aws:username}"}` for IAM users, or a provider that sets the name itself
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_rolesessionname).
 */
export function personOf(
  { identity, role, sessionName }: ProvenRole,
  { accounts, roles, name, domain }: CallerIdentitySettings,
): { readonly name: string } | ProofRefusal {
  if (!accounts.includes(identity.account))
    return refuse(`Account ${identity.account} is not one whose people count here.`);
  if (!roles.some((pattern) => matches(role, pattern))) return refuse(`The role ${role} proves nobody's name here.`);
  if (name === "session") return { name: sessionName };
  const [local = "", behind, ...more] = sessionName.split("@");
  if (domain === null || domain === "" || local === "" || behind === undefined || more.length > 0) {
    return refuse("The session's name is no address of the domain that counts here.");
  }
  if (behind.toLowerCase() !== domain.toLowerCase())
    return refuse("The session's name is an address of another domain.");
  return { name: local };
}

function matches(role: string, pattern: string): boolean {
  return pattern.endsWith("*") ? role.startsWith(pattern.slice(0, -1)) : role === pattern;
}

function refuse(errorMessage: string, cause = ""): ProofRefusal {
  return { refusal: { errorMessage, cause } };
}
