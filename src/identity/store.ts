// Whatever bssh writes beside the user's keys is written to a file of a random name in the same folder and renamed: a reader
// sees the old file or the new one, and a process killed in between leaves a file that nothing reads.
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Failure, printable } from "../failure.ts";
import type { IdentityFiles } from "./files.ts";

/** A left-over of a killed process is taken away once it is older than this. */
const LEFT_OVER_MS = 3_600_000;

/**
 * Stores a certificate (a line, newline added) at `KEY-cert.pub`, and the link `KEY-cert` to it where links can be made.
 * Throws Failure when the folder can't be written; the certificate that was there is then still there, whole.
 */
export function storeCertificate(files: IdentityFiles, line: string): void {
  try {
    replaceFile(files.certificate, `${line.trimEnd()}\n`, 0o644);
  } catch (error) {
    throw notStored(files.certificate, error);
  }
  try {
    replaceLink(files.link, basename(files.certificate));
    sweep(dirname(files.certificate));
  } catch {
    // The certificate is there and ssh is told where. Some file systems know no links.
  }
}

/**
 * Keeps a certificate that isn't of our making as `KEY-cert.pub.old` before ours takes its place. What was kept so before stays.
 * A failure to do so is the file system's, and storing ours will meet it as well.
 */
export function keepForeignCertificate(files: IdentityFiles): void {
  try {
    linkSync(files.certificate, `${files.certificate}.old`);
  } catch {}
}

/** Takes the certificate away, when the key it is for is gone. */
export function dropCertificate(files: IdentityFiles): void {
  discard(files.certificate);
  if (lstatSync(files.link, { throwIfNoEntry: false })?.isSymbolicLink() === true) discard(files.link);
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}

/**
 * Stores a private key that was not there (mode 0600). False, and nothing changed, when another process was first.
 * Throws Failure when the folder can't be written.
 */
export function storeNewKey(files: IdentityFiles, privateKey: string): boolean {
  try {
    mkdirSync(dirname(files.key), { recursive: true, mode: 0o700 });
    const temporary = writeTemporary(files.key, privateKey, 0o600, true);
    try {
      // link(2), unlike rename(2), fails when the name is taken: a key is never overwritten.
      linkSync(temporary, files.key);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === "EEXIST") return false;
      throw error;
    } finally {
      discard(temporary);
    }
  } catch (error) {
    throw notStored(files.key, error);
  }
}

/** Stores the public half of a key, a line without its newline. */
export function storePublicKey(files: IdentityFiles, line: string): void {
  try {
    replaceFile(files.publicKey, `${line}\n`, 0o644);
  } catch (error) {
    throw notStored(files.publicKey, error);
  }
}

/** Writes beside and renames. The folder must be there. */
export function replaceFile(path: string, text: string, mode: number): void {
  const temporary = writeTemporary(path, text, mode, false);
  try {
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw error;
  }
}

function writeTemporary(path: string, text: string, mode: number, durable: boolean): string {
  const temporary = temporaryName(path);
  const file = openSync(temporary, "wx", mode);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    if (durable) fsyncSync(file);
  } catch (error) {
    closeSync(file);
    discard(temporary);
    throw error;
  }
  closeSync(file);
  // The umask may have taken more away than a public file needs, never less than a private one wants.
  if (mode === 0o600) chmodSync(temporary, 0o600);
  return temporary;
}

function replaceLink(path: string, target: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  // A file of that name is somebody's own.
  if (there !== undefined && !there.isSymbolicLink()) return;
  if (there !== undefined && readlinkSync(path) === target) return;
  const temporary = temporaryName(path);
  symlinkSync(target, temporary);
  try {
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw error;
  }
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}.bssh`);
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!/^\..+\.[0-9a-f]{16}\.bssh$/.test(name)) continue;
    try {
      if (Date.now() - lstatSync(join(folder, name)).mtimeMs > LEFT_OVER_MS) unlinkSync(join(folder, name));
    } catch {}
  }
}

const CAUSES: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ["the disk is full", "make room and try again"],
  EDQUOT: ["the disk quota is used up", "make room and try again"],
  EROFS: ["the file system is read-only", "name a key elsewhere with identity_file"],
  EACCES: ["the folder may not be written", "check its owner and mode, or name a key elsewhere with identity_file"],
  EPERM: ["the folder may not be written", "check its owner and mode, or name a key elsewhere with identity_file"],
};

function notStored(path: string, error: unknown): Failure {
  const code = (error as { code?: string }).code ?? "unknown error";
  const [cause, next] = CAUSES[code] ?? [code, "check the folder"];
  return new Failure(`could not write ${printable(path)}: ${cause}`, next);
}
