import { type EncryptionContext, kmsDecrypt, kmsEncrypt, kmsRandom } from "./kms.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { ServiceCall } from "./server.ts";

/** AWS KMS over JSON 1.1: Encrypt, Decrypt and GenerateRandom. See https://docs.aws.amazon.com/kms/latest/APIReference/ */
export function answerKms(call: ServiceCall): Response {
  const input = readInput(call.body);
  if (call.action === "Encrypt") {
    const context = readContext(input.get("EncryptionContext"));
    checkAlgorithm(input);
    const { ciphertext, keyArn } = kmsEncrypt(call, readText(input, "KeyId"), readBlob(input, "Plaintext"), context);
    return output({ CiphertextBlob: base64(ciphertext), EncryptionAlgorithm: "SYMMETRIC_DEFAULT", KeyId: keyArn });
  }
  if (call.action === "Decrypt") {
    const context = readContext(input.get("EncryptionContext"));
    checkAlgorithm(input);
    const keyId = input.has("KeyId") ? readText(input, "KeyId") : null;
    const { plaintext, keyArn } = kmsDecrypt(call, readBlob(input, "CiphertextBlob"), context, keyId);
    return output({ EncryptionAlgorithm: "SYMMETRIC_DEFAULT", KeyId: keyArn, Plaintext: base64(plaintext) });
  }
  if (call.action === "GenerateRandom") {
    const count = input.get("NumberOfBytes");
    return output({ Plaintext: base64(kmsRandom(call, typeof count === "number" ? count : 0)) });
  }
  throw refuse("UnknownOperationException", 400, "");
}

function output(answer: object): Response {
  return new Response(JSON.stringify(answer), { headers: { "content-type": "application/x-amz-json-1.1" } });
}

function readInput(body: Uint8Array): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    if (typeof value === "object" && value !== null) return new Map(Object.entries(value));
  } catch {
    // Refused below, as any other value that is no object.
  }
  throw malformed("the body is not a JSON object");
}

function readText(input: Map<string, unknown>, name: string): string {
  const value = input.get(name);
  if (typeof value === "string" && value !== "") return value;
  throw malformed(`${name} is missing or not a string`);
}

function readBlob(input: Map<string, unknown>, name: string): Uint8Array {
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

function checkAlgorithm(input: Map<string, unknown>): void {
  const algorithm = input.get("EncryptionAlgorithm") ?? "SYMMETRIC_DEFAULT";
  if (algorithm !== "SYMMETRIC_DEFAULT") throw refuse("InvalidKeyUsageException", 400, "");
}

function malformed(message: string): Refusal {
  return refuse("SerializationException", 400, message);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
