import sshpk from "sshpk";
import { Failure, printable } from "../failure.ts";
import type { AskPassphrase } from "./keypair.ts";

const WRONG = "is not a private key that bssh can read";

/**
 * Blob of the public half of a PEM or PKCS8 private key that has no KEY.pub beside it. Asks for the passphrase of an
 * encrypted one, at most three times. Throws Failure.
 */
export async function readForeignKey(path: string, pem: string, askPassphrase: AskPassphrase): Promise<Uint8Array> {
  const plain = await parse(pem, undefined);
  if (plain !== "encrypted") return blobOf(path, plain);
  for (let attempt = 0; attempt < 3; attempt++) {
    const passphrase = await askPassphrase(path);
    if (passphrase === null) break;
    const opened = await parse(pem, passphrase);
    if (opened !== null && opened !== "encrypted") return blobOf(path, opened);
  }
  throw new Failure(
    `the key ${printable(path)} is encrypted and has no public half beside it`,
    `make one: ssh-keygen -y -f ${printable(path)} > ${printable(path)}.pub`,
  );
}

function blobOf(path: string, key: sshpk.PrivateKey | null): Uint8Array {
  if (key === null) {
    throw new Failure(
      `${printable(path)} ${WRONG}`,
      "name another with identity_file, or move it away to have one made",
    );
  }
  return new Uint8Array(key.toPublic().toBuffer("ssh", {}));
}

/**
 * sshpk throws for a wrong passphrase, and for PEM and PKCS8 keys it throws once more later on, from a stream, past every
 * catch (sshpk 1.18.0, `formats/pem.js` over Node's Decipher). The guard is up until that has passed.
 */
async function parse(pem: string, passphrase: string | undefined): Promise<sshpk.PrivateKey | "encrypted" | null> {
  const swallow = () => undefined;
  process.on("uncaughtException", swallow);
  try {
    return sshpk.parsePrivateKey(pem, "auto", passphrase === undefined ? {} : { passphrase });
  } catch (error) {
    return (error as { name?: string }).name === "KeyEncryptedError" ? "encrypted" : null;
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("uncaughtException", swallow);
  }
}
