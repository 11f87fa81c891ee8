/** The CA's own key: a PEM file of PKCS #1, SEC 1 or PKCS #8, with or without a passphrase. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { concat, string, text } from "../wire/bytes.ts";
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { blobType } from "../wire/public-key.ts";
import { publicBlob } from "../wire/signature.ts";
import { ecdsaFromPair } from "./ecdsa.ts";

/** RSA signs with SHA-512, never with SHA-1. */
const METHODS: Readonly<Record<string, { readonly signature: string; readonly hash: string | null }>> = {
  "ssh-rsa": { signature: "rsa-sha2-512", hash: "sha512" },
  "ssh-ed25519": { signature: "ssh-ed25519", hash: null },
  "ecdsa-sha2-nistp256": { signature: "ecdsa-sha2-nistp256", hash: "sha256" },
  "ecdsa-sha2-nistp384": { signature: "ecdsa-sha2-nistp384", hash: "sha384" },
  "ecdsa-sha2-nistp521": { signature: "ecdsa-sha2-nistp521", hash: "sha512" },
};

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
  return signerOf(privateKey);
}

/** A signer with a private key; throws an Error when it is of a kind or size that no CA should have. */
export function signerOf(privateKey: KeyObject): CertificateSigner {
  checkKeySize(privateKey);
  let blob: Uint8Array;
  try {
    blob = publicBlob(privateKey);
  } catch {
    throw new Error("the CA's key is of a kind that ssh does not know");
  }
  const method = METHODS[blobType(blob)];
  if (method === undefined) throw new Error("the CA's key is of a kind that ssh does not know");
  const { signature, hash } = method;
  const name = text(signature);
  const isEcdsa = signature.startsWith("ecdsa-");
  const key = isEcdsa ? ({ key: privateKey, dsaEncoding: "ieee-p1363" } as const) : privateKey;
  return {
    publicBlob: blob,
    selfChecked: true,
    sign(bytes) {
      const value = sign(hash, bytes, key);
      return concat(name, string(isEcdsa ? ecdsaFromPair(value) : value));
    },
  };
}

/** Throws an Error for rsa keys, private or public, of less than 2048 bits: OpenSSH's own limit for CAs is 1024. */
export function checkKeySize(key: KeyObject): void {
  if (key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    throw new Error("the CA's key is an rsa key of less than 2048 bits");
  }
}
