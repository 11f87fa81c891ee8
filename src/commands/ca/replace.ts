// Files that are replaced so that nothing is ever lost, and nothing else is ever replaced.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Failure, printable } from "../../failure.ts";
import { describeTrouble } from "./files.ts";

/** The regular file at a path, links followed; null when nothing is there. Throws Failure for anything else. */
export function fileAt(path: string): Stats | null {
  let there: Stats | undefined;
  let isLink: boolean;
  try {
    isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    there = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new Failure(`${printable(path)} cannot be used: ${describeTrouble(error)}`, "name another file");
  }
  if (there === undefined) {
    if (!isLink) return null;
    throw new Failure(`${printable(path)} is a link to nothing`, "make what it leads to, or name another file");
  }
  if (there.isFile()) return there;
  const what = there.isDirectory() ? "is a folder" : "is no regular file";
  throw new Failure(`${printable(path)} ${what}`, "name a file");
}

/** As fileAt, for a file that is to be written: its folder must be there. */
export function placeAt(path: string): Stats | null {
  const there = fileAt(path);
  if (there !== null) return there;
  const folder = fileFolder(path);
  let isFolder = false;
  try {
    isFolder = statSync(folder).isDirectory();
  } catch {}
  if (isFolder) return null;
  throw new Failure(
    `there is no folder ${printable(folder)}`,
    `make it, or name another place than ${printable(path)}`,
  );
}

/** The folder that a file lies in, or would; links to the file followed. */
export function fileFolder(path: string): string {
  return dirname(realOf(path));
}

/** Whether two paths lead to the same file, or would. */
export function isSameFile(left: string, right: string): boolean {
  const [one, other] = [fileAt(left), fileAt(right)];
  if (one !== null && other !== null) return one.dev === other.dev && one.ino === other.ino;
  return realOf(left) === realOf(right);
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {}
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return resolve(path);
  }
}

/** Rights of a file that is new: what the umask leaves of `mode`; `shared`: all of `mode`; `private`: also of one that is there. */
export type Rights = { readonly mode: number; readonly how?: "usual" | "shared" | "private" };

/**
 * Writes beside and renames; a link is followed, and rights, group and owner of a file that is there stay, as far as the system
 * lets them. When this returns the bytes are on the disk. Gives a sentence for the person when the owner is another, else null.
 * Throws Failure, and what was there is there, when they are not.
 */
export function replaceWhole(path: string, bytes: Uint8Array, { mode, how = "usual" }: Rights): string | null {
  const there = fileAt(path);
  try {
    const target = there === null ? path : realpathSync(path);
    const beside = join(dirname(target), `.${basename(target)}.${randomBytes(8).toString("hex")}.bssh`);
    const file = openSync(beside, "wx", there === null ? mode : 0o600);
    let note: string | null = null;
    try {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
        if (there !== null) note = keepOwner(file, there, path);
        if (there !== null) fchmodSync(file, there.mode & (how === "private" ? mode : 0o777));
        else if (how !== "usual") fchmodSync(file, mode);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(beside, target);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
    settle(dirname(target));
    return note;
  } catch (error) {
    throw new Failure(
      `${printable(path)} cannot be written: ${describeTrouble(error)}`,
      "it is as it was: make room or give rights, and run it again",
    );
  }
}

/** Only root gives a file away; a group may be kept by whoever is in it. */
function keepOwner(file: number, there: Stats, path: string): string | null {
  const own = fstatSync(file);
  for (const uid of own.uid === there.uid ? [own.uid] : [there.uid, own.uid]) {
    try {
      if (own.uid !== uid || own.gid !== there.gid) fchownSync(file, uid, there.gid);
      break;
    } catch {}
  }
  const now = fstatSync(file);
  if (now.uid === there.uid && now.gid === there.gid) return null;
  const who = ({ uid, gid }: Stats) => `user ${uid} and group ${gid}`;
  return `${printable(path)} belonged to ${who(there)} and belongs to ${who(now)} now`;
}

/** The new name itself must last as well. Some file systems know no such thing. */
function settle(folder: string): void {
  try {
    const file = openSync(folder, "r");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {}
}
