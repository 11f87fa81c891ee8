/** A request as it comes, for the log of a CA that is told to keep them (log_requests). */
import type { Invocation } from "./certificate.ts";

/** Fields that hold no proof. All others are named, and no more. */
const OPEN: readonly string[] = [
  "bastion_ips",
  "bastion_user",
  "bastion_user_ip",
  "command",
  "hostnames",
  "public_key_to_sign",
  "remote_usernames",
];
const MAX_VALUE = 512;
const MAX_FIELDS = 20;

/** `now` is milliseconds since the epoch. */
export function requestRecord(
  kind: "user" | "host",
  event: unknown,
  { requestId, functionArn }: Invocation,
  now: number,
): Record<string, unknown> {
  const fields = typeof event === "object" && event !== null ? Object.entries(event).slice(0, MAX_FIELDS) : [];
  const isOpen = ([name, value]: readonly [string, unknown]) => OPEN.includes(name) && typeof value === "string";
  return {
    time: new Date(now).toISOString(),
    event: "request",
    kind,
    requestId,
    functionArn,
    fields: Object.fromEntries(fields.filter(isOpen).map(([name, value]) => [name, `${value}`.slice(0, MAX_VALUE)])),
    others: fields.filter((field) => !isOpen(field)).map(([name]) => name.slice(0, 64)),
  };
}
