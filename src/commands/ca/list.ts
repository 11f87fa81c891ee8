// revocations.json and the KRL that is made of it, as the commands of the CA read and write them.
import { formatRevocations, krlOf, MAX_LIST, type RevocationList } from "../../ca/revocation-list.ts";
import { parseRevocations, type Revocations } from "../../ca/revocations.ts";
import { Failure, printable } from "../../failure.ts";
import { MAGIC, MAX_KRL } from "../../wire/krl.ts";
import { encodeKrl } from "../../wire/krl-maker.ts";
import { readBounded } from "./files.ts";
import { fileAt, isSameFile, replaceWhole } from "./replace.ts";

/** The list in a file, all of it checked; null when there is none. Throws Failure. */
export function readRevocations(path: string): Revocations | null {
  const bytes = readBounded(path, MAX_LIST);
  if (bytes === null) return null;
  try {
    const revocations = parseRevocations(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    revocations.list; // throws for what is wrong anywhere
    return revocations;
  } catch (error) {
    const why = error instanceof TypeError ? "it is not UTF-8" : printable((error as Error).message);
    throw new Failure(`${printable(path)}: ${why}`, "nothing was changed: correct it by hand");
  }
}

/** Writes the list; a sentence for the person, or null. Throws Failure, and what was there is there. */
export function writeRevocations(path: string, list: RevocationList): string | null {
  const bytes = new TextEncoder().encode(formatRevocations(list));
  if (bytes.length > MAX_LIST) {
    throw new Failure(
      `${printable(path)} would be larger than ${MAX_LIST >> 20} MiB`,
      "nothing was changed: shorten its reasons, or name keys by their fingerprints",
    );
  }
  return replaceWhole(path, bytes, { mode: 0o600 });
}

/** Writes the KRL, which every sshd reads and nobody keeps secret; as writeRevocations. */
export function writeKrl(path: string, list: RevocationList): string | null {
  return replaceWhole(path, encodeKrl(krlOf(list)), { mode: 0o644, how: "shared" });
}

/** Throws Failure when a KRL must not be written there: over the list, or over anything but a KRL. */
export function checkKrlPlace(path: string, list: string): void {
  if (isSameFile(path, list)) {
    throw new Failure(`--krl ${printable(path)} is the list itself`, "name another file with --krl");
  }
  if (fileAt(path) === null) return;
  const head = readBounded(path, MAX_KRL)?.subarray(0, MAGIC.length) ?? new Uint8Array(0);
  // What is empty is what sshd is given before there is anything to revoke.
  if (head.length === 0 || (head.length === MAGIC.length && head.every((byte, at) => byte === MAGIC[at]))) return;
  throw new Failure(`${printable(path)} is there and no KRL`, "name another file with --krl");
}
