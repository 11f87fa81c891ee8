import { afterAll, describe, expect, test } from "bun:test";
import { createHash, createPublicKey, verify } from "node:crypto";
import { DescribeKeyCommand, EncryptCommand, GetPublicKeyCommand, SignCommand } from "@aws-sdk/client-kms";
import { openSession, roleCaller } from "../../../src/sandbox/aws/credentials.ts";
import { generatePrivateKey, makeSigningKey, type SigningSpec } from "../../../src/sandbox/aws/kms-key.ts";
import { refused, startSandbox } from "./clients.ts";

const sandbox = startSandbox({ caKeyType: "kms-ed25519" });
const { world } = sandbox;
afterAll(sandbox.stop);

const [east] = world.regions;
if (east === undefined) throw new Error("the world has no region");
const session = (role = world.executionRole) => openSession(world, roleCaller(role, "bless", null), 3600);
const kms = (role = world.executionRole, region = "us-east-1") => sandbox.kms(session(role), { region });
const caKey = world.ca.kmsKeys.get("us-east-1") ?? "";
const hostKey = world.hostCa.kmsKeys.get("us-east-1") ?? "";

/** A key of the kind that the function may sign with. */
function addKey(spec: SigningSpec): string {
  const arn = caKey.replace(/[^/]*$/, crypto.randomUUID());
  const policy = world.keys.get(caKey)?.policy ?? { Statement: [] };
  const place = { arn, region: "us-east-1", account: world.caAccount, policy, createdAt: world.now() };
  world.keys.set(arn, makeSigningKey(place, spec, generatePrivateKey(spec)));
  return arn;
}

const kinds = [
  ["ECC_NIST_P256", "ECDSA_SHA_256", "sha256"],
  ["ECC_NIST_P384", "ECDSA_SHA_384", "sha384"],
  ["ECC_NIST_P521", "ECDSA_SHA_512", "sha512"],
  ["RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", "sha256"],
  ["RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", "sha512"],
] as const;

describe("Sign", () => {
  test.each(kinds)("with %s and %s signs messages and digests", async (KeySpec, SigningAlgorithm, hash) => {
    const KeyId = addKey(KeySpec);
    const { PublicKey = new Uint8Array(), ...traits } = await kms().send(new GetPublicKeyCommand({ KeyId }));
    expect(traits).toMatchObject({ KeyId, KeySpec, CustomerMasterKeySpec: KeySpec, KeyUsage: "SIGN_VERIFY" });
    expect(traits.SigningAlgorithms).toContain(SigningAlgorithm);
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    // Often enough that numbers of every length come up in the signature's DER.
    for (let round = 0; round < 12; round++) {
      const message = Buffer.from(`message ${round}`);
      const digest = createHash(hash).update(message).digest();
      const raw = await kms().send(new SignCommand({ KeyId, SigningAlgorithm, Message: message }));
      expect(raw).toMatchObject({ KeyId, SigningAlgorithm });
      expect(verify(hash, message, publicKey, raw.Signature ?? new Uint8Array())).toBe(true);
      const input = { KeyId, SigningAlgorithm, Message: digest, MessageType: "DIGEST" } as const;
      const hashed = await kms().send(new SignCommand(input));
      expect(verify(hash, message, publicKey, hashed.Signature ?? new Uint8Array())).toBe(true);
    }
  });

  test("with Ed25519 takes messages only", async () => {
    const ed25519 = { KeyId: caKey, SigningAlgorithm: "ED25519_SHA_512" } as const;
    const Message = Buffer.alloc(4096, "m");
    const { PublicKey = new Uint8Array() } = await kms().send(new GetPublicKeyCommand({ KeyId: caKey }));
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    const { Signature = new Uint8Array() } = await kms().send(new SignCommand({ ...ed25519, Message }));
    expect(verify(null, Message, publicKey, Signature)).toBe(true);
    const digest = new SignCommand({ ...ed25519, Message: Buffer.alloc(64), MessageType: "DIGEST" });
    expect(await refused(kms().send(digest))).toMatchObject({ name: "ValidationException", status: 400 });
  });

  test.each([
    ["an algorithm of another kind of key", { SigningAlgorithm: "ECDSA_SHA_256" }, "InvalidKeyUsageException"],
    ["SHA-1", { SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_1" }, "ValidationException"],
    ["a key that encrypts", { KeyId: "alias/bless-ca" }, "AccessDeniedException"],
    ["the hosts' key", { KeyId: "alias/bless-host-ca" }, "AccessDeniedException"],
    ["a key that is not there", { KeyId: "alias/other" }, "NotFoundException"],
    ["more than 4096 bytes", { Message: Buffer.alloc(4097) }, "ValidationException"],
    ["nothing", { Message: Buffer.alloc(0) }, "ValidationException"],
    ["another type of message", { MessageType: "EXTERNAL_MU" as const }, "ValidationException"],
  ])("refuses %s", async (_, change, name) => {
    const usual = { KeyId: caKey, SigningAlgorithm: "ED25519_SHA_512", Message: Buffer.from("m") };
    const input = { ...usual, ...change } as ConstructorParameters<typeof SignCommand>[0];
    expect(await refused(kms().send(new SignCommand(input)))).toMatchObject({ name, status: 400 });
  });

  test("refuses a digest of another length", async () => {
    const KeyId = addKey("ECC_NIST_P256");
    for (const length of [20, 31, 33, 64]) {
      const Message = Buffer.alloc(length);
      const call = new SignCommand({ KeyId, SigningAlgorithm: "ECDSA_SHA_256", Message, MessageType: "DIGEST" });
      expect(await refused(kms().send(call))).toEqual({
        name: "ValidationException",
        status: 400,
        message: "Digest is invalid length for algorithm ECDSA_SHA_256.",
      });
    }
  });

  test("is for each CA's own function: not for people, not for hosts, not for the other function", async () => {
    const sign = (KeyId: string, SigningAlgorithm: "ED25519_SHA_512" | "ECDSA_SHA_256") =>
      new SignCommand({ KeyId, SigningAlgorithm, Message: Buffer.from("m") });
    const [users, hosts] = [sign(caKey, "ED25519_SHA_512"), sign(hostKey, "ECDSA_SHA_256")];
    for (const role of [world.userRole, world.hostExecutionRole, world.instance.role]) {
      expect((await refused(kms(role).send(users))).name).toBe("AccessDeniedException");
    }
    for (const role of [world.userRole, world.executionRole, world.instance.role]) {
      expect((await refused(kms(role).send(hosts))).name).toBe("AccessDeniedException");
    }
    expect((await kms(world.hostExecutionRole).send(hosts)).KeyId).toBe(hostKey);
    expect((await refused(sandbox.kms(world.user).send(users))).name).toBe("AccessDeniedException");
  });

  test("tells policies the algorithm and the type of message", async () => {
    const Condition = { StringEquals: { "kms:SigningAlgorithm": "ECDSA_SHA_384", "kms:MessageType": "DIGEST" } };
    const statement = { Effect: "Deny", Principal: "*", Action: "kms:Sign", Resource: "*", Condition };
    const KeyId = addKey("ECC_NIST_P384");
    const key = world.keys.get(KeyId);
    if (key === undefined) throw new Error("no key");
    world.keys.set(KeyId, { ...key, policy: { ...key.policy, Statement: [key.policy.Statement, statement].flat() } });
    const input = { KeyId, SigningAlgorithm: "ECDSA_SHA_384", Message: Buffer.alloc(48) } as const;
    expect((await kms().send(new SignCommand(input))).KeyId).toBe(KeyId);
    const denied = await refused(kms().send(new SignCommand({ ...input, MessageType: "DIGEST" })));
    expect(denied.message).toContain("explicit deny in a resource-based policy");
  });
});

describe("DescribeKey", () => {
  test("tells of both kinds of keys", async () => {
    const signing = await kms().send(new DescribeKeyCommand({ KeyId: "alias/bless-ca-signing" }));
    expect(signing.KeyMetadata).toMatchObject({
      AWSAccountId: world.caAccount,
      Arn: caKey,
      Enabled: true,
      KeyManager: "CUSTOMER",
      KeySpec: "ECC_NIST_EDWARDS25519",
      KeyState: "Enabled",
      KeyUsage: "SIGN_VERIFY",
      MultiRegion: true,
      Origin: "AWS_KMS",
      SigningAlgorithms: ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
    });
    expect(signing.KeyMetadata?.CreationDate).toBeInstanceOf(Date);
    const tokens = await kms().send(new DescribeKeyCommand({ KeyId: east.kmsauthKey }));
    expect(tokens.KeyMetadata).toMatchObject({
      Arn: east.kmsauthKey,
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyUsage: "ENCRYPT_DECRYPT",
      MultiRegion: false,
    });
  });

  test("is not for people", async () => {
    const call = sandbox.kms(session(world.userRole)).send(new DescribeKeyCommand({ KeyId: caKey }));
    expect((await refused(call)).name).toBe("AccessDeniedException");
  });
});

test("a CA's key is the same in both regions", async () => {
  const [one, other] = await Promise.all(
    ["us-east-1", "us-west-2"].map((region) =>
      kms(world.executionRole, region).send(new GetPublicKeyCommand({ KeyId: world.ca.kmsKeys.get(region) ?? "" })),
    ),
  );
  expect(one?.PublicKey).toEqual(other?.PublicKey ?? new Uint8Array());
  expect(one?.KeyId?.replace("us-east-1", "us-west-2")).toBe(other?.KeyId ?? "");
});

test("a symmetric key has no public half, and a signing key encrypts nothing", async () => {
  const root = { Effect: "Allow", Principal: { AWS: world.executionRole.arn }, Action: "kms:*", Resource: "*" };
  for (const arn of [east.kmsauthKey, caKey]) {
    const key = world.keys.get(arn);
    if (key !== undefined) world.keys.set(arn, { ...key, policy: { Version: "2012-10-17", Statement: [root] } });
  }
  const role = { ...world.executionRole, policies: [{ Statement: { Effect: "Allow", Action: "*", Resource: "*" } }] };
  const get = kms(role).send(new GetPublicKeyCommand({ KeyId: east.kmsauthKey }));
  expect((await refused(get)).name).toBe("UnsupportedOperationException");
  const input = { KeyId: east.kmsauthKey, SigningAlgorithm: "ECDSA_SHA_256", Message: Buffer.from("m") } as const;
  expect((await refused(kms(role).send(new SignCommand(input)))).name).toBe("InvalidKeyUsageException");
  const encrypt = new EncryptCommand({ KeyId: caKey, Plaintext: Buffer.from("m") });
  expect((await refused(kms(role).send(encrypt))).name).toBe("InvalidKeyUsageException");
});
