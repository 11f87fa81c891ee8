/** What the CA asks of AWS. Each call rejects with an Error whose name is AWS's error code and whose message holds no secret. */
import type { IdentityProof } from "../wire/caller-identity.ts";

/** Whom STS sees behind a signature: the answer of GetCallerIdentity. */
export type CallerIdentity = { readonly arn: string; readonly account: string; readonly userId: string };

/** The signing algorithms of KMS that ssh has a name for: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
export type KmsSigningAlgorithm =
  | "ECDSA_SHA_256"
  | "ECDSA_SHA_384"
  | "ECDSA_SHA_512"
  | "ED25519_SHA_512"
  | "RSASSA_PKCS1_V1_5_SHA_256"
  | "RSASSA_PKCS1_V1_5_SHA_512";

export type CaAws = {
  /** KMS Decrypt; `keyId` is the ARN of the key it was encrypted under. */
  readonly decrypt: (
    ciphertext: Uint8Array,
    encryptionContext: Record<string, string>,
  ) => Promise<{ readonly plaintext: Uint8Array; readonly keyId: string }>;
  /** KMS Sign: the signature as KMS gives it, DER for ECDSA. A raw message has at most 4096 bytes. */
  readonly sign: (
    keyId: string,
    algorithm: KmsSigningAlgorithm,
    message: Uint8Array,
    messageType: "RAW" | "DIGEST",
  ) => Promise<Uint8Array>;
  /** KMS GetPublicKey: SubjectPublicKeyInfo in DER. */
  readonly publicKey: (keyId: string) => Promise<Uint8Array>;
  /** KMS DescribeKey: the ARN of a key that is named by its id or an alias. */
  readonly keyArn: (keyId: string) => Promise<string>;
  /** IAM ListGroupsForUser, every page: names of groups. */
  readonly groupsOf: (userName: string) => Promise<readonly string[]>;
  /** Sends the proof to STS as it was signed. */
  readonly callerIdentity: (proof: IdentityProof) => Promise<CallerIdentity>;
};
