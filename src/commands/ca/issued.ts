import { folded } from "../../ca/revocation-entry.ts";
import { printable } from "../../failure.ts";
import { type LogRecord, linesOf, recordIn, textField } from "./logs.ts";

/** A certificate to revoke, as the CA's log knows it. */
export type Issued = {
  readonly kind: "serial" | "key-id";
  readonly value: string;
  readonly what: string;
  /** When it ends, RFC 3339 in UTC; null when the log does not tell. */
  readonly until: string | null;
  /** `SHA256:…` of the key that signed it; null when the log does not tell. */
  readonly ca: string | null;
};

/**
 * The certificates in a log of the CA that were issued to one of these people, or let in as them, and are still good at `now`
 * (milliseconds since the epoch); one whose end cannot be read counts as good. Throws Failure when the log cannot be read.
 */
export function issuedTo(names: readonly string[], log: string, now: number): Issued[] {
  const wanted = new Set(names.map(folded));
  const found = new Map<string, Issued>();
  for (const line of linesOf(log)) {
    const record = recordIn(line);
    if (record === null || textField(record, "decision") !== "granted") continue;
    if (!namesIn(record).some((name) => wanted.has(folded(name)))) continue;
    const end = Date.parse(textField(record, "validBefore") ?? "");
    const issued = end <= now ? null : describe(record, end);
    if (issued !== null) found.set(`${issued.kind} ${issued.value}`, issued);
  }
  return [...found.values()];
}

/** The name of an IAM user or of a role session, by its ARN; null when it is another's. */
export function sessionOf(arn: string): string | null {
  return /^arn:[^:]*:(?:iam::\d*:user|sts::\d*:assumed-role\/[^/]+)\/(?:.*\/)?([^/]+)$/s.exec(arn)?.[1] ?? null;
}

/** Everybody whom the CA would have refused it to: who asked, and as whom they asked to be let in. */
function namesIn(record: LogRecord): string[] {
  const user = textField(record, "user");
  const { principals } = record;
  const names = Array.isArray(principals) ? principals.filter((name) => typeof name === "string") : [];
  const session = user === null ? null : sessionOf(user);
  return [...(user === null ? [] : [user]), ...(session === null ? [] : [session]), ...names];
}

function describe(record: LogRecord, end: number): Issued | null {
  const serial = textField(record, "serial") ?? "";
  const user = printable(textField(record, "user") ?? "?", 60);
  const whose = `of ${user}, good until ${printable(textField(record, "validBefore") ?? "?", 40)}`;
  const until = Number.isNaN(end) || end > LAST_TIME ? null : new Date(end).toISOString().replace(".000Z", "Z");
  const ca = textField(record, "ca");
  if (/^[1-9]\d{0,19}$/.test(serial))
    return { kind: "serial", value: serial, what: `serial ${serial} ${whose}`, until, ca };
  const keyId = textField(record, "keyId") ?? "";
  return keyId === "" ? null : { kind: "key-id", value: keyId, what: `key ID ${printable(keyId)} ${whose}`, until, ca };
}

/** The end of the year 9999, in milliseconds: the last that has four digits. */
const LAST_TIME = 253_402_300_799_000;
