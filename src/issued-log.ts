// The log of the certificates that this machine got, one JSON object a line: serial, key ID and the number of the invocation are
// those of the CA's log and of sshd's. It holds no secret, and nothing depends on it.
import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { printable } from "./failure.ts";
import { prepareFolder, writePrivate } from "./issue/private-files.ts";
import { readText, type System } from "./system/system.ts";
import { type Certificate, FOREVER } from "./wire/certificate.ts";
import { sha256Fingerprint } from "./wire/signature.ts";

export type IssuedFrom = {
  /** Number of the Lambda invocation; null when there was none. */
  readonly requestId: string | null;
  /** AWS region and function of the CA that signed; null for a certificate that was taken into use by hand. */
  readonly region: string | null;
  readonly function: string | null;
};

/** Above this it is cut to its newest lines. */
const MOST_BYTES = 256 * 1024;
const KEPT_LINES = 500;
/** Leaves room before the next cut, however long the lines are. */
const KEPT_BYTES = MOST_BYTES / 2;

const MOST_PRINCIPALS = 32;

/** The log's file, in the private state. */
export function issuedLog(state: string): string {
  return `${state}/issued.jsonl`;
}

/**
 * When a certificate was issued, by AWS's clock, in milliseconds since the epoch. AWS tells the time in whole seconds, and the
 * network takes some: a small difference is no better than this machine's clock.
 */
export function issuedAt(now: number, skewMs: number): number {
  return Math.abs(skewMs) < LEAST_SKEW_MS ? now : now + skewMs;
}

const LEAST_SKEW_MS = 2000;

/** Adds a line for a certificate; `now` as issuedAt() gives it. Never throws: a login goes on without. */
export function logIssued(
  system: Pick<System, "read">,
  state: string,
  certificate: Certificate,
  from: IssuedFrom,
  now: number,
): void {
  const line = `${JSON.stringify(recordOf(certificate, from, now))}\n`;
  try {
    if (prepareFolder(state, "readable") !== null) return;
    if (append(issuedLog(state), line) > MOST_BYTES) shorten(system, state);
  } catch {
    // A disk that is full, a file that is another's.
  }
}

function recordOf(certificate: Certificate, { requestId, region, function: name }: IssuedFrom, now: number) {
  const { serial, keyId, principals, publicKey, validBefore } = certificate;
  const isEndless = validBefore === FOREVER || validBefore > 8_640_000_000_000n;
  return {
    time: new Date(now).toISOString(),
    serial: serial.toString(),
    keyId: printable(keyId, 1000),
    requestId,
    publicKey: sha256Fingerprint(publicKey),
    region,
    function: name,
    validBefore: isEndless ? null : new Date(Number(validBefore) * 1000).toISOString(),
    principals: principals.slice(0, MOST_PRINCIPALS).map((principal) => printable(principal, 100)),
  };
}

/** Gives the file's new size in bytes. */
function append(path: string, line: string): number {
  const flags =
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = openSync(path, flags, 0o600);
  try {
    const found = fstatSync(file);
    if (!found.isFile() || found.uid !== process.getuid?.()) return 0;
    if ((found.mode & 0o077) !== 0) fchmodSync(file, 0o600);
    // One write: lines of processes that log at once don't mix.
    return found.size + writeSync(file, line);
  } finally {
    closeSync(file);
  }
}

function shorten(system: Pick<System, "read">, state: string): void {
  const path = issuedLog(state);
  const lines = (readText(system, path) ?? "").split("\n").filter((line) => line !== "");
  let bytes = 0;
  const kept = lines.slice(-KEPT_LINES).findLastIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > KEPT_BYTES;
  });
  const newest = lines.slice(-KEPT_LINES).slice(kept + 1);
  writePrivate(state, basename(path), newest.map((line) => `${line}\n`).join(""));
}
