import { afterAll, describe, expect, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { request } from "node:http";
import { openSession, roleCaller } from "../../../src/sandbox/aws/credentials.ts";
import { worldAws } from "../../../src/sandbox/aws/world-aws.ts";
import { type IdentityProof, KEY_HEADER, PROOF_BODY } from "../../../src/wire/caller-identity.ts";
import { refused, startSandbox } from "./clients.ts";
import { makeProof } from "./proofs.ts";

let clock = Date.UTC(2026, 10, 22, 1, 0, 10);
const sandbox = startSandbox({ now: () => clock, caKeyType: "kms-ecdsa-256", identityCenter: true });
const { world } = sandbox;
const aws = worldAws(world, "us-east-1");
afterAll(sandbox.stop);

const session = openSession(world, roleCaller(world.instance.role, world.instance.id, null), 3600);
const proof = (change: Partial<Parameters<typeof makeProof>[0]> = {}) =>
  makeProof({ keys: session, now: clock, ...change });
const changed = ({ region, headers }: IdentityProof, more: Record<string, string>) => ({
  region,
  headers: { ...headers, ...more },
});

describe("AWS as the function sees it", () => {
  test("signs with the CA's key, which it can look up, and with no other", async () => {
    const arn = world.ca.kmsKeys.get("us-east-1") ?? "";
    expect(await aws.keyArn("alias/bless-ca-signing")).toBe(arn);
    const der = Buffer.from(await aws.publicKey(arn));
    const message = Buffer.from("a certificate");
    const signature = await aws.sign(arn, "ECDSA_SHA_256", message, "RAW");
    expect(verify("sha256", message, createPublicKey({ key: der, format: "der", type: "spki" }), signature)).toBe(true);
    const hosts = aws.sign(world.hostCa.kmsKeys.get("us-east-1") ?? "", "ECDSA_SHA_256", message, "RAW");
    expect(await refused(hosts)).toMatchObject({ name: "AccessDeniedException" });
    expect(await refused(aws.sign(arn, "ECDSA_SHA_384", message, "RAW"))).toMatchObject({
      name: "InvalidKeyUsageException",
    });
  });

  test("gives errors AWS's names", async () => {
    expect((await refused(aws.keyArn("alias/nothing"))).name).toBe("NotFoundException");
    expect((await refused(aws.groupsOf("mallory"))).name).toBe("NoSuchEntity");
    expect((await refused(aws.decrypt(new Uint8Array(3), {}))).name).toBe("InvalidCiphertextException");
  });
});

describe("a proof of identity", () => {
  test("tells whose it is", async () => {
    expect(await aws.callerIdentity(proof())).toEqual({
      arn: `arn:aws:sts::${world.userAccount}:assumed-role/web-server/${world.instance.id}`,
      account: world.userAccount,
      userId: `${world.instance.role.id}:${world.instance.id}`,
    });
    const { identityCenter } = world;
    if (identityCenter === null) throw new Error("nobody of Identity Center");
    expect((await aws.callerIdentity(proof({ keys: identityCenter }))).arn).toBe(
      `arn:aws:sts::${world.userAccount}:assumed-role/AWSReservedSSO_Engineer_0123456789abcdef/alice`,
    );
    expect((await aws.callerIdentity(proof({ keys: world.user, region: "us-west-2" }))).arn).toBe(world.user.arn);
  });

  test.each([
    ["for another key than was signed", () => changed(proof(), { [KEY_HEADER]: "SHA256:y" }), "SignatureDoesNotMatch"],
    ["for another service", () => proof({ service: "kms" }), "SignatureDoesNotMatch"],
    ["for another region than it says", () => ({ ...proof(), region: "us-west-2" }), "SignatureDoesNotMatch"],
    ["for a region that is not there", () => proof({ region: "eu-west-1" }), "SignatureDoesNotMatch"],
    ["signed 16 minutes ago", () => proof({ now: clock - 16 * 60_000 }), "SignatureDoesNotMatch"],
    ["signed in 16 minutes", () => proof({ now: clock + 16 * 60_000 }), "SignatureDoesNotMatch"],
    ["with another token", () => changed(proof(), { "x-amz-security-token": "x" }), "InvalidClientTokenId"],
    [
      "with another secret",
      () => proof({ keys: { ...session, secretAccessKey: world.user.secretAccessKey } }),
      "SignatureDoesNotMatch",
    ],
    ["of nobody", () => proof({ keys: { accessKeyId: "AKIAX", secretAccessKey: "x" } }), "InvalidClientTokenId"],
    ["without a signature", () => changed(proof(), { authorization: "none" }), "IncompleteSignature"],
  ])("is refused %s", async (_, make, name) => {
    expect(await refused(aws.callerIdentity(make()))).toMatchObject({ name });
  });

  test("may be handed on: the endpoint takes it from anybody, with the host and headers it was signed for", async () => {
    const good = await hand(proof());
    expect(good.status).toBe(200);
    expect(good.body).toContain(`<Arn>arn:aws:sts::${world.userAccount}:assumed-role/web-server/`);
    expect(sandbox.records.at(-1)).toMatchObject({ service: "sts", action: "GetCallerIdentity", allowed: true });
    const stolen = await hand(changed(proof(), { [KEY_HEADER]: "SHA256:y" }));
    expect([stolen.status, stolen.body.includes("<Code>SignatureDoesNotMatch</Code>")]).toEqual([403, true]);
  });

  test("ends with its session", async () => {
    const short = openSession(world, roleCaller(world.instance.role, world.instance.id, null), 900);
    clock += 900_000;
    expect(await refused(aws.callerIdentity(proof({ keys: short })))).toMatchObject({ name: "ExpiredToken" });
  });
});

/** Sends a proof as it was signed, Host header and all. */
function hand({ headers }: IdentityProof): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(sandbox.url, { method: "POST", path: "/", headers: { ...headers } }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += String(chunk);
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    call.on("error", reject);
    call.end(PROOF_BODY);
  });
}
