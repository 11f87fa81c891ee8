import { constants, createPublicKey, type KeyObject, privateEncrypt, sign } from "node:crypto";
import { signDigest } from "./ecdsa.ts";
import { findKey, invalid, type KmsSite, permit, wrongUsage } from "./kms.ts";
import { type KmsKey, type SigningKey, signingAlgorithms } from "./kms-key.ts";
import { refuse } from "./refusal.ts";

type Method = { readonly hash: "sha256" | "sha384" | "sha512"; readonly bytes: number };

/** What may be signed with here. KMS has RSASSA_PSS, Ed25519ph and others beside, which no ssh understands. */
const methods: Readonly<Record<string, Method>> = {
  ECDSA_SHA_256: { hash: "sha256", bytes: 32 },
  ECDSA_SHA_384: { hash: "sha384", bytes: 48 },
  ECDSA_SHA_512: { hash: "sha512", bytes: 64 },
  ED25519_SHA_512: { hash: "sha512", bytes: 64 },
  RSASSA_PKCS1_V1_5_SHA_256: { hash: "sha256", bytes: 32 },
  RSASSA_PKCS1_V1_5_SHA_384: { hash: "sha384", bytes: 48 },
  RSASSA_PKCS1_V1_5_SHA_512: { hash: "sha512", bytes: 64 },
};

const known = [...new Set(Object.values(signingAlgorithms).flat())].sort();

// DigestInfo up to the digest itself: RFC 8017, section 9.2, note 1.
const digestInfo: Readonly<Record<Method["hash"], string>> = {
  sha256: "3031300d060960864801650304020105000420",
  sha384: "3041300d060960864801650304020205000430",
  sha512: "3051300d060960864801650304020305000440",
};

/**
 * Signs a message of up to 4096 bytes (`RAW`) or its digest (`DIGEST`) with a key named by id, ARN, alias or alias ARN. An
 * ECDSA signature is DER, as X9.62 has it. Throws the refusals of KMS.
 */
export function kmsSign(
  site: KmsSite,
  keyId: string,
  algorithm: string,
  message: Uint8Array,
  messageType: string,
): { signature: Uint8Array; keyArn: string } {
  if (!known.includes(algorithm)) {
    throw invalid("signingAlgorithm", `Member must satisfy enum value set: [${known.join(", ")}]`);
  }
  if (messageType !== "RAW" && messageType !== "DIGEST") {
    throw invalid("messageType", "Member must satisfy enum value set: [DIGEST, RAW]");
  }
  if (message.length === 0) throw invalid("message", "Member must have length greater than or equal to 1");
  if (message.length > 4096) throw invalid("message", "Member must have length less than or equal to 4096");
  const key = findKey(site, keyId);
  permit(site, "kms:Sign", key, [
    ["kms:SigningAlgorithm", algorithm],
    ["kms:MessageType", messageType],
  ]);
  if (key.spec === "SYMMETRIC_DEFAULT") throw wrongUsage(key, "signing");
  if (!signingAlgorithms[key.spec].includes(algorithm)) {
    throw refuse("InvalidKeyUsageException", 400, `Algorithm ${algorithm} is incompatible with key spec ${key.spec}.`);
  }
  const method = methods[algorithm];
  if (method === undefined) throw refuse("ValidationException", 400, `the sandbox does not sign with ${algorithm}`);
  if (messageType === "RAW") return { signature: signMessage(key.privateKey, method, message), keyArn: key.arn };
  if (key.spec === "ECC_NIST_EDWARDS25519") {
    throw refuse("ValidationException", 400, `Message type DIGEST is incompatible with algorithm ${algorithm}.`);
  }
  if (message.length !== method.bytes) {
    throw refuse("ValidationException", 400, `Digest is invalid length for algorithm ${algorithm}.`);
  }
  return { signature: signHashed(key, method, message), keyArn: key.arn };
}

/** The public half of a signing key: SubjectPublicKeyInfo in DER. Throws the refusals of KMS. */
export function kmsPublicKey(site: KmsSite, keyId: string): { publicKey: Uint8Array; key: SigningKey } {
  const key = findKey(site, keyId);
  permit(site, "kms:GetPublicKey", key);
  if (key.spec === "SYMMETRIC_DEFAULT") {
    throw refuse("UnsupportedOperationException", 400, `${key.arn} is a symmetric key, which has no public key.`);
  }
  const publicKey = createPublicKey(key.privateKey).export({ format: "der", type: "spki" });
  return { publicKey: new Uint8Array(publicKey), key };
}

/** The key that a name stands for. Throws the refusals of KMS. */
export function kmsDescribe(site: KmsSite, keyId: string): KmsKey {
  const key = findKey(site, keyId);
  permit(site, "kms:DescribeKey", key);
  return key;
}

function signMessage(privateKey: KeyObject, { hash }: Method, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(privateKey.asymmetricKeyType === "ed25519" ? null : hash, message, privateKey));
}

function signHashed({ privateKey, spec }: SigningKey, { hash }: Method, digest: Uint8Array): Uint8Array {
  if (spec.startsWith("ECC")) return signDigest(privateKey, digest);
  const padded = Buffer.concat([Buffer.from(digestInfo[hash], "hex"), digest]);
  return new Uint8Array(privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, padded));
}
