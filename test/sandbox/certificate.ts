// A client that is not bssh: gets a certificate for ~/.ssh/blessid from the sandbox in force, with AWS's own SDK.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { AssumeRoleCommand, type Credentials, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { parse } from "smol-toml";
import { encodeUserRequest, parseAnswer } from "../../src/wire/bless.ts";
import { formatValidity, kmsauthContext } from "../../src/wire/kmsauth.ts";

export async function fetchCertificate(name: string): Promise<void> {
  const home = process.env["HOME"] ?? "";
  const config = parse(readFileSync(process.env["BSSH_CONFIG"] ?? "", "utf8")) as {
    identity_file: string;
    kmsauth_service: string;
    mfa_command: string;
    lambda: { function: string; version: string; role: string; account_id: string };
    region: { aws_region: string; kmsauth_key: string }[];
  };
  const serial = /mfa_serial = (.*)/.exec(readFileSync(`${home}/.aws/config`, "utf8"))?.[1];
  run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", config.identity_file]);
  const publicKey = readFileSync(`${config.identity_file}.pub`, "utf8");

  const code = run(["sh", "-c", config.mfa_command]);
  const sts = new STSClient({});
  const { Credentials: session } = await sts.send(
    new GetSessionTokenCommand({ SerialNumber: serial, TokenCode: code }),
  );
  const credentials = credentialsOf(session);
  const { CiphertextBlob: token = new Uint8Array() } = await new KMSClient({ credentials }).send(
    new EncryptCommand({
      KeyId: config.region[0]?.kmsauth_key,
      Plaintext: Buffer.from(formatValidity(Date.now() - 60_000, Date.now() + 1_800_000)),
      EncryptionContext: kmsauthContext({ from: name, to: config.kmsauth_service, userType: "user" }),
    }),
  );
  const { lambda } = config;
  const { Credentials: role } = await new STSClient({ credentials }).send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${lambda.account_id}:role/${lambda.role}`, RoleSessionName: name }),
  );
  const { Payload: payload = new Uint8Array() } = await new LambdaClient({ credentials: credentialsOf(role) }).send(
    new InvokeCommand({
      FunctionName: `arn:aws:lambda:${config.region[0]?.aws_region}:${lambda.account_id}:function:${lambda.function}`,
      Qualifier: lambda.version,
      Payload: encodeUserRequest({
        bastion_ips: "127.0.0.1",
        bastion_user: name,
        bastion_user_ip: "127.0.0.1",
        command: "ssh",
        public_key_to_sign: publicKey.trim(),
        remote_usernames: name,
        kmsauth_token: Buffer.from(token).toString("base64"),
      }),
    }),
  );
  const answer = parseAnswer(payload);
  if (!("certificate" in answer)) throw new Error(`${answer.errorType}: ${answer.errorMessage}`);
  writeFileSync(`${config.identity_file}-cert.pub`, answer.certificate);
}

function credentialsOf(found: Credentials | undefined) {
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = found ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

function run([program = "", ...words]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return stdout.trim();
}
