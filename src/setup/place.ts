// A file of the user's that is replaced whole, behind any symbolic links, with the mode and the owner it had.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Failure, printable } from "../failure.ts";

export type Place = {
  /** The file itself, behind the links. */
  readonly path: string;
  /** Its bytes as latin1; null when there is no file. */
  readonly text: string | null;
  readonly was: Pick<Stats, "mode" | "uid" | "gid"> | null;
  /** How many of the folders above it are not there. */
  readonly foldersToMake: number;
};

const MOST_LINKS = 40;
const LARGEST = 1 << 20;

/** Throws Failure for what is no file, is larger than 1 MiB or can't be read. */
export function lookAt(path: string): Place {
  try {
    const real = behindLinks(path);
    const was = lstatSync(real, { throwIfNoEntry: false });
    if (was === undefined) return { path: real, text: null, was: null, foldersToMake: missingFolders(real) };
    if (!was.isFile()) throw new Failure(`${printable(path)} is not a regular file`, "look at what is there");
    if (was.size > LARGEST) throw new Failure(`${printable(path)} is larger than 1 MiB`, "look at what is in it");
    return { path: real, text: readFileSync(real, "latin1"), was, foldersToMake: 0 };
  } catch (error) {
    throw error instanceof Failure ? error : notDone("read", path, error);
  }
}

/**
 * Writes it (null takes it away, and as many of the folders above it as are empty and among the `folders` nearest); a new file
 * has mode 0600, a new folder 0700. Throws Failure; all is then as it was.
 */
export function put(place: Place, text: string | null, folders = place.foldersToMake): void {
  try {
    if (text !== null) replace(place, Buffer.from(text, "latin1"));
    else if (lstatSync(place.path, { throwIfNoEntry: false }) !== undefined) unlinkSync(place.path);
  } catch (error) {
    removeFolders(place.path, place.foldersToMake);
    throw notDone("write", place.path, error);
  }
  if (text === null) removeFolders(place.path, folders);
}

function missingFolders(path: string): number {
  let missing = 0;
  for (let at = dirname(path); lstatSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing += 1;
  return missing;
}

function removeFolders(path: string, most: number): void {
  let at = path;
  try {
    for (let left = most; left > 0; left--) {
      at = dirname(at);
      rmdirSync(at);
    }
  } catch {
    // Something is in it.
  }
}

function replace({ path, was }: Place, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}.bssh`);
  const file = openSync(beside, "wx", 0o600);
  try {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      if (was !== null && (was.uid !== process.getuid?.() || was.gid !== process.getgid?.())) {
        fchownSync(file, was.uid, was.gid);
      }
      fchmodSync(file, was === null ? 0o600 : was.mode & 0o7777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    unlinkSync(beside);
    throw error;
  }
}

function behindLinks(path: string): string {
  let at = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return at;
    at = resolve(realpathSync(dirname(at)), readlinkSync(at));
  }
  throw new Failure(`${printable(path)} leads from link to link`, "look at where it points");
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission was denied",
  EPERM: "the system does not allow it (it is immutable, or another user's)",
  ENOTDIR: "a part of its path is no folder",
};

/** What a person is told of a system call that failed. */
export function notDone(deed: "read" | "write", path: string, error: unknown): Failure {
  const code = (error as { code?: string }).code ?? "unknown error";
  return new Failure(`could not ${deed} ${printable(path)}: ${CAUSES[code] ?? code}`, "see to that and run it again");
}
