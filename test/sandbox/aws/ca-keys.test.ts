import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { AssumeRoleCommand, GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { CA_KEY_TYPES, isInsideKms } from "../../../src/sandbox/aws/ca-key.ts";
import { encodeProof } from "../../../src/wire/caller-identity.ts";
import { formatPublicKey, parsePublicKey } from "../../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint } from "../../../src/wire/signature.ts";
import { refused, type Sandbox, type SdkKeys, sdkKeys, startSandbox } from "./clients.ts";
import { makeProof } from "./proofs.ts";

const blob = publicBlob(generateKeyPairSync("ed25519").publicKey);
const line = formatPublicKey({ type: "ssh-ed25519", blob, comment: "alice" });

function personOf({ world }: Sandbox): SdkKeys {
  if (world.identityCenter === null) throw new Error("nobody of Identity Center");
  return world.identityCenter;
}

async function assume(sandbox: Sandbox, keys: SdkKeys): Promise<SdkKeys> {
  const command = new AssumeRoleCommand({ RoleArn: sandbox.world.userRole.arn, RoleSessionName: "alice" });
  return sdkKeys((await sandbox.sts(keys).send(command)).Credentials);
}

/** What the CA answers a person of Identity Center. */
async function ask(sandbox: Sandbox, change: object = {}, region = "us-east-1"): Promise<Record<string, string>> {
  const keys = personOf(sandbox);
  const event = {
    bastion_user: "alice",
    bastion_user_ip: "127.0.0.1",
    bastion_ips: "127.0.0.1",
    remote_usernames: "alice",
    command: "*",
    public_key_to_sign: line,
    caller_identity: encodeProof(makeProof({ keys, now: sandbox.world.now(), key: sha256Fingerprint(blob) })),
    ...change,
  };
  const Payload = Buffer.from(JSON.stringify(event));
  const input = { FunctionName: sandbox.world.functionName, Qualifier: "PROD", Payload };
  const answer = await sandbox.lambda(await assume(sandbox, keys), { region }).send(new InvokeCommand(input));
  return JSON.parse(Buffer.from(answer.Payload ?? new Uint8Array()).toString()) as Record<string, string>;
}

describe.each([...CA_KEY_TYPES])("a CA with %s", (caKeyType) => {
  test("signs in both regions what ssh-keygen takes for its signature", async () => {
    const sandbox = startSandbox({ caKeyType, identityCenter: true });
    try {
      const { ca } = sandbox.world;
      expect(ca.privateKeyPem === "").toBe(isInsideKms(caKeyType));
      for (const region of ["us-east-1", "us-west-2"]) {
        const { certificate = "" } = await ask(sandbox, {}, region);
        const { stdout } = spawnSync("ssh-keygen", ["-L", "-f", "-"], { input: certificate, encoding: "utf8" });
        expect(stdout).toContain(`${sha256Fingerprint(parsePublicKey(ca.publicKey).blob)} (using `);
        expect(stdout).not.toContain("(using ssh-rsa)");
      }
    } finally {
      await sandbox.stop();
    }
  });
});

describe("a person of Identity Center", () => {
  test("gets the certificate of their own name, and of nobody else's", async () => {
    const sandbox = startSandbox({ identityCenter: true, otherUsers: ["bob"] });
    try {
      expect(await ask(sandbox)).toHaveProperty("certificate");
      const stolen = await ask(sandbox, { bastion_user: "bob", remote_usernames: "bob" });
      expect(stolen).toHaveProperty("errorType");
      expect(stolen).not.toHaveProperty("certificate");
      expect(await ask(sandbox, { caller_identity: undefined })).toHaveProperty("errorType");
    } finally {
      await sandbox.stop();
    }
  });

  test("may assume the function's role with no second factor, which IAM users may not, whatever theirs is", async () => {
    const sandbox = startSandbox({ identityCenter: true });
    try {
      const { world, sts } = sandbox;
      expect(world.sessions.get((await assume(sandbox, personOf(sandbox))).accessKeyId)?.caller.kind).toBe(
        "role-session",
      );
      expect((await refused(assume(sandbox, world.user))).name).toBe("AccessDenied");
      const code = { SerialNumber: world.user.devices[0]?.serial, TokenCode: await world.currentCode() };
      const session = sdkKeys((await sts(world.user).send(new GetSessionTokenCommand(code))).Credentials);
      expect((await refused(assume(sandbox, session))).name).toBe("AccessDenied");
    } finally {
      await sandbox.stop();
    }
  });
});
