import { afterAll, describe, expect, test } from "bun:test";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { fromInstanceMetadata } from "@aws-sdk/credential-providers";
import { readInstanceCertificates, readInstanceIdentity } from "../../src/ca/instance-identity.ts";
import { generatePrivateKey } from "../../src/sandbox/aws/kms-key.ts";
import { startMetadataService } from "../../src/sandbox/metadata-service.ts";
import { parseAnswer } from "../../src/wire/bless.ts";
import { encodeProof } from "../../src/wire/caller-identity.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint, verifyCertificate } from "../../src/wire/signature.ts";
import { refused, startSandbox } from "./aws/clients.ts";
import { makeProof } from "./aws/proofs.ts";

const audit: Record<string, unknown>[] = [];
const hosts = ["web1.sandbox.test", "Web2.sandbox.test"];
const sandbox = startSandbox({ hosts, audit: (record) => audit.push(record) });
const { world } = sandbox;
const metadata = startMetadataService(world);
afterAll(async () => {
  metadata.stop();
  await sandbox.stop();
});

const base = "/latest/meta-data/iam/security-credentials/";
const ask = (path: string, token: string | null, method = "GET") =>
  fetch(`${metadata.url}${path}`, { method, headers: token === null ? {} : { "x-aws-ec2-metadata-token": token } });
const page = async (path: string) => (await ask(path, await newToken())).text();
async function newToken(seconds = "60"): Promise<string> {
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": seconds };
  return (await fetch(`${metadata.url}/latest/api/token`, { method: "PUT", headers })).text();
}

describe("the metadata service", () => {
  test("answers nothing without a token, as IMDSv2 does", async () => {
    expect((await ask(base, null)).status).toBe(401);
    expect((await ask(base, "x")).status).toBe(401);
    expect((await ask("/latest/api/token", null)).status).toBe(405);
    expect((await ask("/latest/api/token", null, "PUT")).status).toBe(400);
    const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "60", "x-forwarded-for": "192.0.2.1" };
    expect((await fetch(`${metadata.url}/latest/api/token`, { method: "PUT", headers })).status).toBe(403);
    expect((await ask("/latest/user-data", await newToken())).status).toBe(404);
  });

  test("gives AWS's own SDK a session of the instance's role", async () => {
    process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadata.url;
    try {
      const credentials = await fromInstanceMetadata()();
      expect(world.sessions.get(credentials.accessKeyId)?.caller.arn).toBe(
        `arn:aws:sts::${world.userAccount}:assumed-role/web-server/${world.instance.id}`,
      );
      expect(await page(base)).toBe("web-server");
    } finally {
      delete process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"];
    }
  });

  test("gives a document that the sandbox's certificate has signed", async () => {
    const document = await page("/latest/dynamic/instance-identity/document");
    const signature = await page("/latest/dynamic/instance-identity/signature");
    const keys = readInstanceCertificates([world.instance.certificate]);
    expect(readInstanceIdentity(document, signature, keys)).toMatchObject({
      accountId: world.userAccount,
      instanceId: await page("/latest/meta-data/instance-id"),
      region: "us-east-1",
    });
    expect(() => readInstanceIdentity(document.replace("arm64", "arm65"), signature, keys)).toThrow();
  });
});

describe("the function for hosts", () => {
  const privateKey = generatePrivateKey("ECC_NIST_EDWARDS25519");
  const blob = publicBlob(privateKey);
  const line = formatPublicKey({ type: "ssh-ed25519", blob, comment: "" });

  async function enrol(change: Record<string, unknown> = {}) {
    const { AccessKeyId, SecretAccessKey, Token } = JSON.parse(await page(`${base}web-server`)) as Record<
      string,
      string
    >;
    const keys = { accessKeyId: AccessKeyId ?? "", secretAccessKey: SecretAccessKey ?? "", sessionToken: Token ?? "" };
    const event = {
      hostnames: "web1.sandbox.test",
      public_key_to_sign: line,
      caller_identity: encodeProof(makeProof({ keys, now: world.now(), key: sha256Fingerprint(blob) })),
      instance_identity_document: world.instance.document,
      instance_identity_signature: world.instance.signature,
      ...change,
    };
    const FunctionName = `arn:aws:lambda:us-east-1:${world.caAccount}:function:${world.hostFunctionName}`;
    const Payload = Buffer.from(JSON.stringify(event));
    const answer = await sandbox.lambda(keys).send(new InvokeCommand({ FunctionName, Qualifier: "PROD", Payload }));
    return parseAnswer(answer.Payload ?? new Uint8Array());
  }

  test("certifies the instance's key for its names, with the hosts' CA", async () => {
    const answer = await enrol();
    if (!("certificate" in answer)) throw new Error(answer.errorMessage);
    const certificate = parseCertificate(answer.certificate);
    expect(certificate).toMatchObject({ kind: "host", principals: ["web1.sandbox.test"] });
    expect(certificate.signatureKey).toEqual(parsePublicKey(world.hostCa.publicKey).blob);
    expect(verifyCertificate(certificate)).toBe(true);
    expect(audit.at(-1)).toMatchObject({ event: "decision", decision: "granted", kind: "host" });
  });

  test("refuses other names, and who brings no document", async () => {
    expect(await enrol({ hostnames: "db1.sandbox.test" })).toHaveProperty("errorType");
    expect(audit.at(-1)).toMatchObject({ event: "decision", decision: "refused", kind: "host" });
    expect(
      await enrol({ instance_identity_document: undefined, instance_identity_signature: undefined }),
    ).toHaveProperty("errorType");
  });

  test("is not for people", async () => {
    const FunctionName = `arn:aws:lambda:us-east-1:${world.caAccount}:function:${world.hostFunctionName}`;
    const call = sandbox.lambda(world.user).send(new InvokeCommand({ FunctionName, Payload: Buffer.from("{}") }));
    expect((await refused(call)).name).toBe("AccessDeniedException");
  });
});
