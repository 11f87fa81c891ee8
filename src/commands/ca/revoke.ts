import { entryFault, keyValue, type Revocation } from "../../ca/revocation-entry.ts";
import { addRevocations, pruneRevocations, type RevocationList } from "../../ca/revocation-list.ts";
import { Failure, printable } from "../../failure.ts";
import { sha256Fingerprint } from "../../wire/signature.ts";
import type { CommandCall } from "../call.ts";
import { usage } from "../words.ts";
import { readPublicKey } from "./files.ts";
import { checkKrlPlace, readRevocations, writeKrl, writeRevocations } from "./list.ts";
import { lockFolder } from "./lock.ts";
import { fileFolder, placeAt } from "./replace.ts";
import { type Wanted, wantedIn } from "./revoke-words.ts";
import { parseLists } from "./words.ts";

export const help = `
Adds to the list of what is revoked, and makes from it the list that sshd reads (a KRL). sshd looks at it at every login, so it
counts from the moment that it is there. Run again, it adds nothing twice; with nothing to revoke it makes the KRL anew. An entry
from --certificate or --log holds the certificate's end, and is taken out of the list a day after it; nothing else ever is.

What is revoked, each as often as need be:
  --serial N              the certificate with this serial number
  --certificate FILE      this certificate: by its serial number, or by its key ID when it has none (BLESS's)
  --key FILE.pub|SHA256:… a key, and every certificate for it; a CA's key, and every certificate that it signed. The list with
                          a fingerprint in it is for sshd from OpenSSH 7.9 on
  --key-id TEXT           certificates with exactly this key ID
  --person NAME           a person, or a host by the name of its role session: the CA certifies nothing for them any more
                          (capital letters make no other name; of an ARN it is the last part)
  --log FILE              log of the CA: the certificates of each --person that are still good are revoked too. Theirs are those
                          that they asked for, by name or as a role session of that name, and those that let in as them
Files:
  --file LIST             the list, revocations.json; made when it is not there
  --krl FILE              list for sshd (LIST with .krl instead of .json)
  --ca-key FILE.pub       serial numbers and key IDs of this run hold only for this CA; may be repeated (every CA). What was
                          revoked before holds for what it was revoked for
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

/** `bssh ca revoke`: adds to the list and makes the KRL; 0, or Failure and nothing lost. */
export async function revoke(call: CommandCall): Promise<number> {
  const { values, list, rest } = parseLists("ca revoke", call.words, OPTIONS);
  if (rest.length > 0) throw usage("ca revoke", "bssh ca revoke takes no words beside its options");
  const file = values.get("file");
  if (file === undefined) throw usage("ca revoke", "bssh ca revoke wants --file, the list of what is revoked");
  const krl = values.get("krl") ?? `${file.replace(/\.json$/, "")}.krl`;
  const caKeys = list("ca-key").map((path) => readPublicKey(call, path).blob);
  const now = Date.now();
  const wanted = wantedIn(call, list, caKeys, now);
  const entries = wanted.map((one) => entryOf(one, caKeys, values.get("reason") ?? "", now));

  placeAt(file);
  const unlock = await lockFolder(fileFolder(file));
  try {
    checkKrlPlace(krl, file);
    const before = readOrNew(call, file, entries.length > 0);
    const pruned = pruneRevocations(before, now);
    const lines = entries.some(({ ca }) => ca !== undefined) ? caKeys.map(keyValue) : [];
    const { after, isNew } = added(pruned, entries, lines);
    const notes: (string | null)[] = [];
    // The list first: what it has the next run puts into the KRL, whatever becomes of this one.
    if (after !== before) notes.push(writeRevocations(file, after));
    for (const [index, { what }] of wanted.entries())
      call.out(isNew[index] ? `${what} is revoked` : `${what} was revoked already`);
    const gone = before.list.length - pruned.list.length;
    if (gone > 0) call.out(`taken out of the list: ${gone} that ended by themselves more than a day ago`);
    // It is looked at again: the list may be new.
    checkKrlPlace(krl, file);
    notes.push(writeKrl(krl, after));
    for (const note of notes) if (note !== null) call.out(note);
  } finally {
    unlock();
  }
  call.out(
    `next: copy ${printable(krl)} to the file of RevokedKeys on every server, and put ${printable(file)} into the function with bssh ca build`,
  );
  return 0;
}

function entryOf(
  { kind, value, until }: Wanted,
  caKeys: readonly Uint8Array[],
  reason: string,
  now: number,
): Revocation {
  const isCertificate = kind === "serial" || kind === "key-id";
  const entry: Revocation = {
    kind,
    value,
    at: new Date(now).toISOString(),
    reason,
    ...(until === null ? {} : { until }),
    ...(isCertificate && caKeys.length > 0 ? { ca: caKeys.map(sha256Fingerprint) } : {}),
  };
  const fault = entryFault(entry);
  if (fault === null) return entry;
  throw new Failure(`--${kind} ${printable(value, 60)}: what is to be revoked ${fault}`, "nothing was changed");
}

function added(list: RevocationList, entries: readonly Revocation[], caKeys: readonly string[]) {
  try {
    return addRevocations(list, entries, caKeys);
  } catch (error) {
    throw new Failure(printable((error as Error).message), "nothing was changed");
  }
}

function readOrNew(call: CommandCall, path: string, mayBeNew: boolean): RevocationList {
  const found = readRevocations(path);
  if (found !== null) return { list: found.list, caKeys: found.caKeys };
  if (!mayBeNew) throw usage("ca revoke", `there is no ${printable(path)}, and nothing to revoke is given`);
  call.out(`${printable(path)} is a new list`);
  return { list: [], caKeys: [] };
}
