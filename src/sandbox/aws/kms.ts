import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { authorize } from "./authorization.ts";
import { type Caller, requestContext } from "./credentials.ts";
import type { KmsKey, SymmetricKey } from "./kms-key.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { World } from "./world.ts";

/** An encryption context: what a ciphertext is bound to. */
export type EncryptionContext = Readonly<Record<string, string>>;

/** Who asks for something of KMS, and of which region's. */
export type KmsSite = { readonly world: World; readonly caller: Caller; readonly region: string };

const format = Buffer.from([1]);
const arnLengthBytes = 2;
const ivBytes = 12;
const tagBytes = 16;

/**
 * Encrypts up to 4096 bytes under a key, named by id, ARN, alias or alias ARN: AES-256-GCM with the context as additional
 * data. The ciphertext names its key. Throws the refusals of KMS.
 */
export function kmsEncrypt(
  site: KmsSite,
  keyId: string,
  plaintext: Uint8Array,
  context: EncryptionContext,
): { ciphertext: Uint8Array; keyArn: string } {
  const key = findKey(site, keyId);
  permit(site, "kms:Encrypt", key, contextKeys(context));
  if (key.spec !== "SYMMETRIC_DEFAULT") throw wrongUsage(key, "encryption");
  if (plaintext.length === 0 || plaintext.length > 4096) {
    throw invalid("plaintext", "Member must have length between 1 and 4096");
  }
  return { ciphertext: sealUnder(key, plaintext, context), keyArn: key.arn };
}

/** The ciphertext that Encrypt gives to those who may. */
export function sealUnder(key: SymmetricKey, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
  const arn = Buffer.from(key.arn);
  const length = Buffer.alloc(arnLengthBytes);
  length.writeUInt16BE(arn.length);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", key.material, iv).setAAD(additionalData(key, context));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return new Uint8Array(Buffer.concat([format, length, arn, iv, cipher.getAuthTag(), sealed]));
}

/**
 * Decrypts a ciphertext of Encrypt, in the same region with the same context; `keyId`, when given, must be the key it was
 * made with. Throws the refusals of KMS.
 */
export function kmsDecrypt(
  site: KmsSite,
  ciphertext: Uint8Array,
  context: EncryptionContext,
  keyId: string | null,
): { plaintext: Uint8Array; keyArn: string } {
  const wanted = keyId === null ? null : findKey(site, keyId);
  const bytes = Buffer.from(ciphertext);
  const arnEnd = bytes.length < 3 ? 0 : 3 + bytes.readUInt16BE(1);
  if (bytes[0] !== format[0] || bytes.length < arnEnd + ivBytes + tagBytes) throw unreadable();
  const key = site.world.keys.get(bytes.toString("utf8", 3, arnEnd));
  if (key?.spec !== "SYMMETRIC_DEFAULT" || key.region !== site.region) {
    throw refuse(
      "AccessDeniedException",
      400,
      "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
    );
  }
  if (wanted !== null && wanted !== key) {
    throw refuse(
      "IncorrectKeyException",
      400,
      "The key ID in the request does not identify a CMK that can perform this operation.",
    );
  }
  permit(site, "kms:Decrypt", key, contextKeys(context));
  const tagStart = arnEnd + ivBytes;
  const decipher = createDecipheriv("aes-256-gcm", key.material, bytes.subarray(arnEnd, tagStart));
  decipher.setAAD(additionalData(key, context)).setAuthTag(bytes.subarray(tagStart, tagStart + tagBytes));
  const opened = decipher.update(bytes.subarray(tagStart + tagBytes));
  try {
    return { plaintext: new Uint8Array(Buffer.concat([opened, decipher.final()])), keyArn: key.arn };
  } catch {
    throw unreadable();
  }
}

/** 1 to 1024 random bytes. Throws the refusals of KMS. */
export function kmsRandom(site: KmsSite, count: number): Uint8Array {
  authorize(site.caller, {
    action: "kms:GenerateRandom",
    resource: "*",
    account: site.caller.account,
    context: requestContext(site.world, site.caller, site.region),
    resourcePolicy: null,
    resourceMustAgree: false,
    kind: "resource",
  });
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw invalid("numberOfBytes", "Member must have value between 1 and 1024");
  }
  return new Uint8Array(randomBytes(count));
}

/** The key that an id, ARN, alias or alias ARN names. Throws the refusals of KMS. */
export function findKey({ world, caller, region }: KmsSite, keyId: string): KmsKey {
  const arn = /^arn:aws:kms:([^:]*):\d{12}:(?:key|alias)\/./.exec(keyId);
  if (arn !== null && arn[1] !== region) throw refuse("NotFoundException", 400, `Invalid arn ${arn[1]}`);
  const path = keyId.startsWith("alias/") ? keyId : `key/${keyId}`;
  const full = arn === null ? `arn:aws:kms:${region}:${caller.account}:${path}` : keyId;
  const key = world.keys.get(world.keyAliases.get(full) ?? full);
  if (key !== undefined) return key;
  const message = full.includes(":alias/") ? `Alias ${full} is not found.` : `Key '${full}' does not exist`;
  throw refuse("NotFoundException", 400, message);
}

/** Throws unless the policies allow an action on a key; `extra` are values of the request that conditions may name. */
export function permit(
  { world, caller, region }: KmsSite,
  action: string,
  key: KmsKey,
  extra: readonly (readonly [string, string])[] = [],
): void {
  authorize(caller, {
    action,
    resource: key.arn,
    account: key.account,
    context: requestContext(world, caller, region, [...extra, ["kms:CallerAccount", caller.account]]),
    resourcePolicy: key.policy,
    resourceMustAgree: true,
    kind: "resource",
  });
}

function contextKeys(context: EncryptionContext): (readonly [string, string])[] {
  return Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value]);
}

function additionalData(key: KmsKey, context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify([key.arn, pairs]));
}

// KMS sends this error without a message.
function unreadable(): Refusal {
  return refuse("InvalidCiphertextException", 400, "");
}

/** The refusal of a key that is for something else. */
export function wrongUsage(key: KmsKey, purpose: string): Refusal {
  const usage = key.spec === "SYMMETRIC_DEFAULT" ? "ENCRYPT_DECRYPT" : "SIGN_VERIFY";
  return refuse("InvalidKeyUsageException", 400, `${key.arn} key usage is ${usage} which is not valid for ${purpose}.`);
}

/** The refusal of a member whose value breaks a rule of the API. */
export function invalid(member: string, constraint: string): Refusal {
  return refuse(
    "ValidationException",
    400,
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}
