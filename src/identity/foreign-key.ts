import { createPrivateKey } from "node:crypto";
import { Failure, printable } from "../failure.ts";
import { publicBlob } from "../wire/signature.ts";
import type { AskPassphrase } from "./keypair.ts";

/** Passphrases that are tried before it is given up. */
const TRIES = 3;

/**
 * Blob of the public half of a PEM or PKCS8 private key that has no KEY.pub beside it. Asks for the passphrase of an
 * encrypted one, at most three times. Null when it is no key that can be read; throws Failure without the passphrase, and
 * what `askPassphrase` throws.
 */
export async function readForeignKey(
  path: string,
  pem: string,
  askPassphrase: AskPassphrase,
): Promise<Uint8Array | null> {
  const plain = open(pem, undefined);
  if (plain !== "encrypted") return plain;
  const shown = printable(path);
  const next = `make one: ssh-keygen -y -f ${word(path)} > ${word(`${path}.pub`)}`;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const passphrase = await askPassphrase(path, attempt > 0);
    if (passphrase === null) {
      throw new Failure(
        `the key ${shown} is encrypted and has no public half beside it, and nobody can be asked`,
        next,
      );
    }
    const opened = open(pem, passphrase);
    if (opened !== null && opened !== "encrypted") return opened;
  }
  throw new Failure(`no passphrase that was given opens the key ${shown}, which has no public half beside it`, next);
}

/** A wrong passphrase, like rubbish, gives null: what decrypts to rubbish can't be told from it. */
function open(pem: string, passphrase: string | undefined): Uint8Array | "encrypted" | null {
  try {
    return publicBlob(createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase }));
  } catch (error) {
    return (error as { code?: string }).code === "ERR_MISSING_PASSPHRASE" ? "encrypted" : null;
  }
}

/** A path as a word of a shell's line. */
function word(path: string): string {
  const shown = printable(path);
  return /^[\w/.:@%+,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
