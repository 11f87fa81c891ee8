import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DecryptCommand, EncryptCommand, GenerateRandomCommand } from "@aws-sdk/client-kms";
import { GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { roleCaller } from "../../../src/sandbox/aws/credentials.ts";
import {
  type EncryptionContext,
  type KmsSite,
  kmsDecrypt,
  kmsEncrypt,
  kmsRandom,
} from "../../../src/sandbox/aws/kms.ts";
import { mfaSession, refused, type Sandbox, type SdkKeys, sdkKeys, startSandbox } from "./clients.ts";

let clock = Date.UTC(2026, 10, 22, 1, 0, 10);
const entropy = { Effect: "Allow", Action: "kms:GenerateRandom", Resource: "*" };
const sandbox = startSandbox({
  now: () => clock,
  otherUsers: ["bob"],
  policies: ({ execution }) => ({ execution: { ...execution, Statement: [execution.Statement, entropy].flat() } }),
});
const { world, kms, sts } = sandbox;
const [east, west] = world.regions;
if (east === undefined || west === undefined) throw new Error("the world has no two regions");
let session: SdkKeys;
beforeAll(async () => {
  session = await mfaSession(sandbox);
});
afterAll(sandbox.stop);

const kmsauth = { to: "bless-production", from: "alice", user_type: "user" };
const encrypt = (
  context: EncryptionContext | undefined,
  keys = session,
  KeyId: string = east.kmsauthKey,
  on: Sandbox = sandbox,
) => on.kms(keys).send(new EncryptCommand({ KeyId, Plaintext: Buffer.from("token"), EncryptionContext: context }));
/** The function's own access, in a region. */
const functionSite = (region = "us-east-1"): KmsSite => ({
  world,
  caller: roleCaller(world.executionRole, "bless", null),
  region,
});

describe("Encrypt of a kmsauth token", () => {
  test("is allowed for oneself after a second factor, and the function can decrypt it", async () => {
    const answer = await encrypt(kmsauth);
    expect(answer.KeyId).toBe(east.kmsauthKey);
    const opened = kmsDecrypt(functionSite(), answer.CiphertextBlob ?? new Uint8Array(), kmsauth, null);
    expect({ ...opened, plaintext: Buffer.from(opened.plaintext).toString() }).toEqual({
      plaintext: "token",
      keyArn: east.kmsauthKey,
    });
  });

  test.each([
    ["for somebody else", { ...kmsauth, from: "bob" }],
    ["for another service", { ...kmsauth, to: "confidant" }],
    ["as a service", { ...kmsauth, user_type: "service" }],
    ["without a context", undefined],
    ["with a part of the context", { to: "bless-production", user_type: "user" }],
    ["for oneself and somebody else at once", { ...kmsauth, From: "bob" }],
  ])("is denied %s", async (_, context) => {
    const refusal = await refused(encrypt(context));
    expect(refusal).toEqual({
      name: "AccessDeniedException",
      status: 400,
      message: `User: ${world.user.arn} is not authorized to perform: kms:Encrypt on resource: ${east.kmsauthKey} because no identity-based policy allows the kms:Encrypt action`,
    });
  });

  test("is denied without a second factor", async () => {
    const plain = sdkKeys((await sts(world.user).send(new GetSessionTokenCommand({}))).Credentials);
    for (const keys of [world.user, plain]) {
      expect((await refused(encrypt(kmsauth, keys))).name).toBe("AccessDeniedException");
    }
  });

  test("is denied under an explicit deny", async () => {
    const strict = startSandbox({ deny: ["kms:*"] });
    try {
      const refusal = await refused(
        encrypt(kmsauth, await mfaSession(strict), strict.world.regions[0]?.kmsauthKey, strict),
      );
      expect(refusal.message).toEndWith("with an explicit deny in an identity-based policy");
    } finally {
      await strict.stop();
    }
  });

  test("is denied when the key's policy does not know the account", async () => {
    const strict = startSandbox({
      policies: ({ caKey }) => ({ kmsauthKey: caKey }),
    });
    try {
      const refusal = await refused(
        encrypt(kmsauth, await mfaSession(strict), strict.world.regions[0]?.kmsauthKey, strict),
      );
      expect(refusal.message).toEndWith("because no resource-based policy allows the kms:Encrypt action");
    } finally {
      await strict.stop();
    }
  });

  test("can be limited to a recent second factor", async () => {
    const strict = startSandbox({
      now: () => clock,
      policies: ({ user }) => ({
        user: {
          Version: "2012-10-17",
          Statement: [
            user.Statement,
            {
              Effect: "Deny",
              Action: "kms:Encrypt",
              Resource: "*",
              Condition: { NumericGreaterThan: { "aws:MultiFactorAuthAge": "60" } },
            },
          ].flat(),
        },
      }),
    });
    try {
      const keys = await mfaSession(strict);
      const ask = () => encrypt(kmsauth, keys, strict.world.regions[0]?.kmsauthKey, strict);
      await ask();
      clock += 61_000;
      expect((await refused(ask())).message).toContain("explicit deny");
    } finally {
      await strict.stop();
    }
  });

  test("finds the key by id, alias, ARN and alias ARN", async () => {
    const id = east.kmsauthKey.split("/")[1] ?? "";
    for (const name of [id, "alias/kmsauth", east.kmsauthKey, "arn:aws:kms:us-east-1:123456789012:alias/kmsauth"]) {
      expect((await encrypt(kmsauth, session, name)).KeyId).toBe(east.kmsauthKey);
    }
  });

  test("does not find the key of another region, of another account or none", async () => {
    const westId = west.kmsauthKey.split("/")[1] ?? "";
    const caId = east.caKey.split("/")[1] ?? "";
    const expected: [string, string][] = [
      [west.kmsauthKey, "Invalid arn us-west-2"],
      [westId, `Key 'arn:aws:kms:us-east-1:123456789012:key/${westId}' does not exist`],
      [caId, `Key 'arn:aws:kms:us-east-1:123456789012:key/${caId}' does not exist`],
      ["alias/none", "Alias arn:aws:kms:us-east-1:123456789012:alias/none is not found."],
    ];
    for (const [name, message] of expected) {
      expect(await refused(encrypt(kmsauth, session, name))).toEqual({
        name: "NotFoundException",
        status: 400,
        message,
      });
    }
  });
});

describe("Decrypt", () => {
  test("is denied to the people", async () => {
    const { CiphertextBlob } = await encrypt(kmsauth);
    const call = kms(session).send(new DecryptCommand({ CiphertextBlob, EncryptionContext: kmsauth }));
    expect((await refused(call)).message).toContain("not authorized to perform: kms:Decrypt");
  });

  test("by the function needs the very context", () => {
    const alice = { ...functionSite(), caller: { ...functionSite().caller } };
    const sealed = kmsEncrypt(
      { world, region: "us-east-1", caller: { ...userSession() } },
      east.kmsauthKey,
      Buffer.from("token"),
      kmsauth,
    ).ciphertext;
    for (const context of [
      { ...kmsauth, from: "bob" },
      { to: kmsauth.to, from: "alice" },
      { ...kmsauth, extra: "x" },
    ]) {
      expect(() => kmsDecrypt(alice, sealed, context, null)).toThrow(expect.objectContaining({ message: "" }));
    }
    expect(() => kmsDecrypt(alice, sealed, { ...kmsauth, to: "confidant" }, null)).toThrow("not authorized");
    expect(kmsDecrypt(alice, sealed, { user_type: "user", from: "alice", to: kmsauth.to }, null).keyArn).toBe(
      east.kmsauthKey,
    );
  });

  test("refuses a ciphertext that was changed in any byte", () => {
    const sealed = kmsEncrypt(
      { world, region: "us-east-1", caller: userSession() },
      east.kmsauthKey,
      Buffer.from("token"),
      kmsauth,
    );
    for (let index = 0; index < sealed.ciphertext.length; index += 1) {
      const changed = Uint8Array.from(sealed.ciphertext);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => kmsDecrypt(functionSite(), changed, kmsauth, null)).toThrow();
    }
    expect(() => kmsDecrypt(functionSite(), sealed.ciphertext.subarray(0, 20), kmsauth, null)).toThrow();
    expect(() => kmsDecrypt(functionSite(), new Uint8Array(), kmsauth, null)).toThrow();
  });

  test("in another region does not know the key", () => {
    const password = Buffer.from(east.caPassword, "base64");
    expect(Buffer.from(kmsDecrypt(functionSite(), password, {}, null).plaintext)).toEqual(
      Buffer.from(world.ca.passphrase),
    );
    expect(() => kmsDecrypt(functionSite("us-west-2"), password, {}, null)).toThrow("does not exist in this region");
  });

  test("refuses a key that is not the ciphertext's", () => {
    const password = Buffer.from(east.caPassword, "base64");
    expect(() => kmsDecrypt(functionSite(), password, {}, east.kmsauthKey)).toThrow("does not identify a CMK");
  });
});

describe("GenerateRandom", () => {
  test("is for who may, as any other action", async () => {
    expect(kmsRandom(functionSite(), 256)).toHaveLength(256);
    const call = kms(session).send(new GenerateRandomCommand({ NumberOfBytes: 32 }));
    expect((await refused(call)).name).toBe("AccessDeniedException");
  });

  test("gives 1 to 1024 bytes", () => {
    for (const count of [0, 1025, 1.5]) expect(() => kmsRandom(functionSite(), count)).toThrow("between 1 and 1024");
  });
});

test("an expired session is told apart from a wrong one", async () => {
  const keys = sdkKeys((await sts(world.user).send(new GetSessionTokenCommand({ DurationSeconds: 900 }))).Credentials);
  clock += 900_000;
  expect(await refused(encrypt(kmsauth, keys))).toMatchObject({ name: "ExpiredTokenException", status: 400 });
  expect(await refused(encrypt(kmsauth, { ...keys, sessionToken: "x" }))).toMatchObject({
    name: "UnrecognizedClientException",
    status: 400,
  });
});

function userSession() {
  const { arn, id, account } = world.user;
  return { kind: "user-session", arn, userId: id, account, user: world.user, role: null, mfaAt: clock } as const;
}
