import { type KeyObject, randomBytes } from "node:crypto";
import type { CertificateSigner } from "../../wire/certificate-maker.ts";
import { blobType, formatPublicKey } from "../../wire/public-key.ts";
import { publicBlob, signBytes } from "../../wire/signature.ts";
import { generatePrivateKey, type KeyPlace, makeSigningKey, type SigningKey, type SigningSpec } from "./kms-key.ts";

/** The kinds of CA key: beside the function's code under a passphrase that KMS keeps, or (`kms-`) inside KMS itself. */
export const CA_KEY_TYPES = [
  "ed25519",
  "rsa",
  "ecdsa-256",
  "ecdsa-384",
  "ecdsa-521",
  "kms-ed25519",
  "kms-rsa",
  "kms-ecdsa-256",
  "kms-ecdsa-384",
  "kms-ecdsa-521",
] as const;

export type CaKeyType = (typeof CA_KEY_TYPES)[number];

/** A CA's key. */
export type CaKey = {
  /** Public key as a line: what sshd or a client trusts. */
  readonly publicKey: string;
  /** PKCS #8 PEM, encrypted under the passphrase, as it lies beside the function's code; empty when it is inside KMS. */
  readonly privateKeyPem: string;
  /** 64 random bytes, not text; none when the key is inside KMS. */
  readonly passphrase: Uint8Array;
  /** ARN of the key inside KMS by region, replicas of one multi-Region key; empty when it lies beside the code. */
  readonly kmsKeys: ReadonlyMap<string, string>;
  /** Signs with no AWS in between, for certificates that are there before anybody asks. */
  readonly signer: CertificateSigner;
};

const specs: Readonly<Record<string, SigningSpec>> = {
  ed25519: "ECC_NIST_EDWARDS25519",
  "ecdsa-256": "ECC_NIST_P256",
  "ecdsa-384": "ECC_NIST_P384",
  "ecdsa-521": "ECC_NIST_P521",
  rsa: "RSA_3072",
};

/** Whether the key is kept inside KMS. */
export function isInsideKms(type: CaKeyType): boolean {
  return type.startsWith("kms-");
}

/** A new CA key of the kind; `places` are where it lies if that is inside KMS. */
export function makeCaKey(
  type: CaKeyType,
  places: readonly KeyPlace[] = [],
  comment = "sandbox CA",
): { readonly ca: CaKey; readonly keys: readonly SigningKey[] } {
  const spec = specs[type.replace("kms-", "")];
  if (spec === undefined) throw new Error(`${type} is no kind of CA key`);
  const privateKey = generatePrivateKey(spec);
  const blob = publicBlob(privateKey);
  const common = {
    publicKey: formatPublicKey({ type: blobType(blob), blob, comment }),
    signer: { publicBlob: blob, sign: (bytes: Uint8Array) => signBytes(privateKey, bytes) },
  };
  if (!isInsideKms(type)) return { ca: { ...common, ...lock(privateKey), kmsKeys: new Map() }, keys: [] };
  const keys = places.map((place) => makeSigningKey(place, spec, privateKey));
  const kmsKeys = new Map(keys.map(({ region, arn }) => [region, arn]));
  return { ca: { ...common, privateKeyPem: "", passphrase: new Uint8Array(0), kmsKeys }, keys };
}

function lock(privateKey: KeyObject): Pick<CaKey, "privateKeyPem" | "passphrase"> {
  const passphrase = randomBytes(64);
  const pem = privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase });
  return { privateKeyPem: String(pem), passphrase: new Uint8Array(passphrase) };
}
