import { printable } from "../failure.ts";
import { type LogRecord, linesOf, recordIn, textField } from "./ca-logs.ts";

/** A certificate to revoke, as the CA's log knows it. */
export type Issued = { readonly kind: "serial" | "key-id"; readonly value: string; readonly what: string };

/**
 * The certificates in a log of the CA that were issued to one of these people and are still good at `now` (milliseconds since
 * the epoch); one whose end cannot be read counts as good. Throws Failure when the log cannot be read.
 */
export function issuedTo(names: readonly string[], log: string, now: number): Issued[] {
  const wanted = new Set(names.map(folded));
  const found = new Map<string, Issued>();
  for (const line of linesOf(log)) {
    const record = recordIn(line);
    if (record === null || textField(record, "decision") !== "granted") continue;
    const user = textField(record, "user");
    if (user === null || !wanted.has(folded(user)) || hasEnded(record, now)) continue;
    const issued = describe(record, user);
    if (issued !== null) found.set(`${issued.kind} ${issued.value}`, issued);
  }
  return [...found.values()];
}

function hasEnded(record: LogRecord, now: number): boolean {
  const end = Date.parse(textField(record, "validBefore") ?? "");
  return end <= now;
}

function describe(record: LogRecord, user: string): Issued | null {
  const serial = textField(record, "serial") ?? "";
  const whose = `of ${printable(user, 60)}, good until ${printable(textField(record, "validBefore") ?? "?", 40)}`;
  if (/^[1-9]\d{0,19}$/.test(serial)) return { kind: "serial", value: serial, what: `serial ${serial} ${whose}` };
  const keyId = textField(record, "keyId") ?? "";
  return keyId === "" ? null : { kind: "key-id", value: keyId, what: `key ID ${printable(keyId)} ${whose}` };
}

function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
