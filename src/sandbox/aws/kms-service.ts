import { type EncryptionContext, kmsDecrypt, kmsEncrypt, kmsRandom } from "./kms.ts";
import { type KmsKey, signingAlgorithms } from "./kms-key.ts";
import { kmsDescribe, kmsPublicKey, kmsSign } from "./kms-sign.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { ServiceCall } from "./server.ts";

type Input = ReadonlyMap<string, unknown>;

const actions: Readonly<Record<string, (call: ServiceCall, input: Input) => object>> = {
  Encrypt: encrypt,
  Decrypt: decrypt,
  GenerateRandom: generateRandom,
  Sign: signMessage,
  GetPublicKey: getPublicKey,
  DescribeKey: describeKey,
};

/**
 * AWS KMS over JSON 1.1: Encrypt, Decrypt, GenerateRandom, Sign, GetPublicKey and DescribeKey. Throws the refusals of
 * https://docs.aws.amazon.com/kms/latest/APIReference/
 */
export function answerKms(call: ServiceCall): Response {
  const input = readInput(call.body);
  const action = Object.hasOwn(actions, call.action) ? actions[call.action] : undefined;
  if (action === undefined) throw refuse("UnknownOperationException", 400, "");
  return output(action(call, input));
}

function encrypt(call: ServiceCall, input: Input): object {
  const context = readContext(input.get("EncryptionContext"));
  checkAlgorithm(input);
  const { ciphertext, keyArn } = kmsEncrypt(call, readText(input, "KeyId"), readBlob(input, "Plaintext"), context);
  return { CiphertextBlob: base64(ciphertext), EncryptionAlgorithm: "SYMMETRIC_DEFAULT", KeyId: keyArn };
}

function decrypt(call: ServiceCall, input: Input): object {
  const context = readContext(input.get("EncryptionContext"));
  checkAlgorithm(input);
  const keyId = input.has("KeyId") ? readText(input, "KeyId") : null;
  const { plaintext, keyArn } = kmsDecrypt(call, readBlob(input, "CiphertextBlob"), context, keyId);
  return { EncryptionAlgorithm: "SYMMETRIC_DEFAULT", KeyId: keyArn, Plaintext: base64(plaintext) };
}

function generateRandom(call: ServiceCall, input: Input): object {
  const count = input.get("NumberOfBytes");
  return { Plaintext: base64(kmsRandom(call, typeof count === "number" ? count : 0)) };
}

function signMessage(call: ServiceCall, input: Input): object {
  const algorithm = readText(input, "SigningAlgorithm");
  const messageType = input.has("MessageType") ? readText(input, "MessageType") : "RAW";
  const message = input.get("Message") === "" ? new Uint8Array() : readBlob(input, "Message");
  const { signature, keyArn } = kmsSign(call, readText(input, "KeyId"), algorithm, message, messageType);
  return { KeyId: keyArn, Signature: base64(signature), SigningAlgorithm: algorithm };
}

function getPublicKey(call: ServiceCall, input: Input): object {
  const { publicKey, key } = kmsPublicKey(call, readText(input, "KeyId"));
  return { KeyId: key.arn, PublicKey: base64(publicKey), ...traits(key) };
}

function describeKey(call: ServiceCall, input: Input): object {
  const key = kmsDescribe(call, readText(input, "KeyId"));
  const id = key.arn.slice(key.arn.lastIndexOf("/") + 1);
  return {
    KeyMetadata: {
      AWSAccountId: key.account,
      Arn: key.arn,
      CreationDate: key.createdAt / 1000,
      Description: "",
      Enabled: true,
      KeyId: id,
      KeyManager: "CUSTOMER",
      KeyState: "Enabled",
      MultiRegion: id.startsWith("mrk-"),
      Origin: "AWS_KMS",
      ...traits(key),
    },
  };
}

function traits({ spec }: KmsKey): object {
  return {
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    KeyUsage: spec === "SYMMETRIC_DEFAULT" ? "ENCRYPT_DECRYPT" : "SIGN_VERIFY",
    ...(spec === "SYMMETRIC_DEFAULT"
      ? { EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"] }
      : { SigningAlgorithms: signingAlgorithms[spec] }),
  };
}

function output(answer: object): Response {
  return new Response(JSON.stringify(answer), { headers: { "content-type": "application/x-amz-json-1.1" } });
}

function readInput(body: Uint8Array): Input {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    if (typeof value === "object" && value !== null) return new Map(Object.entries(value));
  } catch {
    // Refused below, as any other value that is no object.
  }
  throw malformed("the body is not a JSON object");
}

function readText(input: Input, name: string): string {
  const value = input.get(name);
  if (typeof value === "string" && value !== "") return value;
  throw malformed(`${name} is missing or not a string`);
}

function readBlob(input: Input, name: string): Uint8Array {
  const text = readText(input, name);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw malformed(`${name} is not base64`);
  return new Uint8Array(bytes);
}

function readContext(value: unknown): EncryptionContext {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || !Object.values(value).every((item) => typeof item === "string")) {
    throw malformed("EncryptionContext is not a map of strings");
  }
  return { ...value };
}

function checkAlgorithm(input: Input): void {
  const algorithm = input.get("EncryptionAlgorithm") ?? "SYMMETRIC_DEFAULT";
  if (algorithm !== "SYMMETRIC_DEFAULT") throw refuse("InvalidKeyUsageException", 400, "");
}

function malformed(message: string): Refusal {
  return refuse("SerializationException", 400, message);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
