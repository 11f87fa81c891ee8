import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CA_KEY_TYPES } from "../../../src/sandbox/aws/ca-key.ts";
import { makePolicies } from "../../../src/sandbox/aws/documents.ts";
import { makeWorld } from "../../../src/sandbox/aws/world.ts";

const folder = join(import.meta.dir, "../../../docs/deploy/policies");
const names = {
  UserAccount: "123456789012",
  CaAccount: "210987654321",
  Region: ["us-east-1", "us-west-2"],
  FunctionName: "bless",
  HostFunctionName: "bless-host",
  UserRoleArn: "arn:aws:iam::210987654321:role/user",
  ExecutionRoleArn: "arn:aws:iam::210987654321:role/execution",
  HostExecutionRoleArn: "arn:aws:iam::210987654321:role/host-execution",
  PermissionSet: "Engineer",
  KmsauthService: "bless-production",
  KmsauthKeyArn: ["arn:one", "arn:two"],
  CaKeyArn: [],
  CaSigningKeyArn: ["arn:three"],
  HostSigningKeyArn: ["arn:four"],
};

describe("the policies", () => {
  test("are all those that are documented, and are as they are written there but for the names", () => {
    const policies = makePolicies(names);
    const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
    expect(Object.keys(policies)).toHaveLength(files.length);
    const written = files.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown);
    const ids = (documents: unknown) => [...JSON.stringify(documents).matchAll(/"Sid":"(\w+)"/g)].map(([, id]) => id);
    const left = ids(written).filter((id) => id !== "CaPassword");
    expect(ids(Object.values(policies)).sort()).toEqual(left.sort());
  });

  test("have names in the place of placeholders, one for each key and region", () => {
    const { user, role, execution } = makePolicies(names);
    expect(user.Statement).toContainEqual(expect.objectContaining({ Resource: ["arn:one", "arn:two"] }));
    expect(role.Statement).toContainEqual(
      expect.objectContaining({
        Resource: [
          "arn:aws:lambda:us-east-1:210987654321:function:bless",
          "arn:aws:lambda:us-west-2:210987654321:function:bless",
          "arn:aws:lambda:us-east-1:210987654321:function:bless:*",
          "arn:aws:lambda:us-west-2:210987654321:function:bless:*",
        ],
      }),
    );
    expect(JSON.stringify(execution)).not.toContain("CaPassword");
  });

  test("keep policy variables, and have no placeholder left", () => {
    const text = JSON.stringify(makePolicies(names));
    expect(new Set(text.match(/\$\{[^}]*\}/g))).toEqual(new Set([`\${aws:username}`]));
  });

  test("fail for a placeholder that nothing fills", () => {
    const { KmsauthService: _, ...fewer } = names;
    expect(() => makePolicies(fewer as typeof names)).toThrow("placeholder KmsauthService");
  });

  test("let the person get on with every kind of CA key", () => {
    for (const caKeyType of CA_KEY_TYPES) expect(makeWorld({ caKeyType }).ca.publicKey).toEndWith(" sandbox CA");
  });
});
