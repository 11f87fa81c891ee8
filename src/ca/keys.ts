/** The CA's own key: a PEM file of PKCS #1, SEC 1 or PKCS #8, with or without a passphrase. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { publicBlob, signBytes } from "../wire/signature.ts";

/**
 * A signer with the key in `pem`. The passphrase is bytes: terraform-provider-bless makes one that is no text. Throws an
 * Error that quotes nothing of either when the key cannot be opened, or is of a kind or size that no CA should have.
 */
export function readSigner(pem: string | Uint8Array, passphrase: Uint8Array | null = null): CertificateSigner {
  const key = typeof pem === "string" ? pem : Buffer.from(pem);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(
      passphrase === null ? { key, format: "pem" } : { key, format: "pem", passphrase: Buffer.from(passphrase) },
    );
  } catch {
    throw new Error("the CA's key cannot be opened: not a PEM file, or another passphrase");
  }
  if (privateKey.asymmetricKeyType === "rsa" && (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    throw new Error("the CA's key is an rsa key of less than 2048 bits");
  }
  return { publicBlob: publicBlob(privateKey), sign: (bytes) => signBytes(privateKey, bytes) };
}
