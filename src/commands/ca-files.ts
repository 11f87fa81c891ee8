// What the commands of the CA read and write: public keys, and files that are replaced so that nothing is ever lost.
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Failure, printable } from "../failure.ts";
import { describeErrno } from "../issue/private-files.ts";
import { WireError } from "../wire/bytes.ts";
import { type Certificate, parseCertificate } from "../wire/certificate.ts";
import { type PublicKey, parsePublicKey } from "../wire/public-key.ts";
import type { CommandCall } from "./call.ts";

type Reads = Pick<CommandCall, "readText">;

/** Text of a file that must be there; throws Failure. */
export function textOf(call: Reads, path: string): string {
  let text: string | null;
  try {
    text = call.readText(path);
  } catch (error) {
    throw new Failure(`${printable(path)} cannot be read: ${describeErrno(error)}`, "name a file that you may read");
  }
  if (text === null) throw new Failure(`there is no file ${printable(path)}`, "check its path");
  return text;
}

/** The public key in a `.pub` file; throws Failure. */
export function readPublicKey(call: Reads, path: string): PublicKey {
  const text = textOf(call, path).trim();
  if (/^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
    throw new Failure(`${printable(path)} is a private key`, `name its public half, ${printable(path)}.pub`);
  }
  try {
    return parsePublicKey(text);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (isCertificate(text)) throw new Failure(`${printable(path)} is a certificate`, "name the key that it is for");
    throw new Failure(`${printable(path)} is no public key (${error.message})`, "name a .pub file");
  }
}

/** The certificate in a `-cert.pub` file; throws Failure. */
export function readCertificate(call: Reads, path: string): Certificate {
  try {
    return parseCertificate(textOf(call, path).trim());
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new Failure(`${printable(path)} is no certificate (${error.message})`, "name a -cert.pub file");
  }
}

function isCertificate(line: string): boolean {
  try {
    parseCertificate(line);
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes beside and renames; a link is followed, and the rights of a file that is there stay. When this returns the bytes are
 * on the disk. Throws Failure, and what was there is there, when they are not.
 */
export function replaceWhole(path: string, bytes: Uint8Array, mode: number): void {
  const there = statSync(path, { throwIfNoEntry: false });
  try {
    const target = there === undefined ? path : realpathSync(path);
    const beside = join(dirname(target), `.${basename(target)}.${randomBytes(8).toString("hex")}.bssh`);
    const file = openSync(beside, "wx", there === undefined ? mode : there.mode & 0o777);
    try {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
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
  } catch (error) {
    throw new Failure(
      `${printable(path)} cannot be written: ${describeErrno(error)}`,
      "it is as it was: make room or give rights, and run it again",
    );
  }
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
