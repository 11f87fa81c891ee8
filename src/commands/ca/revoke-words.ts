// What `bssh ca revoke` is told to revoke.

import { keyValue, type Revocation } from "../../ca/revocation-entry.ts";
import { Failure, printable } from "../../failure.ts";
import { equalBytes } from "../../wire/bytes.ts";
import { sha256Fingerprint, verifyCertificate } from "../../wire/signature.ts";
import type { CommandCall } from "../call.ts";
import { usage } from "../words.ts";
import { readCertificate, readPublicKey } from "./files.ts";
import { issuedTo, sessionOf } from "./issued.ts";

/** A thing to be revoked, and a word on it for the person. */
export type Wanted = Pick<Revocation, "kind" | "value"> & {
  readonly what: string;
  /** When it ends by itself, RFC 3339 in UTC; null when that is not known. */
  readonly until: string | null;
};

/** All that is to be revoked; `now` is milliseconds since the epoch. Throws Failure. */
export function wantedIn(
  call: CommandCall,
  list: (name: string) => readonly string[],
  caKeys: readonly Uint8Array[],
  now: number,
): readonly Wanted[] {
  const plain = (kind: "serial" | "key-id", what: string) => (value: string) => ({
    kind,
    value,
    what: `${what} ${printable(value)}`,
    until: null,
  });
  return [
    ...list("serial").map(plain("serial", "serial")),
    ...list("certificate").map((path) => certificateWanted(call, path, caKeys)),
    ...list("key").map((word) => keyWanted(call, word)),
    ...list("key-id").map(plain("key-id", "key ID")),
    ...personsWanted(call, list("person"), list("log"), caKeys, now),
  ];
}

function certificateWanted(call: CommandCall, path: string, caKeys: readonly Uint8Array[]): Wanted {
  const certificate = readCertificate(call, path);
  const { serial, keyId, signatureKey } = certificate;
  if (caKeys.length > 0 && !caKeys.some((key) => equalBytes(key, signatureKey))) {
    throw new Failure(`${printable(path)} is signed by none of the keys of --ca-key`, "name the key of its CA as well");
  }
  // What nobody signed may say any end.
  const until = verifyCertificate(certificate) ? timeOf(certificate.validBefore) : null;
  return serial > 0n
    ? { kind: "serial", value: `${serial}`, what: `serial ${serial} of ${printable(path)}`, until }
    : { kind: "key-id", value: keyId, what: `key ID ${printable(keyId)} of ${printable(path)}`, until };
}

/** Seconds since the epoch as RFC 3339; null when they are further than it reaches, as those of what never ends. */
function timeOf(seconds: bigint): string | null {
  return seconds > 253_402_300_799n ? null : new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}

function keyWanted(call: CommandCall, word: string): Wanted {
  if (word.startsWith("SHA256:"))
    return { kind: "key", value: word.replace(/=$/, ""), what: `key ${printable(word, 60)}`, until: null };
  return { kind: "key", value: keyValue(readPublicKey(call, word).blob), what: `key ${printable(word)}`, until: null };
}

/** People, and with the CA's log their certificates that are still good. */
function personsWanted(
  call: CommandCall,
  words: readonly string[],
  logs: readonly string[],
  caKeys: readonly Uint8Array[],
  now: number,
): Wanted[] {
  if (words.length === 0 && logs.length > 0)
    throw usage("ca revoke", "--log is looked at for a --person, and none is given");
  if (words.length === 0) return [];
  const names = words.map((word) => personIn(call, word));
  const persons = names.map((value) => ({
    kind: "person" as const,
    value,
    what: printable(value, 60),
    until: null,
  }));
  if (logs.length === 0) {
    call.out(
      "only new certificates are refused to a person: name the CA's log with --log to revoke those that are still good",
    );
    return persons;
  }
  const cas = caKeys.map(sha256Fingerprint);
  const issued = logs.flatMap((log) => issuedTo(names, log, now));
  const foreign = issued.find(({ ca }) => cas.length > 0 && ca !== null && !cas.includes(ca));
  if (foreign !== undefined) {
    throw new Failure(
      `${foreign.what} is signed by the CA ${printable(foreign.ca ?? "", 60)}, which is none of --ca-key`,
      "nothing was changed: name its key as well",
    );
  }
  if (issued.length === 0) call.out("the log has no certificate of theirs that is still good");
  return [...persons, ...issued];
}

/** The name that the CA knows somebody by. */
function personIn(call: CommandCall, word: string): string {
  if (word.includes("*")) {
    throw usage("ca revoke", `--person ${printable(word, 60)} would be nobody: people are revoked one by one`);
  }
  if (!word.startsWith("arn:")) return word;
  const name = sessionOf(word);
  if (name === null) {
    throw new Failure(
      `--person ${printable(word)} is neither a user nor a session of a role`,
      "name whom the CA knows: an IAM user's name, or a role session's",
    );
  }
  call.out(`${printable(word)} is known to the CA as ${printable(name, 60)}`);
  return name;
}
