/** The CA's log: one record for each decision, whatever it is, to be written as one line of JSON. It never holds a token or a key. */
import type { CertificateOrder } from "../wire/certificate-maker.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import type { Invocation } from "./certificate.ts";

/**
 * A record as the line of a log, without its newline: JSON in which no character moves a terminal's cursor, breaks a line or turns the
 * reading direction, whoever chose it.
 */
export function auditLine(record: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(record).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** How the asker proved who they are. */
export type Proof = "kmsauth" | "kmsauth-bound" | "caller-identity" | "by-hand" | "none";

/** What was asked for, as far as it could be read. */
export type Asked = {
  readonly kind: "user" | "host";
  /** Who asked: the `bastion_user`, or the ARN of the host's role session; "" when that is not known. */
  readonly user: string;
  readonly proof: Proof;
  readonly userAddress?: string;
  readonly sourceAddress?: string;
  readonly command?: string;
  readonly principals?: readonly string[];
  /** Blob of the key to be certified; null when none could be read. */
  readonly publicKey?: Uint8Array | null;
};

export type Granted = {
  readonly order: CertificateOrder /** `SHA256:…` of the CA's public key. */;
  readonly ca: string;
};

export type Refused = { readonly errorType: string; readonly errorMessage: string; readonly cause: string };

/** The longest that one value may be; sshd's own lines and CloudWatch's are cut elsewhere, and not at a place of ours. */
const MAX_VALUE = 2048;
/** As many as a certificate can hold: what is granted is logged whole. */
const MAX_NAMES = 256;

/**
 * The record of one decision. `now` is milliseconds since the epoch; times in it are RFC 3339 in UTC, fingerprints `SHA256:…`,
 * the serial decimal text. The serial and the request id are in the certificate too, and in sshd's log of every login with it.
 */
export function auditRecord(
  asked: Asked,
  outcome: Granted | Refused,
  { requestId, functionArn }: Invocation,
  now: number,
): Record<string, unknown> {
  const granted = "order" in outcome ? outcome : null;
  const names = granted?.order.principals ?? asked.principals;
  return {
    time: new Date(now).toISOString(),
    event: "decision",
    decision: granted === null ? "refused" : "granted",
    kind: asked.kind,
    requestId: short(requestId),
    functionArn: short(functionArn),
    user: short(asked.user),
    proof: asked.proof,
    ...given("userAddress", asked.userAddress),
    ...given("sourceAddress", asked.sourceAddress),
    ...given("command", asked.command),
    ...(names === undefined ? {} : { principals: names.slice(0, MAX_NAMES).map(short) }),
    ...(asked.publicKey ? { publicKey: sha256Fingerprint(asked.publicKey) } : {}),
    ...("order" in outcome ? describe(outcome) : outcome),
  };
}

function describe({ order, ca }: Granted): Record<string, string> {
  const { serial, keyId, validAfter, validBefore } = order;
  return {
    serial: `${serial}`,
    keyId,
    validAfter: timeOf(validAfter),
    validBefore: timeOf(validBefore),
    ca,
  };
}

function timeOf(seconds: bigint): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}

function given(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: short(value) };
}

/** JSON escapes line breaks and quotes; what remains is the length. */
function short(value: string): string {
  return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE - 1)}…` : value;
}
