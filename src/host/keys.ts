/** The public halves of the keys that sshd serves. Private keys are never opened. */
import { lstatSync } from "node:fs";
import { printable } from "../failure.ts";
import { formatPublicKey, type PublicKey, parsePublicKey } from "../wire/public-key.ts";
import { keyObject } from "../wire/signature.ts";
import { readSmall } from "./files.ts";

export type HostKey = {
  /** Path of the private key. */
  readonly path: string;
  readonly publicKey: PublicKey;
  /** The public key as a line, without its comment. */
  readonly line: string;
  /** Path of its certificate, `KEY-cert.pub`. */
  readonly certificate: string;
};

/** What goes through sshd_config and `sshd -o` as it is, without quotes. */
const PLAIN_PATH = /^\/[^\s"'\\#%]+$/;
const LEAST_RSA_BITS = 2048;

/**
 * The keys among sshd's that can be certified, one of each type as sshd takes them; keys that aren't there are passed over as sshd
 * does. Notes say which others are left out, and why.
 */
export function readHostKeys(paths: readonly string[]): {
  readonly keys: readonly HostKey[];
  readonly notes: readonly string[];
} {
  const keys: HostKey[] = [];
  const notes: string[] = [];
  for (const path of paths) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) continue;
    const read = readHostKey(path);
    if (typeof read === "string") notes.push(`${printable(path)} gets no certificate: ${read}`);
    else if (!keys.some(({ publicKey }) => publicKey.type === read.publicKey.type)) keys.push(read);
  }
  return { keys, notes };
}

function readHostKey(path: string): HostKey | string {
  if (!PLAIN_PATH.test(path)) return "its path has characters that sshd_config wants in quotes";
  // With HostKeyAgent, HostKey may name the public half.
  const stem = path.replace(/\.pub$/, "");
  const text = readSmall(`${stem}.pub`);
  if (text === null) return `there is no ${printable(stem)}.pub (ssh-keygen -y makes it)`;
  try {
    const { type, blob } = parsePublicKey(text.trim());
    if (type.startsWith("sk-")) return "it is a security key";
    const bits = keyObject(blob).asymmetricKeyDetails?.modulusLength;
    if (type === "ssh-rsa" && (bits === undefined || bits < LEAST_RSA_BITS))
      return `RSA keys need ${LEAST_RSA_BITS} bits`;
    const publicKey = { type, blob, comment: "" };
    return { path, publicKey, line: formatPublicKey(publicKey), certificate: `${stem}-cert.pub` };
  } catch {
    return `${printable(stem)}.pub holds no public key that can be certified`;
  }
}
