// What the commands of the CA read.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { Failure, printable } from "../../failure.ts";
import { describeErrno } from "../../issue/private-files.ts";
import { WireError } from "../../wire/bytes.ts";
import { type Certificate, parseCertificate } from "../../wire/certificate.ts";
import { type PublicKey, parsePublicKey } from "../../wire/public-key.ts";
import type { CommandCall } from "../call.ts";

type Reads = Pick<CommandCall, "readText">;

/** Text of a file that must be there; throws Failure. */
export function textOf(call: Reads, path: string): string {
  let text: string | null;
  try {
    text = call.readText(path);
  } catch (error) {
    throw unreadable(path, error);
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

/** Whether a line is a certificate. */
export function isCertificate(line: string): boolean {
  try {
    parseCertificate(line);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of a regular file of at most `limit`; null when there is none. Throws Failure. */
export function readBounded(path: string, limit: number): Uint8Array | null {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = fstatSync(file);
      if (!found.isFile()) throw Object.assign(new Error(), { code: found.isDirectory() ? "EISDIR" : "EINVAL" });
      const bytes = Buffer.alloc(Math.min(found.size, limit) + 1);
      let length = 0;
      while (length < bytes.length) {
        const got = readSync(file, bytes, length, bytes.length - length, null);
        if (got === 0) break;
        length += got;
      }
      if (length > limit) throw Object.assign(new Error(), { code: "EFBIG" });
      return new Uint8Array(bytes.subarray(0, length));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw unreadable(path, error);
  }
}

/** As describeErrno, in words for whoever named the file. */
export function describeTrouble(error: unknown): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: "its folder is not there",
    ELOOP: "its links lead in a circle",
    EFBIG: "it is too large",
    EINVAL: "it is no regular file",
    ENAMETOOLONG: "its name is too long",
    ETXTBSY: "it is a program that runs",
    EIO: "the disk fails",
    EMFILE: "too many files are open",
    ENFILE: "too many files are open",
    ENXIO: "it is no regular file",
    ENODEV: "it is no regular file",
    EROFS: "the file system is read-only",
  };
  const { code } = error as { code?: unknown };
  return (typeof code === "string" ? words[code] : undefined) ?? describeErrno(error);
}

function unreadable(path: string, error: unknown): Failure {
  return new Failure(`${printable(path)} cannot be read: ${describeTrouble(error)}`, "name a file that you may read");
}
