import {
  addRevocations,
  formatRevocations,
  keyValue,
  krlOf,
  parseRevocations,
  type Revocation,
  type Revocations,
} from "../ca/revocations.ts";
import { pathsOf } from "../config/paths.ts";
import { Failure, printable } from "../failure.ts";
import { type Lock, openLock } from "../issue/lock.ts";
import { prepareFolder } from "../issue/private-files.ts";
import { equalBytes } from "../wire/bytes.ts";
import { encodeKrl } from "../wire/krl-maker.ts";
import { readCertificate, readPublicKey, replaceWhole } from "./ca-files.ts";
import { issuedTo } from "./ca-issued.ts";
import { parseLists } from "./ca-words.ts";
import type { CommandCall } from "./call.ts";
import { usage } from "./words.ts";

export const help = `
Adds to the list of what is revoked, and makes from it the list that sshd reads (a KRL). sshd looks at it at every login, so it
counts from the moment that it is there. Run again, it adds nothing twice; with nothing to revoke it makes the KRL anew.

What is revoked, each as often as need be:
  --serial N              the certificate with this serial number
  --certificate FILE      this certificate: by its serial number, or by its key ID when it has none (BLESS's)
  --key FILE.pub|SHA256:… a key, and every certificate for it; a CA's key, and every certificate that it signed. The list with
                          a fingerprint in it is for sshd from OpenSSH 7.9 on
  --key-id TEXT           certificates with exactly this key ID
  --person NAME           a person: the CA certifies nothing for them any more (capital letters make no other name)
  --log FILE              log of the CA: the certificates of each --person that are still good are revoked too
Files:
  --file LIST             the list, revocations.json; made when it is not there
  --krl FILE              list for sshd (LIST with .krl instead of .json)
  --ca-key FILE.pub       serial numbers and key IDs hold only for this CA; may be repeated (every CA)
  --reason TEXT           why, for whoever reads the list

Example:
  $ bssh ca revoke --file revocations.json --person mallory --log ca-log.jsonl --reason 'left on Friday'
`;

export const OPTIONS = {
  serial: "list",
  certificate: "list",
  key: "list",
  "key-id": "list",
  person: "list",
  log: "list",
  file: "value",
  krl: "value",
  "ca-key": "list",
  reason: "value",
} as const;

/** What is to be revoked, and a word on it for the person. */
type Wanted = Pick<Revocation, "kind" | "value"> & { readonly what: string };

/** `bssh ca revoke`: adds to the list and makes the KRL; 0, or Failure and nothing lost. */
export async function revoke(call: CommandCall): Promise<number> {
  const { values, list, rest } = parseLists("ca revoke", call.words, OPTIONS);
  if (rest.length > 0) throw usage("ca revoke", "bssh ca revoke takes no words beside its options");
  const file = values.get("file");
  if (file === undefined) throw usage("ca revoke", "bssh ca revoke wants --file, the list of what is revoked");
  const krl = values.get("krl") ?? `${file.replace(/\.json$/, "")}.krl`;
  const caKeys = list("ca-key").map((path) => readPublicKey(call, path).blob);
  const now = new Date();
  const wanted = [
    ...list("serial").map((value) => ({ kind: "serial" as const, value, what: `serial ${printable(value, 60)}` })),
    ...list("certificate").map((path) => certificateWanted(call, path, caKeys)),
    ...list("key").map((word) => keyWanted(call, word)),
    ...list("key-id").map((value) => ({ kind: "key-id" as const, value, what: `key ID ${printable(value)}` })),
    ...personsWanted(call, list("person"), list("log"), now),
  ];
  const reason = values.get("reason") ?? "";
  const at = now.toISOString();

  const lock = openListLock(call);
  try {
    const before = readList(call, file, wanted.length > 0);
    let revocations = before.list;
    const done: string[] = [];
    for (const { kind, value, what } of wanted) {
      const after = added(revocations, { kind, value, at, reason });
      done.push(after.length === revocations.length ? `${what} was revoked already` : `${what} is revoked`);
      revocations = after;
    }
    const bytes = encodeKrl(krlOf({ list: revocations }, caKeys));
    // The list first: what it has the next run puts into the KRL, whatever becomes of this one.
    if (revocations !== before.list)
      replaceWhole(file, new TextEncoder().encode(formatRevocations(revocations)), 0o600);
    for (const line of done) call.out(line);
    replaceWhole(krl, bytes, 0o644);
  } finally {
    lock?.close();
  }
  call.out(
    `next: copy ${printable(krl)} to the file of RevokedKeys on every server, and put ${printable(file)} into the function with bssh ca build`,
  );
  return 0;
}

function certificateWanted(call: CommandCall, path: string, caKeys: readonly Uint8Array[]): Wanted {
  const { serial, keyId, signatureKey } = readCertificate(call, path);
  if (caKeys.length > 0 && !caKeys.some((key) => equalBytes(key, signatureKey))) {
    throw new Failure(`${printable(path)} is signed by none of the keys of --ca-key`, "name the key of its CA as well");
  }
  if (serial > 0n) return { kind: "serial", value: `${serial}`, what: `serial ${serial} of ${printable(path)}` };
  return { kind: "key-id", value: keyId, what: `key ID ${printable(keyId)} of ${printable(path)}` };
}

function keyWanted(call: CommandCall, word: string): Wanted {
  if (word.startsWith("SHA256:"))
    return { kind: "key", value: word.replace(/=$/, ""), what: `key ${printable(word, 60)}` };
  return { kind: "key", value: keyValue(readPublicKey(call, word).blob), what: `key ${printable(word)}` };
}

/** People, and with the CA's log their certificates that are still good. */
function personsWanted(call: CommandCall, names: readonly string[], logs: readonly string[], now: Date): Wanted[] {
  if (names.length === 0 && logs.length > 0)
    throw usage("ca revoke", "--log is looked at for a --person, and none is given");
  const persons = names.map((value) => ({ kind: "person" as const, value, what: printable(value, 60) }));
  if (names.length > 0 && logs.length === 0) {
    call.out(
      "only new certificates are refused to a person: name the CA's log with --log to revoke those that are still good",
    );
  }
  const issued = names.length === 0 ? [] : logs.flatMap((log) => issuedTo(names, log, now.getTime()));
  if (names.length > 0 && logs.length > 0 && issued.length === 0) {
    call.out("the log has no certificate of theirs that is still good");
  }
  return [...persons, ...issued];
}

function added(list: readonly Revocation[], entry: Revocation): readonly Revocation[] {
  try {
    const after = addRevocations(list, [entry]);
    return after.length === list.length ? list : after;
  } catch (error) {
    const why = (error as Error).message.replace(/^revocation \d+ /, "");
    throw new Failure(
      `--${entry.kind} ${printable(entry.value, 60)}: what is to be revoked ${why}`,
      "nothing was changed",
    );
  }
}

function readList(call: CommandCall, path: string, mayBeNew: boolean): Revocations {
  const text = call.readText(path);
  if (text === null) {
    if (!mayBeNew) throw usage("ca revoke", `there is no ${printable(path)}, and nothing to revoke is given`);
    call.out(`${printable(path)} is a new list`);
    return parseRevocations(formatRevocations([]));
  }
  try {
    return parseRevocations(text);
  } catch (error) {
    throw new Failure(
      `${printable(path)}: ${printable((error as Error).message)}`,
      "nothing was changed: correct it by hand",
    );
  }
}

/** Two who revoke at once on this machine do so one after the other. Null where nothing can be locked. */
function openListLock(call: CommandCall): Lock | null {
  const { state } = pathsOf(call.environment);
  if (prepareFolder(state, "private") !== null) return null;
  const lock = openLock(`${state}/ca-revoke.lock`);
  if (!("take" in lock)) return null;
  while (!lock.take()) lock.waitFree();
  return lock;
}
