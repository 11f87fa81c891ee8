import { generateKeyPairSync } from "node:crypto";
import { lstatSync } from "node:fs";
import { Failure, printable } from "../failure.ts";
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";
import { WireError } from "../wire/bytes.ts";
import { makeOpenSshKey, type OpenSshKey, type PrivateJwk, readOpenSshKey } from "../wire/private-key.ts";
import { blobType, formatPublicKey, parsePublicKey } from "../wire/public-key.ts";
import type { IdentityFiles } from "./files.ts";
import { dropCertificate, storeNewKey, storePublicKey } from "./store.ts";

const COMMENT = "Temporary key for BLESS certificate";
/** BLESS refuses RSA keys under 2048 bits; python-blessclient's README made 4096. */
const RSA_BITS = 4096;

/** Whether the private half of a public key (its blob) can be had elsewhere, as in an agent. */
export type HeldElsewhere = (blob: Uint8Array) => Promise<boolean>;

/**
 * Asks for the passphrase of a private key, `again` when the last one did not open it; null when nobody can be asked. Throws
 * Failure when the question is declined, or nobody answers in time.
 */
export type AskPassphrase = (path: string, again: boolean) => Promise<string | null>;

/**
 * The identity's public key as a line, ready for the CA. Makes the key when there is none, and KEY.pub when only that is
 * missing. Throws Failure when the key can't be read, or not be made.
 */
export async function ensureKey(
  system: System,
  files: IdentityFiles,
  type: "ed25519" | "rsa",
  askPassphrase: AskPassphrase,
  isHeldElsewhere: HeldElsewhere = async () => false,
): Promise<string> {
  const pem = readPrivate(system, files);
  if (pem === null) {
    // A link to a key on a disk that isn't there, or the public half of a key that an agent or a token holds: not ours to replace.
    if (isLink(files.key) || system.may(files.publicKey, "read")) {
      // Another process may have made both since.
      if (!isLink(files.key) && system.may(files.key, "read")) {
        return ensureKey(system, files, type, askPassphrase, isHeldElsewhere);
      }
      const held = readPublic(system, files);
      if (held !== null && (await isHeldElsewhere(parsePublicKey(held).blob))) return held;
      const fact = `the private half of ${printable(files.publicKey)} is neither there nor in an agent`;
      throw new Failure(fact, "bring it back, move the public half away, or name another key with identity_file");
    }
    // A certificate without its key is good for nothing, and would be taken for one of the new key.
    dropCertificate(files);
    storeNewKey(files, newKey(type));
    return ensurePublicKey(system, files, readPrivate(system, files) ?? "", askPassphrase);
  }
  const line = readPublic(system, files);
  const own = openPart(files, pem)?.publicKey;
  if (line !== null && (own === undefined || Buffer.compare(parsePublicKey(line).blob, own) === 0)) return line;
  return ensurePublicKey(system, files, pem, askPassphrase);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function readPrivate(system: System, files: IdentityFiles): string | null {
  try {
    return readText(system, files.key);
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    throw new Failure(`could not read the key ${printable(files.key)} (${code})`, "check its owner and mode");
  }
}

function readPublic(system: System, files: IdentityFiles): string | null {
  try {
    const line = readText(system, files.publicKey);
    return line === null ? null : formatPublicKey(parsePublicKey(line));
  } catch {
    return null;
  }
}

async function ensurePublicKey(
  system: System,
  files: IdentityFiles,
  pem: string,
  askPassphrase: AskPassphrase,
): Promise<string> {
  const line = await publicLine(files, pem, askPassphrase);
  if (readPublic(system, files) !== line) storePublicKey(files, line);
  return line;
}

async function publicLine(files: IdentityFiles, pem: string, askPassphrase: AskPassphrase): Promise<string> {
  const open = openPart(files, pem);
  if (open !== null) {
    return formatPublicKey({ type: blobType(open.publicKey), blob: open.publicKey, comment: COMMENT });
  }
  const { readForeignKey } = await import("./foreign-key.ts");
  const blob = await readForeignKey(files.key, pem, askPassphrase);
  if (blob === null) throw noKey(files);
  return formatPublicKey({ type: blobType(blob), blob, comment: COMMENT });
}

/** The open part of an OpenSSH key; null for the other formats. */
function openPart(files: IdentityFiles, pem: string): OpenSshKey | null {
  try {
    return readOpenSshKey(pem);
  } catch (error) {
    throw error instanceof WireError ? noKey(files) : error;
  }
}

function noKey(files: IdentityFiles): Failure {
  const fact = `${printable(files.key)} is not a private key that bssh can read`;
  return new Failure(fact, "name another with identity_file, or move it away to have one made");
}

function newKey(type: "ed25519" | "rsa"): string {
  const { privateKey } =
    type === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("rsa", { modulusLength: RSA_BITS, publicExponent: 0x10001 });
  return makeOpenSshKey(privateKey.export({ format: "jwk" }) as PrivateJwk, COMMENT);
}
