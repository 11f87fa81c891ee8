// Files that nobody but the user reads: the folder belongs to them with mode 0700, files have 0600 and appear whole or not at
// all. Whatever does not look so is not believed.
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";

/** Larger files are not read. */
export const FILE_LIMIT = 64 * 1024;

/** What is wrong with a folder or file, in words that follow its path; null when nothing is. */
export type Distrust = string | null;

/**
 * Makes the folder with mode 0700 when it is missing, and takes from others every right (`private`) or that of
 * writing (`readable`). Gives the reason not to use it: another owner, a symbolic link, or an error of the system.
 */
export function prepareFolder(path: string, share: "private" | "readable"): Distrust {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = share === "private" ? lstatSync(path) : statSync(path);
    if (!found.isDirectory()) return "is not a folder";
    if (found.uid !== ownUid()) return "belongs to another user";
    if ((found.mode & (share === "private" ? 0o077 : 0o022)) !== 0) chmodSync(path, 0o700);
    return null;
  } catch (error) {
    return describeErrno(error);
  }
}

/** What readPrivate found. `strange` says why a file that is there was not believed. */
export type Found = { readonly text: string | null; readonly strange: Distrust };

/**
 * Text of a regular file of the user's own that no one else may read or write (`readable: true` lets others read it).
 * Symbolic links are not followed, and pipes don't block.
 */
export function readPrivate(path: string, allow: { readonly readable: boolean } = { readable: false }): Found {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (error) {
    const missing = errno(error) === "ENOENT" || errno(error) === "ENOTDIR";
    return { text: null, strange: missing ? null : describeErrno(error) };
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) return { text: null, strange: "is not a regular file" };
    if (found.uid !== ownUid()) return { text: null, strange: "belongs to another user" };
    if ((found.mode & (allow.readable ? 0o022 : 0o077)) !== 0) {
      return { text: null, strange: allow.readable ? "can be written by others" : "can be read by others" };
    }
    if (found.size > FILE_LIMIT) return { text: null, strange: "is too large" };
    return { text: readWhole(file), strange: null };
  } catch (error) {
    return { text: null, strange: describeErrno(error) };
  } finally {
    closeSync(file);
  }
}

/** True when anyone but the owner may read the file. */
export function isReadableByOthers(path: string): boolean {
  try {
    return (lstatSync(path).mode & 0o044) !== 0;
  } catch {
    return false;
  }
}

/** Writes beside and renames, mode 0600. Throws what the system throws; the old file is then still there. */
export function writePrivate(folder: string, name: string, text: string): void {
  const beside = `${folder}/.${name}.${randomBytes(9).toString("hex")}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = openSync(beside, flags, 0o600);
  try {
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    } finally {
      closeSync(file);
    }
    renameSync(beside, `${folder}/${name}`);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** Removes files of the folder that were not written for `ms`, `spared` ones apart, and temporary ones that are an hour old. */
export function sweep(folder: string, ms: number, now: number, spared: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) {
    if (spared(name)) continue;
    const path = `${folder}/${name}`;
    try {
      const age = now - lstatSync(path).mtimeMs;
      if (age > (name.startsWith(".") ? 3_600_000 : ms)) rmSync(path, { force: true });
    } catch {} // another process was faster
  }
}

/** Removes a file; that it cannot be removed is no error here. */
export function removePrivate(path: string): void {
  try {
    rmSync(path, { force: true, recursive: false });
  } catch {}
}

/** An error of the system in plain words. */
export function describeErrno(error: unknown): string {
  const words: Readonly<Record<string, string>> = {
    ENOSPC: "there is no space left on the device",
    EDQUOT: "the disk quota is used up",
    EROFS: "the file system is read-only",
    EACCES: "permission was denied",
    EPERM: "permission was denied",
    ELOOP: "it is a symbolic link",
    ENOTDIR: "a part of the path is no folder",
    EEXIST: "a part of the path is no folder",
    EISDIR: "it is a folder",
  };
  const code = errno(error);
  return words[code] ?? `the system says ${code}`;
}

function errno(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EIO";
}

function ownUid(): number {
  return process.getuid?.() ?? -1;
}

function readWhole(file: number): string {
  const bytes = Buffer.alloc(FILE_LIMIT + 1);
  let length = 0;
  while (length < bytes.length) {
    const got = readSync(file, bytes, length, bytes.length - length, null);
    if (got === 0) break;
    length += got;
  }
  return length > FILE_LIMIT ? "" : bytes.toString("utf8", 0, length);
}
