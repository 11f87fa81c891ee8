/**
 * Files of the server's that change together. Each is written beside its place and renamed; what was there is kept under another
 * name until all is well, so that it can be put back as it was, bytes, mode and owner, also on a full disk.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Failure, printable } from "../failure.ts";

export type Changes = {
  /** Writes what `path` will hold beside it, mode 0644, and gives the name under which it can be tried. Throws Failure. */
  stage(path: string, text: string): string;
  /** Puts everything in its place. Throws Failure; what was placed by then has to be undone. */
  place(): void;
  /** Puts back what was there. Throws Failure for what can't be put back. */
  undo(): void;
  /** All is well: what was there is let go. */
  finish(): void;
};

type Change = {
  readonly path: string;
  readonly temporary: string;
  readonly kept: string;
  was: "there" | "absent" | null;
  placed: boolean;
};

const LARGEST = 64 * 1024;

export function openChanges(): Changes {
  const changes: Change[] = [];
  return {
    stage(path, text) {
      const name = `.${basename(path)}.${randomBytes(8).toString("hex")}.bssh`;
      const temporary = join(dirname(path), name);
      try {
        write(temporary, text);
      } catch (error) {
        discard(temporary);
        throw notWritten(path, error);
      }
      changes.push({ path, temporary, kept: `${temporary}-old`, was: null, placed: false });
      return temporary;
    },
    place() {
      for (const change of changes) {
        try {
          change.was = keep(change);
          renameSync(change.temporary, change.path);
          change.placed = true;
        } catch (error) {
          throw notWritten(change.path, error);
        }
      }
    },
    undo() {
      for (const { path, temporary, kept, was, placed } of changes.toReversed()) {
        discard(temporary);
        if (!placed) {
          discard(kept);
          continue;
        }
        try {
          if (was === "there") renameSync(kept, path);
          else unlinkSync(path);
        } catch (error) {
          const next = was === "there" ? `put it back by hand: mv ${kept} ${path}` : `remove ${path} by hand`;
          throw new Failure(`${printable(path)} could not be put back (${codeOf(error)})`, next);
        }
      }
      changes.length = 0;
    },
    finish() {
      for (const { kept } of changes) discard(kept);
      changes.length = 0;
    },
  };
}

/** Takes away what killed runs left beside these paths. Only for who has the lock. */
export function sweepBeside(paths: readonly string[]): void {
  for (const path of paths) {
    const form = new RegExp(`^\\.${RegExp.escape(basename(path))}\\.[0-9a-f]{16}\\.bssh(-old)?$`);
    for (const name of namesIn(dirname(path))) if (form.test(name)) discard(join(dirname(path), name));
  }
}

/** Text of a small regular file; null when it isn't there or can't be read. */
export function readSmall(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile() || size > LARGEST) return null;
    const bytes = Buffer.alloc(LARGEST + 1);
    let length = 0;
    for (let got = 1; got > 0; length += got) got = readSync(file, bytes, length, bytes.length - length, null);
    return length > LARGEST ? null : bytes.toString("utf8", 0, length);
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

function write(path: string, text: string): void {
  const file = openSync(path, "wx", 0o644);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fchmodSync(file, 0o644);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A second name for what is there. */
function keep({ path, kept }: Change): "there" | "absent" {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return "absent";
  try {
    linkSync(path, kept);
  } catch (error) {
    // Some file systems know no links.
    if (!["EPERM", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error))) throw error;
    copyFileSync(path, kept, constants.COPYFILE_EXCL);
  }
  return "there";
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "unknown error";
}

const CAUSES: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ["the disk is full", "make room and try again"],
  EDQUOT: ["the disk quota is used up", "make room and try again"],
  EROFS: ["the file system is read-only", "make it writable and try again"],
  EACCES: ["permission was denied", "run this as root"],
  EPERM: ["permission was denied", "run this as root"],
};

function notWritten(path: string, error: unknown): Failure {
  const [cause, next] = CAUSES[codeOf(error)] ?? [codeOf(error), "check the folder"];
  return new Failure(`could not write ${printable(path)}: ${cause}`, next);
}
