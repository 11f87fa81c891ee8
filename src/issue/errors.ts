// What AWS and the CA refuse with, and what a person is told. Two tables, read from the top: the first row that fits speaks.
// Names in braces are filled in from the call. The words of AWS's errors are in the services' API references ("Errors" of each
// action) and in https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_mfa.html; BLESS's in bless_lambda_user.py.
import { Failure, printable } from "../failure.ts";

/** What kind of trouble it is, for the code that may do something about it. */
export type Trouble =
  | "unsent" // the request never left: no connection could be made
  | "cut-off" // it left, and no whole answer came
  | "busy"
  | "broken"
  | "garbage"
  | "denied"
  | "code" // the MFA code was refused
  | "device"
  | "stale" // credentials that are over or unknown
  | "skew"
  | "missing"
  | "kmsauth"
  | "refused";

/** A Failure that says what kind of trouble it is and whether another region may do better. */
export class CallFailure extends Failure {
  readonly trouble: Trouble;
  readonly elsewhere: boolean;
  /** Such as `AssumeRole`. */
  readonly action: string;

  constructor(fact: string, next: string, about: { trouble: Trouble; elsewhere: boolean; action: string }) {
    super(fact, next);
    this.trouble = about.trouble;
    this.elsewhere = about.elsewhere;
    this.action = about.action;
  }
}

/** What the sentences may name. Values pass `printable()`. */
export type About = {
  /** `STS`, `KMS`, `Lambda`, `IAM`. */
  readonly service: string;
  readonly action: string;
  readonly region: string;
  /** Where the credentials come from, as `the environment` or `profile work`. */
  readonly source?: string;
  readonly user?: string;
  readonly device?: string;
  readonly key?: string;
  readonly role?: string;
  readonly function?: string;
};

export type Row = {
  readonly service?: string;
  readonly action?: string;
  readonly name?: RegExp;
  readonly code?: RegExp;
  readonly status?: (status: number) => boolean;
  readonly message?: RegExp;
  readonly trouble: Trouble;
  /** True: another region may do better. */
  readonly elsewhere?: true;
  readonly fact: string;
  readonly next: string;
};

const NETWORK = "check the network, and HTTPS_PROXY if there is a proxy";
export const ADMINISTRATOR = "ask the CA's administrators";
const PORTAL = "open any web page to see whether the network wants a log-in first, or a proxy is in the way";

// biome-ignore format: a table reads best with two lines a row
const REFUSALS: readonly Row[] = [
  // No answer at all.
  { code: /^(ECONNREFUSED|ConnectionRefused|FailedToOpenSocket)$/, trouble: "unsent", elsewhere: true,
    fact: "{service} in {region} refuses the connection", next: NETWORK },
  { code: /^(ENOTFOUND|EAI_AGAIN|EAI_NODATA|ENODATA|DNSException)$/, trouble: "unsent", elsewhere: true,
    fact: "the address of {service} in {region} can't be found", next: `${NETWORK}, and the region's name` },
  { code: /^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, trouble: "unsent", elsewhere: true,
    fact: "there is no way to {service} in {region}", next: NETWORK },
  { code: /^ERR_PROXY/, trouble: "unsent",
    fact: "the proxy doesn't let {service} in {region} through", next: "check HTTPS_PROXY and its user and password" },
  { name: /^TimeoutError$/, message: /establish|connect/i, trouble: "unsent", elsewhere: true,
    fact: "{service} in {region} can't be reached in time", next: NETWORK },
  { code: /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|ALTNAME/, trouble: "unsent",
    fact: "what answers for {service} in {region} shows a certificate that isn't trusted",
    next: "if a company's proxy reads along, set AWS_CA_BUNDLE to its CA" },
  { code: /^(ECONNRESET|EPIPE|ConnectionClosed|HPE_.*)$/, trouble: "cut-off", elsewhere: true,
    fact: "the connection to {service} in {region} broke", next: "try again" },
  { name: /^(TimeoutError|AbortError)$/, trouble: "cut-off", elsewhere: true,
    fact: "{service} in {region} doesn't answer in time", next: NETWORK },

  // The second factor.
  { action: "GetSessionToken", message: /invalid MFA one time pass ?code/i, trouble: "code",
    fact: "AWS refused the MFA code: it is wrong, or was used before",
    next: "wait for the next code and try again, and if that fails too check the clock of the device that shows it" },
  { message: /invalid MFA one time pass ?code/i, trouble: "code",
    fact: "AWS refused the MFA code for {source}: it is wrong, or was used before", next: "wait for the next code and try again" },
  { message: /unable to validate MFA code|MFA serial number/i, trouble: "device",
    fact: "the MFA device {device} isn't one of this user's, or is a security key, which AWS takes only in the console",
    next: "set mfa_serial to the ARN of your authenticator app (in the AWS console under Security credentials)" },
  { message: /GetSessionToken with session credentials/i, trouble: "denied",
    fact: "the credentials of {source} are temporary, and AWS starts MFA sessions only from long-term ones",
    next: "name a profile with an access key in aws_profile, or get a session with a second factor and try again" },

  // The credentials.
  { name: /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/, trouble: "stale",
    fact: "the AWS credentials of {source} have expired", next: "renew them and try again" },
  { name: /^(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId)$/, trouble: "stale",
    fact: "AWS doesn't know the access key of {source}",
    next: "it was deleted or switched off, or belongs to another partition: check aws_profile and AWS_ACCESS_KEY_ID" },
  { message: /Signature expired|Signature not yet current|is now earlier than|is now later than/i, trouble: "skew",
    fact: "AWS refused the request because this machine's clock is wrong",
    next: "set the clock (and the time zone), then try again" },
  { name: /^(RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)$/, trouble: "skew",
    fact: "AWS refused the request because this machine's clock is wrong",
    next: "set the clock (and the time zone), then try again" },
  { name: /^(SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature)/, trouble: "refused",
    fact: "AWS couldn't verify the signature made with the keys of {source}",
    next: "the secret key isn't the one of the access key: enter both again" },

  // Rights.
  { service: "IAM", name: /^AccessDenied/, trouble: "denied",
    fact: "you may not list your MFA devices", next: "set mfa_serial in the config, or ask for iam:ListMFADevices on your own user" },
  { service: "KMS", name: /^AccessDenied/, trouble: "denied",
    fact: "you may not make a kmsauth token: {user} was denied kms:Encrypt with {key} in {region}",
    next: `get a new session with "bssh login --nocache", and if that doesn't help ${ADMINISTRATOR} about the key's policy` },
  { action: "AssumeRole", name: /^AccessDenied/, trouble: "denied",
    fact: "you ({user}) may not assume the role {role}", next: `${ADMINISTRATOR} to let you, and check role and account_id in [lambda]` },
  { service: "Lambda", name: /^AccessDenied/, trouble: "denied",
    fact: "the function {function} in {region} may not be invoked by {role}", next: `${ADMINISTRATOR} about the role's policy` },
  { action: "GetSessionToken", name: /^AccessDenied/, trouble: "denied",
    fact: "AWS denied {source} a session", next: "check that its credentials are an IAM user's" },
  { name: /^AccessDenied/, trouble: "denied",
    fact: "AWS denied {action} to {source}", next: ADMINISTRATOR },

  // Things that aren't there, or not as asked.
  { service: "KMS", name: /^NotFoundException$/, trouble: "missing", elsewhere: true,
    fact: "the kmsauth key {key} isn't in {region}", next: "correct kmsauth_key" },
  { service: "KMS", name: /^(DisabledException|KMSInvalidStateException|KeyUnavailableException|InvalidKeyUsageException)$/,
    trouble: "broken", elsewhere: true,
    fact: "the kmsauth key {key} in {region} can't be used at present", next: ADMINISTRATOR },
  { service: "Lambda", name: /^ResourceNotFoundException$/, trouble: "missing", elsewhere: true,
    fact: "there is no function {function} in {region}", next: "correct function and version in [lambda], or the region" },
  { action: "AssumeRole", message: /MaxSessionDuration|role chaining/i, trouble: "refused",
    fact: "the role {role} doesn't last as long as role_seconds asks", next: "set role_seconds to 3600 or less" },
  { action: "GetSessionToken", name: /^ValidationError$/, message: /DurationSeconds/i, trouble: "refused",
    fact: "AWS doesn't give sessions as long as session_seconds asks", next: "set session_seconds between 900 and 129600" },
  { action: "GetSessionToken", name: /^ValidationError$/, trouble: "device",
    fact: "AWS doesn't take {device} for an MFA device", next: "correct mfa_serial" },
  { name: /^RegionDisabledException$/, trouble: "refused", elsewhere: true,
    fact: "STS is switched off for this account in {region}", next: "set AWS_REGION to a region that the account uses" },

  // Trouble on their side, or in between.
  { name: /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|EC2ThrottledException|LimitExceeded/, trouble: "busy", elsewhere: true,
    fact: "{service} in {region} is too busy", next: "try again in a minute" },
  { status: (status) => status === 429, trouble: "busy", elsewhere: true,
    fact: "{service} in {region} is too busy", next: "try again in a minute" },
  { status: (status) => status >= 500, trouble: "broken", elsewhere: true,
    fact: "{service} in {region} has trouble (HTTP {status})", next: "try again later" },
  { status: (status) => status === 407, trouble: "unsent",
    fact: "the proxy wants a user and a password", next: "put them into HTTPS_PROXY" },
  { message: /parse error|Deserialization error/i, trouble: "garbage", elsewhere: true,
    fact: "what answered for {service} in {region} isn't AWS", next: PORTAL },
  { name: /^(SyntaxError|Unknown|UnknownError)$/, trouble: "garbage", elsewhere: true,
    fact: "what answered for {service} in {region} isn't AWS", next: PORTAL },
  { message: /region/i, name: /^(Error|TypeError|EndpointError)$/, trouble: "refused",
    fact: "there is no AWS region {region}", next: "correct aws_region or AWS_REGION" },
  { trouble: "refused",
    fact: "{service} in {region} refused {action}: {name}: {message}", next: "" },
];

/** What is known of an error that the SDK threw. */
export type Seen = { readonly name: string; readonly code: string; readonly status: number; readonly message: string };

/** Takes an error of the SDK apart; what is missing is "" or 0. */
export function lookAt(error: unknown): Seen {
  if (!(error instanceof Error)) return { name: "Error", code: "", status: 0, message: String(error) };
  const { code, $metadata, cause } = error as Error & { code?: unknown; $metadata?: { httpStatusCode?: unknown } };
  const inner = typeof code === "string" ? code : cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const status = $metadata?.httpStatusCode;
  return { name: error.name, code: inner, status: typeof status === "number" ? status : 0, message: error.message };
}

/** The failure that stands for an error of an AWS call. A Failure is given back as it is. */
export function refusal(error: unknown, about: About): Failure {
  if (error instanceof Failure) return error;
  const seen = lookAt(error);
  const row = REFUSALS.find((each) => fits(each, seen, about)) ?? REFUSALS.at(-1);
  return speak(row, { ...about, status: String(seen.status), name: seen.name, message: seen.message }, about.action);
}

/** The failure for an answer of AWS's in which the CA's own can't be read; nothing of it is quoted. */
export function nonsense(about: About): CallFailure {
  return new CallFailure(`the CA in ${about.region} gives an answer that is none`, ADMINISTRATOR, {
    trouble: "garbage",
    elsewhere: true,
    action: about.action,
  });
}

/** The failure for an answer that isn't AWS's; nothing of it is quoted. */
export function garbage(about: About): CallFailure {
  return new CallFailure(`what answered for ${about.service} in ${about.region} isn't AWS`, PORTAL, {
    trouble: "garbage",
    elsewhere: true,
    action: about.action,
  });
}

function fits(row: Row, seen: Seen, about: About): boolean {
  return (
    (row.service === undefined || row.service === about.service) &&
    (row.action === undefined || row.action === about.action) &&
    (row.name?.test(seen.name) ?? true) &&
    (row.code?.test(seen.code) ?? true) &&
    (row.status?.(seen.status) ?? true) &&
    (row.message?.test(seen.message) ?? true)
  );
}

/** The failure that a row of a table stands for, its braces filled. */
export function speak(
  row: Pick<Row, "fact" | "next" | "trouble" | "elsewhere"> | undefined,
  values: Readonly<Record<string, string | undefined>>,
  action: string,
): CallFailure {
  const { fact, next, trouble, elsewhere } = row ?? { fact: "AWS refused the request", next: "", trouble: "refused" };
  return new CallFailure(fill(fact, values), fill(next, values), { trouble, elsewhere: elsewhere === true, action });
}

/** Fills the braces; what isn't known becomes a plain word. */
function fill(sentence: string, values: Readonly<Record<string, string | undefined>>): string {
  const unknown: Readonly<Record<string, string>> = {
    source: "this profile",
    device: "given",
    user: "this user",
    role: "this session",
  };
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => printable(values[name] || unknown[name] || "?", 200));
}
