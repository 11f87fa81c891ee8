import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { doctor } from "../../src/commands/doctor.ts";
import { Failure } from "../../src/failure.ts";
import { userFiles } from "../../src/sandbox/aws/ca-files.ts";
import { worldSecrets } from "../../src/sandbox/aws/credentials.ts";
import { keptDeployment } from "../../src/sandbox/aws/deployment.ts";
import type { FunctionHandler } from "../../src/sandbox/aws/lambda.ts";
import type { PolicyDocument } from "../../src/sandbox/aws/policy.ts";
import { startAws } from "../../src/sandbox/aws/server.ts";
import { makeWorld, type World, type WorldOptions } from "../../src/sandbox/aws/world.ts";
import { nodeSystem } from "../../src/system/node.ts";

type Check = {
  readonly region: string | null;
  readonly name: string;
  readonly ok: boolean | null;
  readonly fact: string;
  readonly next: string;
  readonly action: string | null;
  readonly resource: string | null;
  readonly policies: readonly string[];
};

type Visit = { readonly status: number; readonly checks: readonly Check[]; readonly lines: readonly string[] };

type Odd = {
  readonly caKeys?: boolean;
  /** What is different in this world. */
  readonly change?: (world: World) => void;
  readonly environment?: Readonly<Record<string, string>>;
};

/** What the doctor says in a world. `caKeys`: false leaves them out of the config. */
async function visit(
  options: WorldOptions,
  words: readonly string[] = ["--json"],
  { caKeys = true, change = () => {}, environment = {} }: Odd = {},
): Promise<Visit> {
  const folder = mkdtempSync(join(tmpdir(), "bssh-doctor-"));
  const world = makeWorld(options);
  const person = world.identityCenter ?? world.user;
  change(world);
  const server = startAws(world, { log: () => {} });
  writeFileSync(join(folder, "code"), await world.currentCode());
  const config = [
    `ca_keys = [${caKeys ? JSON.stringify(world.ca.publicKey.split(" ").slice(0, 2).join(" ")) : ""}]`,
    `kmsauth_service = ${JSON.stringify(world.kmsauthService)}`,
    'identity_proof = "auto"',
    `mfa_command = "cat ${folder}/code"`,
    "[lambda]",
    'function = "bless"',
    'version = "PROD"',
    'role = "bless-user"',
    `account_id = "${world.caAccount}"`,
    ...world.regions.flatMap(({ name, alias, kmsauthKey }) => [
      "[[region]]",
      `alias = "${alias}"`,
      `aws_region = "${name}"`,
      `kmsauth_key = "${kmsauthKey}"`,
    ]),
  ];
  writeFileSync(join(folder, "config.toml"), `${config.join("\n")}\n`);
  const lines: string[] = [];
  const readText = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return null;
    }
  };
  try {
    const status = await doctor({
      words: ["--ca", ...words],
      environment: {
        PATH: process.env["PATH"],
        HOME: folder,
        BSSH_HOME: folder,
        BLESSQUIET: "1",
        AWS_ACCESS_KEY_ID: person.accessKeyId,
        AWS_SECRET_ACCESS_KEY: person.secretAccessKey,
        ...(world.identityCenter === null ? {} : { AWS_SESSION_TOKEN: world.identityCenter.sessionToken }),
        AWS_ENDPOINT_URL: server.url,
        AWS_REGION: "us-east-1",
        ...environment,
      },
      system: nodeSystem(),
      readText,
      program: "bssh",
      out: (line) => lines.push(line),
    });
    expect(worldSecrets(world).filter((secret) => lines.join("\n").includes(secret))).toEqual([]);
    const checks = words.includes("--json") ? (JSON.parse(lines.join("\n")) as { checks: Check[] }).checks : [];
    return { status, checks, lines };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const without =
  (...sids: readonly string[]) =>
  (document: PolicyDocument): PolicyDocument => {
    const kept = [document.Statement].flat().filter((one) => !("Sid" in one && sids.includes(String(one.Sid))));
    expect(kept.length).toBeLessThan([document.Statement].flat().length);
    return { ...document, Statement: kept.length === 0 ? NOTHING : kept };
  };

const NOBODY: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::999999999999:root" }, Action: "sts:AssumeRole" }],
};

const NOTHING = [{ Effect: "Deny", Action: "ec2:*", Resource: "*" }];

const BLESS: FunctionHandler = async () => ({
  payload: Buffer.from(
    JSON.stringify({ errorType: "InputValidationError", errorMessage: "{'bssh': ['Unknown field.']}" }),
  ),
});

/** Answers the doctor as a BLESS does, and everything else as our CA. */
const actAsBless =
  (where: (region: string) => boolean) =>
  (ours: FunctionHandler): FunctionHandler =>
  (payload, context) =>
    (where(context.region) && Buffer.from(payload).includes('"bssh"') ? BLESS : ours)(payload, context);

describe("the doctor", () => {
  test("finds a CA good in every region, by everything that a login needs", async () => {
    const { status, checks } = await visit({});
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(status).toBe(0);
    const names = ["role", "function", "ca_keys", "kmsauth", "certificate"];
    const everywhere = ["us-east-1", "us-west-2"].flatMap((region) => names.map((name) => `${region} ${name}`));
    expect(checks.map(({ region, name }) => (region === null ? name : `${region} ${name}`))).toEqual([
      "credentials",
      ...everywhere,
      "regions",
      "clock",
    ]);
  });
  test("looks at one region alone when told to, and says it in lines for people", async () => {
    const { status, lines } = await visit({}, ["--region", "pdx"]);
    expect(status).toBe(0);
    expect(lines.join("\n")).toContain("us-west-2 certificate");
    expect(lines.join("\n")).not.toMatch(/us-east-1 (role|function)|^wrong|regions/m);
  });

  for (const [what, options, name, action, policy] of [
    ["the role's trust", { policies: () => ({ trust: NOBODY }) }, "role", "sts:AssumeRole", "user-role-trust.json"],
    [
      "the people's right to the role",
      { policies: (usual) => ({ user: without("BlessRole")(usual.user) }) },
      "role",
      "sts:AssumeRole",
      "user.json",
    ],
    [
      "the people's right to make tokens",
      { policies: (usual) => ({ user: without("KmsauthToken")(usual.user) }) },
      "kmsauth",
      "kms:Encrypt",
      "user.json",
    ],
    [
      "the role's right to invoke",
      { policies: (usual) => ({ role: without("Certificates")(usual.role) }) },
      "function",
      "lambda:InvokeFunction",
      "user-role.json",
    ],
    [
      "the function's right to the CA's password",
      { policies: (usual) => ({ execution: without("CaPassword")(usual.execution) }) },
      "ca-key",
      "kms:Decrypt",
      "execution.json",
    ],
    [
      "anything that is denied to all",
      { deny: ["lambda:InvokeFunction"] },
      "function",
      "lambda:InvokeFunction",
      "user-role.json",
    ],
  ] satisfies [string, WorldOptions, string, string, string][]) {
    test(`names ${what} when it is missing`, async () => {
      const { status, checks } = await visit(options);
      expect(status).toBe(1);
      const bad = checks.filter((check) => !check.ok && check.region === "us-east-1");
      const found = bad.find((check) => check.name === name);
      expect(found).toMatchObject({ action, next: `allow ${action} on ${found?.resource}` });
      expect(found?.policies).toContain(policy);
      expect(found?.resource).toMatch(/^arn:aws:/);
    });
  }
  test("goes the way of people of IAM Identity Center, who have no token", async () => {
    const { status, checks } = await visit({ identityCenter: true });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(status).toBe(0);
    expect(checks.map(({ name }) => name)).not.toContain("kmsauth");
    expect(checks.filter(({ name }) => name === "certificate").length).toBe(2);
  });
  test("names the function's right to sign when it is missing", async () => {
    const { checks } = await visit({
      caKeyType: "kms-ed25519",
      policies: (usual) => ({
        execution: without("SignCertificates")(usual.execution),
        caSigningKey: without("SignCertificates")(usual.caSigningKey),
      }),
    });
    const found = checks.find(({ name }) => name === "ca-key");
    expect(found).toMatchObject({ ok: false, action: "kms:GetPublicKey" });
    expect(found?.policies).toEqual(["execution.json", "ca-signing-key.json"]);
  });
  test("finds by a certificate what no self-check finds: that the function may not read tokens", async () => {
    const { status, checks } = await visit({
      policies: (usual) => ({ execution: without("CheckTokens")(usual.execution) }),
    });
    expect(status).toBe(1);
    const bad = checks.filter(({ ok, region }) => !ok && region === "us-east-1");
    expect(bad.map((check) => check.name)).toEqual(["certificate"]);
    expect(bad[0]?.policies).toContain("kmsauth-key.json");
  });
  test("says that a BLESS is one, and that regions differ", async () => {
    const all = await visit({ caBehaviour: actAsBless(() => true) });
    expect(all.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(all.checks.find(({ name }) => name === "function")?.fact).toStartWith("a BLESS answers");
    const one = await visit({ caBehaviour: actAsBless((region) => region === "us-west-2") });
    expect(one.status).toBe(1);
    expect(one.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["regions"]);
  });
  test("says which keys the config should name, and that a function which does not start is none", async () => {
    const unnamed = await visit({}, ["--json"], { caKeys: false });
    expect(unnamed.status).toBe(1);
    const missing = unnamed.checks.find(({ name }) => name === "ca_keys");
    expect(missing?.next).toMatch(/add to ca_keys: "ssh-ed25519 [A-Za-z0-9+/]+={0,2}"$/);
    const broken = await visit({
      caBehaviour: () => async () => {
        throw new Error("Cannot find module 'index'");
      },
    });
    expect(broken.checks.find(({ name, ok }) => name === "function" && !ok)?.fact).toContain("does not start");
  });
  for (const [what, file, change, cause] of [
    ["a damaged list of revocations", "revocations.json", () => "{", "revocations"],
    [
      "a config that is wrong",
      "bless_deploy.cfg",
      (text: string) => text.replace("[Bssh]\n", "[Bssh]\nmax_validity_seconds = soon\n"),
      "configuration",
    ],
    [
      "a password that is missing",
      "bless_deploy.cfg",
      (text: string) => text.replace(/^us-west-2_password.*$/gm, ""),
      "configuration",
    ],
  ] as const) {
    test(`says once what ${what} is the cause of, and takes nothing that follows from it for another fault`, async () => {
      const { status, checks } = await visit({}, ["--json"], {
        change: (world) => {
          const files = new Map(userFiles(world, world.bless));
          files.set(file, change(files.get(file) ?? ""));
          const kept = { ...keptDeployment(files), version: () => what };
          world.deployments.set(world.functionName, kept);
        },
      });
      expect(status).toBe(1);
      const bad = checks.filter(({ ok, region }) => ok === false && region === "us-west-2");
      expect(bad.map(({ name }) => name)).toEqual([cause]);
      expect(checks.filter(({ ok, region }) => ok === false && region === null)).toEqual([]);
      expect(bad[0]?.fact).not.toMatch(/(configuration is wrong.*){2}|wrong: The CA's|Failure:/);
      expect(checks.filter(({ ok, region }) => ok === null && region === "us-west-2").map(({ name }) => name)).toEqual([
        "certificate",
      ]);
      expect(checks.find(({ name }) => name === "regions")?.ok).toBe(null);
    });
  }
  test("does not take what earlier logins left for credentials, nor its own clock for AWS's", async () => {
    const { status, checks } = await visit({}, ["--json"], { environment: { AWS_SECRET_ACCESS_KEY: "not-it" } });
    expect(status).toBe(1);
    expect(checks.map(({ name, ok }) => `${name} ${ok}`)).toEqual(["credentials false", "clock null"]);
  });
  test("prints its object also where there are no credentials", async () => {
    const none = {
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_CONFIG_FILE: "/none",
      AWS_SHARED_CREDENTIALS_FILE: "/none",
    };
    const { status, checks } = await visit({}, ["--json"], { environment: none });
    expect(status).toBe(1);
    expect(checks[0]).toMatchObject({ name: "credentials", ok: false });
    expect(checks[0]?.fact).toContain("there are no AWS credentials");
  });
  test("is asked with --ca", async () => {
    const call = { environment: {}, system: nodeSystem(), readText: () => null, program: "bssh", out: () => {} };
    expect(await doctor({ words: [], ...call }).catch((error) => error)).toBeInstanceOf(Failure);
  });
});
