import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { PolicyDocument } from "./policy.ts";

/** What kind of key it is, as KMS calls it. All but the symmetric one sign. */
export type KeySpec = "SYMMETRIC_DEFAULT" | SigningSpec;

export type SigningSpec =
  | "ECC_NIST_P256"
  | "ECC_NIST_P384"
  | "ECC_NIST_P521"
  | "ECC_NIST_EDWARDS25519"
  | "RSA_2048"
  | "RSA_3072"
  | "RSA_4096";

type Common = {
  readonly arn: string;
  readonly region: string;
  readonly account: string;
  readonly policy: PolicyDocument;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The secret itself: the AES-256 key, or the private key as PKCS #8. */
  readonly material: Uint8Array;
};

export type SymmetricKey = Common & { readonly spec: "SYMMETRIC_DEFAULT" };
export type SigningKey = Common & { readonly spec: SigningSpec; readonly privateKey: KeyObject };
export type KmsKey = SymmetricKey | SigningKey;

/** Where a key lies and who may use it. */
export type KeyPlace = Omit<Common, "material">;

const rsaAlgorithms = [
  "RSASSA_PKCS1_V1_5_SHA_256",
  "RSASSA_PKCS1_V1_5_SHA_384",
  "RSASSA_PKCS1_V1_5_SHA_512",
  "RSASSA_PSS_SHA_256",
  "RSASSA_PSS_SHA_384",
  "RSASSA_PSS_SHA_512",
];

/**
 * The signing algorithms of each kind of key.
 * See https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
 */
export const signingAlgorithms: Readonly<Record<SigningSpec, readonly string[]>> = {
  ECC_NIST_P256: ["ECDSA_SHA_256"],
  ECC_NIST_P384: ["ECDSA_SHA_384"],
  ECC_NIST_P521: ["ECDSA_SHA_512"],
  ECC_NIST_EDWARDS25519: ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
  RSA_2048: rsaAlgorithms,
  RSA_3072: rsaAlgorithms,
  RSA_4096: rsaAlgorithms,
};

/** A new symmetric key. */
export function makeSymmetricKey(place: KeyPlace): SymmetricKey {
  return { ...place, spec: "SYMMETRIC_DEFAULT", material: new Uint8Array(randomBytes(32)) };
}

/** The private key of a new signing key. */
export function generatePrivateKey(spec: SigningSpec): KeyObject {
  if (spec === "ECC_NIST_EDWARDS25519") return generateKeyPairSync("ed25519").privateKey;
  if (spec === "ECC_NIST_P256" || spec === "ECC_NIST_P384" || spec === "ECC_NIST_P521") {
    return generateKeyPairSync("ec", { namedCurve: `P-${spec.slice(-3)}` }).privateKey;
  }
  return generateKeyPairSync("rsa", { modulusLength: Number(spec.slice(-4)) }).privateKey;
}

/** A signing key in one region; the replicas of a multi-Region key have the same private key. */
export function makeSigningKey(place: KeyPlace, spec: SigningSpec, privateKey: KeyObject): SigningKey {
  const material = new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
  return { ...place, spec, material, privateKey };
}

/** The ARN of a new key: of one region alone, or (`mrk-`) of the same key in several. */
export function keyArn(region: string, account: string, id: string = crypto.randomUUID()): string {
  return `arn:aws:kms:${region}:${account}:key/${id}`;
}

/** The id of a new multi-Region key. */
export function multiRegionId(): string {
  return `mrk-${randomBytes(16).toString("hex")}`;
}
