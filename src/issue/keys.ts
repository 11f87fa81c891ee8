import { asRecord, asText, type Kind } from "./cache.ts";

/** AWS credentials. `ends` is when they do, in milliseconds since the epoch; null for long-term ones or when unknown. */
export type Keys = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Null for long-term credentials. */
  readonly sessionToken: string | null;
  readonly ends: number | null;
};

/** The MFA session; a minute before its end it counts as gone. */
export const SESSION: Kind<Keys> = { name: "session", marginMs: 60_000, parse: parseTemporaryKeys };

/** The role in the CA's account; a minute before its end it counts as gone. */
export const ROLE: Kind<Keys> = { name: "role", marginMs: 60_000, parse: parseTemporaryKeys };

/** Credentials that a profile gave for an MFA code. */
export const PROFILE_ROLE: Kind<Keys> = { name: "profile", marginMs: 60_000, parse: parseTemporaryKeys };

/** Temporary credentials as they are kept; null when they aren't any. */
export function parseTemporaryKeys(value: unknown): Keys | null {
  const record = asRecord(value);
  const accessKeyId = asText(record?.["accessKeyId"], 128);
  const secretAccessKey = asText(record?.["secretAccessKey"], 256);
  const sessionToken = asText(record?.["sessionToken"]);
  const ends = record?.["ends"];
  if (accessKeyId === null || secretAccessKey === null || sessionToken === null) return null;
  return typeof ends === "number" && Number.isFinite(ends)
    ? { accessKeyId, secretAccessKey, sessionToken, ends }
    : null;
}

/**
 * Temporary credentials as STS, the AWS CLI's cache and python-blessclient's session file write them (`AccessKeyId`,
 * `SecretAccessKey`, `SessionToken`, `Expiration` as text or date, also inside `Credentials`); null when a field is missing.
 */
export function readStsKeys(value: unknown): Keys | null {
  const outer = asRecord(value);
  const record = asRecord(outer?.["Credentials"]) ?? outer;
  const until = record?.["Expiration"];
  const ends = until instanceof Date ? until.getTime() : typeof until === "string" ? parseTime(until) : Number.NaN;
  return parseTemporaryKeys({
    accessKeyId: record?.["AccessKeyId"],
    secretAccessKey: record?.["SecretAccessKey"],
    sessionToken: record?.["SessionToken"],
    ends,
  });
}

/** RFC 3339, or the compact form `20261122T015120Z` that python-blessclient uses; NaN for others. */
function parseTime(text: string): number {
  const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (compact === null) return Date.parse(text);
  const [, year, month, day, hour, minute, second] = compact;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
