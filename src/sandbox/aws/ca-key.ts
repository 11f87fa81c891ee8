import { generateKeyPairSync, randomBytes } from "node:crypto";
import { formatPublicKey } from "../../wire/public-key.ts";
import { publicBlob } from "../../wire/signature.ts";

/** The CA's key as it lies beside the function's code. */
export type CaKey = {
  /** Public key as a line: what sshd trusts. */
  readonly publicKey: string;
  /** PKCS #8 PEM, encrypted under the passphrase. */
  readonly privateKeyPem: string;
  /** 64 random bytes, not text. */
  readonly passphrase: Uint8Array;
};

/** A new CA key under a random passphrase. */
export function makeCaKey(type: "ed25519" | "rsa"): CaKey {
  const { publicKey, privateKey } =
    type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("rsa", { modulusLength: 3072 });
  const passphrase = randomBytes(64);
  const pem = privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase });
  const keyType = type === "ed25519" ? "ssh-ed25519" : "ssh-rsa";
  const line = formatPublicKey({ type: keyType, blob: publicBlob(publicKey), comment: "sandbox CA" });
  return { publicKey: line, privateKeyPem: String(pem), passphrase: new Uint8Array(passphrase) };
}
