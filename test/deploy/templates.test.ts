import { describe, expect, test } from "bun:test";
import { readDeployConfig } from "../../src/ca/deploy-config.ts";
import { makePolicies, type PolicyNames } from "../../src/sandbox/aws/documents.ts";
import type { PolicyDocument } from "../../src/sandbox/aws/policy.ts";
import { type Deployment, deploy, type Json, readTemplate, type Stack, unusedParameters } from "./cloudformation.ts";
import { CA, kmsauthKey, MAIN, names, OTHER, text, USERS } from "./names.ts";
import { lint } from "./specification.ts";

const ca = readTemplate(text("template.yaml"));
const people = readTemplate(text("template-users.yaml"));

const caIn = (region: string, more: Readonly<Record<string, string>> = {}): Deployment => ({
  region,
  account: CA,
  parameters: { UserAccount: USERS, MainRegion: MAIN, KmsauthKeyArn: kmsauthKey(region), ...more },
});
const peopleIn = (region: string): Deployment => ({
  region,
  account: USERS,
  parameters: { CaAccount: CA, MainRegion: MAIN },
});

const STACKS: Readonly<Record<string, () => Stack>> = {
  "the CA in the main region": () => deploy(ca, caIn(MAIN)),
  "the CA in another region": () => deploy(ca, caIn(OTHER)),
  "the CA with its key in the code": () => deploy(ca, caIn(MAIN, { KeySpec: "encrypted" })),
  "the CA with Ed25519 for people of IAM Identity Center, its code in a bucket, with a reserve": () =>
    deploy(
      ca,
      caIn(MAIN, {
        KeySpec: "ECC_NIST_EDWARDS25519",
        People: "identity-center",
        CodeBucket: "code",
        ReservedConcurrency: "10",
        LiveVersion: "7",
        Architecture: "x86_64",
      }),
    ),
  "the people in the main region": () => deploy(people, peopleIn(MAIN)),
  "the people in another region": () => deploy(people, peopleIn(OTHER)),
};

describe("a template makes a stack that AWS's specification allows", () => {
  for (const [name, make] of Object.entries(STACKS)) {
    test(name, async () => {
      const stack = make();
      expect(await lint(stack)).toEqual([]);
      expect(stack.resources.size).toBeGreaterThan(3);
    });
  }
  test("that uses every parameter", () => {
    expect([unusedParameters(ca), unusedParameters(people)]).toEqual([[], []]);
  });
  test("and is written without YAML's aliases, tags and merges, which CloudFormation does not take or other parsers do not", () => {
    for (const name of ["template.yaml", "template-users.yaml"]) {
      expect(text(name).replaceAll(/#.*|"[^"]*"/g, "")).not.toMatch(/[:[-] *[&*!]\w|<<:/);
    }
  });
});

describe("what is wrong in a template is found", () => {
  const planted = (from: string, to: string, source = "template.yaml") => {
    expect(text(source)).toContain(from);
    return readTemplate(text(source).replace(from, to));
  };
  const found = async (template: ReturnType<typeof readTemplate>) => {
    try {
      return (await lint(deploy(template, caIn(MAIN)))).join("; ");
    } catch (error) {
      return String(error);
    }
  };
  for (const [name, from, to, said] of [
    [
      "a property that is misspelt",
      "KeyUsage: SIGN_VERIFY",
      "KeyUse: SIGN_VERIFY",
      "SigningKey has no property KeyUse",
    ],
    ["a property inside another", "ZipFile: ", "Zipfile: ", "UserFunction.Code has no property Zipfile"],
    ["a value that is none", "KeyUsage: SIGN_VERIFY", "KeyUsage: SIGN", "SigningKey.KeyUsage may not be SIGN"],
    ["a number that is none", "Timeout: 15", "Timeout: soon", "UserFunction.Timeout is no integer"],
    [
      "a property that is missing",
      "      FunctionVersion: { Ref: LiveVersion }\n",
      "",
      "UserFunctionAlias lacks FunctionVersion",
    ],
    [
      "a type that is none",
      "Type: AWS::KMS::Alias",
      "Type: AWS::KMS::Alia",
      "there is no resource type AWS::KMS::Alia",
    ],
    ["a reference to nothing", "{ Ref: SigningKey }", "{ Ref: SignKey }", "Ref SignKey: there is no such thing"],
    [
      "a reference to what is not made",
      "{ Ref: SigningKey }",
      "{ Ref: PasswordKey }",
      "Ref PasswordKey, which is not made here",
    ],
    ["a condition that is not there", "Condition: IsInKms", "Condition: IsInKsm", "there is no condition IsInKsm"],
    ["a name in a text", `\${Prefix}-execution-`, `\${Prefx}-execution-`, "Ref Prefx: there is no such thing"],
  ] as const) {
    test(name, async () => expect(await found(planted(from, to))).toContain(said));
  }
});

const DOCUMENTS = ["PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy"];

function documentsOf(stack: Stack): Map<string, Json> {
  return new Map(
    [...stack.resources].flatMap(([name, { properties }]) =>
      DOCUMENTS.filter((key) => properties[key] !== undefined).map(
        (key) => [`${name}.${key}`, properties[key] ?? null] as const,
      ),
    ),
  );
}

describe("a template's policies are the files in policies/", () => {
  const main = makePolicies(names(MAIN));
  const both = { ...main.trust, Statement: [main.trust.Statement, main.identityCenterTrust.Statement].flat() };
  const keys = {
    "SigningKey.KeyPolicy": main.caSigningKey,
    "HostSigningKey.KeyPolicy": main.hostSigningKey,
  };
  const roles = {
    "UserRole.AssumeRolePolicyDocument": main.trust,
    "ExecutionRole.AssumeRolePolicyDocument": main.executionTrust,
    "HostExecutionRole.AssumeRolePolicyDocument": main.executionTrust,
  };
  const may = (region: string, more: Partial<PolicyNames> = {}) => {
    const { role, execution, hostExecution } = makePolicies(names(region, more));
    return {
      "UserRolePolicy.PolicyDocument": role,
      "ExecutionRolePolicy.PolicyDocument": execution,
      "HostExecutionRolePolicy.PolicyDocument": hostExecution,
    };
  };
  const expectAll = (stack: Stack, expected: Readonly<Record<string, PolicyDocument>>) =>
    expect(Object.fromEntries(documentsOf(stack))).toEqual(expected as unknown as Record<string, Json>);

  test("in the CA's main region", () => expectAll(deploy(ca, caIn(MAIN)), { ...roles, ...may(MAIN), ...keys }));
  test("in its other regions, where there are no roles", () =>
    expectAll(deploy(ca, caIn(OTHER)), { ...may(OTHER), ...keys }));
  test("with the CA's key in the code", () => {
    const password = [`arn:aws:kms:${MAIN}:${CA}:key/PasswordKey`];
    const encrypted = may(MAIN, { CaKeyArn: password, CaSigningKeyArn: [], HostSigningKeyArn: [] });
    expectAll(deploy(ca, caIn(MAIN, { KeySpec: "encrypted" })), {
      ...roles,
      ...encrypted,
      "PasswordKey.KeyPolicy": main.caKey,
    });
  });
  test("for people of IAM Identity Center, alone and beside IAM users", () => {
    const trust = (who: string) =>
      documentsOf(deploy(ca, caIn(MAIN, { People: who }))).get("UserRole.AssumeRolePolicyDocument");
    expect(trust("identity-center")).toEqual(main.identityCenterTrust as unknown as Json);
    expect(trust("both")).toEqual(both as unknown as Json);
  });
  test("on the side of the people", () => {
    for (const region of [MAIN, OTHER]) {
      const { kmsauthKey: key, user, instance } = makePolicies(names(region));
      expectAll(deploy(people, peopleIn(region)), {
        "KmsauthKey.KeyPolicy": key,
        "PeoplePolicy.PolicyDocument": user,
        "ServerPolicy.PolicyDocument": instance,
      });
    }
  });
  test("and the permission for servers is within host-function.json", () => {
    const permission = deploy(ca, caIn(MAIN)).resources.get("HostFunctionPermission")?.properties ?? {};
    const [statement] = [main.hostFunction.Statement].flat() as unknown as readonly Record<string, Json>[];
    expect(statement?.["Principal"]).toEqual({ AWS: `arn:aws:iam::${String(permission["Principal"])}:root` });
    expect(statement?.["Action"]).toEqual(permission["Action"] as Json);
    expect(permission["FunctionName"]).toBe(`arn:aws:lambda:${MAIN}:${CA}:function:bless-host:PROD`);
    expect(statement?.["Resource"]).toContain(`arn:aws:lambda:${MAIN}:${CA}:function:bless-host:*`);
  });
  test("and the function's role, keys and region are those that the other account's policies name", () => {
    const one = deploy(ca, caIn(MAIN));
    expect(one.resources.get("UserFunction")?.properties["Role"]).toBe(names(MAIN).ExecutionRoleArn);
    expect(deploy(ca, caIn(OTHER)).resources.get("UserFunction")?.properties["Role"]).toBe(
      names(MAIN).ExecutionRoleArn,
    );
    expect(one.outputs.get("UserRoleArn")).toBe(names(MAIN).UserRoleArn);
    expect(deploy(people, peopleIn(MAIN)).outputs.get("KmsauthKeyArn")).toBe(kmsauthKey(MAIN));
  });
  test("and a function signs with its own key, or with the one that it is told to", () => {
    const key = (parameters: Readonly<Record<string, string>>, name: string) =>
      JSON.stringify(deploy(ca, caIn(MAIN, parameters)).resources.get(name)?.properties["Environment"]);
    const other = `arn:aws:kms:${MAIN}:${CA}:key/next`;
    expect(key({}, "UserFunction")).toContain(":key/SigningKey");
    expect(key({}, "HostFunction")).toContain(":key/HostSigningKey");
    expect(key({ SignWith: other }, "UserFunction")).toContain(other);
    expect(key({ SignWith: other }, "HostFunction")).toContain(":key/HostSigningKey");
    expect(key({ HostSignWith: other }, "HostFunction")).toContain(other);
    expect(key({ KeySpec: "encrypted" }, "UserFunction")).not.toContain("bssh_ca_kms_key");
  });
  test("and its variables are options that the CA knows", () => {
    const { Environment } = deploy(ca, caIn(MAIN)).resources.get("UserFunction")?.properties ?? {};
    const variables = (Environment as unknown as { readonly Variables: Record<string, string> }).Variables;
    const { key, user } = readDeployConfig("[KMS Auth]\nuse_kmsauth = True\n", { ...variables, AWS_REGION: MAIN });
    expect(key).toEqual({ kind: "kms", keyId: `arn:aws:kms:${MAIN}:${CA}:key/SigningKey` });
    expect(user?.kmsauth).toMatchObject({ keyArns: [kmsauthKey(MAIN)], service: "bless-production" });
  });
  test("and a key of the CA can be used for signing by the function alone, and by nobody through a grant", () => {
    for (const document of [main.caSigningKey, main.hostSigningKey]) {
      const statements = [document.Statement].flat() as unknown as readonly { Sid: string; Action: string[] }[];
      const patterns = statements.filter(({ Sid }) => Sid !== "SignCertificates").flatMap(({ Action }) => Action);
      for (const action of ["kms:Sign", "kms:CreateGrant", "kms:ReplicateKey"]) {
        expect(patterns.filter((one) => new RegExp(`^${one.replaceAll("*", ".*")}$`).test(action))).toEqual([]);
      }
    }
  });
});
