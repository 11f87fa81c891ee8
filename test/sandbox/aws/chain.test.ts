import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { EncryptCommand } from "@aws-sdk/client-kms";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { worldSecrets } from "../../../src/sandbox/aws/credentials.ts";
import { encodeUserRequest, parseAnswer } from "../../../src/wire/bless.ts";
import { encodeBase64 } from "../../../src/wire/bytes.ts";
import { parseCertificate } from "../../../src/wire/certificate.ts";
import { formatValidity, kmsauthContext } from "../../../src/wire/kmsauth.ts";
import { formatPublicKey, parsePublicKey } from "../../../src/wire/public-key.ts";
import { publicBlob, verifyCertificate } from "../../../src/wire/signature.ts";
import { mfaSession, refused, type Sandbox, type SdkKeys, sdkKeys, serial, startSandbox } from "./clients.ts";

const publicKey = formatPublicKey({
  type: "ssh-ed25519",
  blob: publicBlob(generateKeyPairSync("ed25519").publicKey),
  comment: "alice",
});

type Person = { readonly session: SdkKeys; readonly role: SdkKeys };

async function signIn(sandbox: Sandbox): Promise<Person> {
  const session = await mfaSession(sandbox);
  const command = new AssumeRoleCommand({ RoleArn: sandbox.world.userRole.arn, RoleSessionName: "mfaassume" });
  return { session, role: sdkKeys((await sandbox.sts(session).send(command)).Credentials) };
}

async function kmsauthToken(sandbox: Sandbox, { session }: Person, place = 0, minutes = 10): Promise<string> {
  const { world } = sandbox;
  const region = world.regions[place];
  const notBefore = world.now() - 180_000;
  const context = kmsauthContext({ from: world.user.name, to: world.kmsauthService, userType: "user" });
  const Plaintext = Buffer.from(formatValidity(notBefore, notBefore + minutes * 60_000));
  const kms = sandbox.kms(session, { region: region?.name ?? "" });
  const answer = await kms.send(
    new EncryptCommand({ KeyId: region?.kmsauthKey, Plaintext, EncryptionContext: context }),
  );
  return encodeBase64(answer.CiphertextBlob ?? new Uint8Array());
}

async function ask(sandbox: Sandbox, { role }: Person, token: string, change: object = {}, region = "us-east-1") {
  const { user } = sandbox.world;
  const request = {
    bastion_user: user.name,
    bastion_user_ip: "127.0.0.1",
    bastion_ips: "127.0.0.1",
    remote_usernames: user.name,
    command: "*",
    public_key_to_sign: publicKey,
    kmsauth_token: token,
    ...change,
  };
  const command = new InvokeCommand({
    FunctionName: sandbox.world.functionName,
    Qualifier: "PROD",
    LogType: "Tail",
    Payload: encodeUserRequest(request),
  });
  const answer = await sandbox.lambda(role, { region }).send(command);
  return {
    answer: parseAnswer(answer.Payload ?? new Uint8Array()),
    log: Buffer.from(answer.LogResult ?? "", "base64").toString(),
  };
}

function certificateOf(answer: object) {
  if (!("certificate" in answer)) throw new Error(`no certificate: ${JSON.stringify(answer)}`);
  return parseCertificate(String(answer.certificate));
}

describe.each(["ed25519", "rsa"] as const)("the whole chain, with an %s CA", (caKeyType) => {
  test("ends with a certificate for the person's key that the CA signed", async () => {
    const sandbox = startSandbox({ caKeyType, certSeconds: 300 });
    try {
      const { world, sts, records } = sandbox;
      expect((await sts(world.user).send(new GetCallerIdentityCommand({}))).Arn).toBe(world.user.arn);
      const person = await signIn(sandbox);
      const { answer } = await ask(sandbox, person, await kmsauthToken(sandbox, person));
      const certificate = certificateOf(answer);
      expect(verifyCertificate(certificate)).toBe(true);
      expect(certificate.signatureKey).toEqual(parsePublicKey(world.ca.publicKey).blob);
      expect(certificate.publicKey).toEqual(parsePublicKey(publicKey).blob);
      expect(certificate.principals).toEqual(["alice"]);
      const seconds = Number(certificate.validBefore) - Date.now() / 1000;
      expect(Math.abs(seconds - 300)).toBeLessThan(5);
      expect(records.map(({ action, allowed }) => `${action} ${allowed}`)).toEqual([
        "GetCallerIdentity true",
        "GetSessionToken true",
        "AssumeRole true",
        "Encrypt true",
        "Invoke true",
      ]);
    } finally {
      await sandbox.stop();
    }
  });
});

describe("the CA in the sandbox", () => {
  let clock = Date.UTC(2026, 10, 22, 1, 0, 10);
  const sandbox = startSandbox({ now: () => clock, user: "Ali.ce" });
  let person: Person;
  let token: string;
  beforeAll(async () => {
    person = await signIn(sandbox);
    token = await kmsauthToken(sandbox, person);
  });
  afterAll(sandbox.stop);

  test("signs in the second region too, for tokens of that region only", async () => {
    const west = await kmsauthToken(sandbox, person, 1);
    expect(certificateOf((await ask(sandbox, person, west, {}, "us-west-2")).answer).principals).toEqual(["Ali.ce"]);
    const { answer } = await ask(sandbox, person, token, {}, "us-west-2");
    expect(answer).toMatchObject({ errorType: "KMSAuthValidationError" });
  });

  test.each([
    ["another person's name", { bastion_user: "bob", remote_usernames: "bob" }, "KMSAuthValidationError"],
    ["another principal", { remote_usernames: "root" }, "KMSAuthValidationError"],
    ["a token that is none", { kmsauth_token: "AAAA" }, "KMSAuthValidationError"],
    ["no token", { kmsauth_token: undefined }, "InputValidationError"],
    ["an address that is none", { bastion_ips: "here" }, "InputValidationError"],
  ])("refuses %s", async (_, change, errorType) => {
    expect((await ask(sandbox, person, token, change)).answer).toMatchObject({ errorType });
  });

  test("refuses a token at its end, and one that lives too long", async () => {
    const long = await kmsauthToken(sandbox, person, 0, 61);
    expect((await ask(sandbox, person, long)).answer).toMatchObject({ errorType: "KMSAuthValidationError" });
    clock += 8 * 60_000;
    expect((await ask(sandbox, person, token)).answer).toMatchObject({
      errorMessage: expect.stringContaining("Invalid time validity"),
    });
  });

  test("cannot open its key without the permission to", async () => {
    const strict = startSandbox({
      policies: ({ execution }) => ({
        execution: {
          Version: "2012-10-17",
          Statement: [execution.Statement, { Effect: "Deny", Action: "kms:Decrypt", Resource: "*" }].flat(),
        },
      }),
    });
    try {
      const someone = await signIn(strict);
      const { answer } = await ask(strict, someone, await kmsauthToken(strict, someone));
      expect(answer).toMatchObject({
        errorType: "ClientError",
        errorMessage: "The CA's key cannot be opened (AccessDeniedException).",
      });
    } finally {
      await strict.stop();
    }
  });

  test("can be replaced by another function", async () => {
    const wrong = startSandbox({
      caBehaviour: (bless) => async (payload, context) => {
        const { payload: answer } = await bless(payload, context);
        return { payload: answer.subarray(0, 20) };
      },
    });
    try {
      const someone = await signIn(wrong);
      await expect(ask(wrong, someone, await kmsauthToken(wrong, someone))).rejects.toThrow();
    } finally {
      await wrong.stop();
    }
  });
});

describe("the log", () => {
  const fields = ["action", "allowed", "ms", "principal", "region", "requestId", "service", "time"];

  test("has one record for each request and none of the world's secrets", async () => {
    const sandbox = startSandbox({ totpPeriodSeconds: 1, totpDriftSteps: 5 });
    try {
      const { world, sts, kms, records } = sandbox;
      const person = await signIn(sandbox);
      const token = await kmsauthToken(sandbox, person);
      const { log } = await ask(sandbox, person, token);
      const code = await world.currentCode();
      const input = { SerialNumber: serial(world), TokenCode: code };
      await sts(world.user).send(new GetSessionTokenCommand(input));
      await refused(sts(world.user).send(new GetSessionTokenCommand(input)));
      const swapped = { accessKeyId: world.user.secretAccessKey.slice(0, 20), secretAccessKey: world.user.accessKeyId };
      await refused(sts(swapped).send(new GetCallerIdentityCommand({})));
      await refused(kms(person.session).send(new EncryptCommand({ KeyId: token, Plaintext: Buffer.from(code) })));
      await refused(sts({ ...person.session, secretAccessKey: "x" }).send(new GetCallerIdentityCommand({})));
      await fetch(sandbox.url, { method: "POST", body: `Action=${encodeURIComponent(world.user.secretAccessKey)}` });

      expect(records).toHaveLength(10);
      for (const record of records) {
        expect(Object.keys(record).sort()).toEqual(fields);
        expect(record.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(record.ms).toBeGreaterThan(0);
      }
      const written = JSON.stringify(records) + log;
      const secrets = [...worldSecrets(world), token, world.user.secretAccessKey.slice(0, 20)];
      expect(secrets.length).toBeGreaterThan(20);
      for (const secret of secrets) expect(written.includes(secret)).toBe(false);
      expect(written).not.toMatch(new RegExp(`(?<![0-9])${code}(?![0-9])`));
    } finally {
      await sandbox.stop();
    }
  });

  test("tells who asked and why it was refused", async () => {
    const sandbox = startSandbox();
    try {
      const { world, kms, records } = sandbox;
      await refused(
        kms(world.user, { region: "us-west-2" }).send(
          new EncryptCommand({ KeyId: "alias/kmsauth", Plaintext: Buffer.from("x") }),
        ),
      );
      expect(records).toEqual([
        expect.objectContaining({
          service: "kms",
          action: "Encrypt",
          region: "us-west-2",
          principal: world.user.arn,
          allowed: "AccessDeniedException",
        }),
      ]);
    } finally {
      await sandbox.stop();
    }
  });
});
