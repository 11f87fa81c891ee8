/**
 * A key that never leaves KMS: an asymmetric key of usage SIGN_VERIFY.
 * https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
 */
import { createHash, createPublicKey } from "node:crypto";
import { concat, string, text } from "../wire/bytes.ts";
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { blobType } from "../wire/public-key.ts";
import { publicBlob, verifyBytes } from "../wire/signature.ts";
import type { CaAws, KmsSigningAlgorithm } from "./aws.ts";
import { ecdsaFromDer } from "./ecdsa.ts";
import { checkKeySize } from "./keys.ts";

type Method = {
  readonly algorithm: KmsSigningAlgorithm;
  /** What is hashed here; null for a message that KMS takes as it is. */
  readonly hash: string | null;
  /** The name that the signature has in ssh, and its value made of what KMS gives. */
  readonly signature: string;
  readonly value: (bytes: Uint8Array) => Uint8Array;
};

const METHODS: Readonly<Record<string, Method>> = {
  "ecdsa-sha2-nistp256": ecdsa("ecdsa-sha2-nistp256", "ECDSA_SHA_256", "sha256"),
  "ecdsa-sha2-nistp384": ecdsa("ecdsa-sha2-nistp384", "ECDSA_SHA_384", "sha384"),
  "ecdsa-sha2-nistp521": ecdsa("ecdsa-sha2-nistp521", "ECDSA_SHA_512", "sha512"),
  "ssh-ed25519": { algorithm: "ED25519_SHA_512", hash: null, signature: "ssh-ed25519", value: (bytes) => bytes },
  "ssh-rsa": {
    algorithm: "RSASSA_PKCS1_V1_5_SHA_512",
    hash: "sha512",
    signature: "rsa-sha2-512",
    value: (bytes) => bytes,
  },
};

/** The longest message that KMS signs as it is. */
const MAX_RAW = 4096;

/**
 * A signer with the key of that id, alias or ARN. Its public half is fetched once; each signature is verified before it is
 * given. Rejects with what AWS says, or an Error for a key that ssh has no use for.
 */
export async function openKmsKey(aws: Pick<CaAws, "sign" | "publicKey">, keyId: string): Promise<CertificateSigner> {
  const spki = await aws.publicKey(keyId);
  let blob: Uint8Array;
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    checkKeySize(key);
    blob = publicBlob(key);
  } catch (error) {
    const isSmall = error instanceof Error && error.message.includes("2048");
    throw isSmall ? error : new Error("the KMS key is of a kind that ssh does not know");
  }
  const method = METHODS[blobType(blob)];
  if (method === undefined) throw new Error("the KMS key is of a kind that ssh does not know");
  const { algorithm, hash, signature, value } = method;

  return {
    publicBlob: blob,
    selfChecked: true,
    async sign(bytes) {
      if (hash === null && bytes.length > MAX_RAW) {
        throw new Error(
          `KMS signs ${MAX_RAW} bytes at most with an Ed25519 key, and the certificate has ${bytes.length}`,
        );
      }
      const answer =
        hash === null
          ? await aws.sign(keyId, algorithm, bytes, "RAW")
          : await aws.sign(keyId, algorithm, createHash(hash).update(bytes).digest(), "DIGEST");
      const made = concat(text(signature), string(value(answer)));
      if (!verifyBytes(blob, bytes, made)) throw new Error("what KMS gave is no signature by its key");
      return made;
    },
  };
}

function ecdsa(signature: string, algorithm: KmsSigningAlgorithm, hash: string): Method {
  return { algorithm, hash, signature, value: ecdsaFromDer };
}
