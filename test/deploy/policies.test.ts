import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { PolicyDocument } from "../../src/sandbox/aws/policy.ts";
import { type Kind, lintPolicy } from "./iam.ts";
import { folder, kmsauthKey, MAIN, names, text } from "./names.ts";

describe("a policy's file uses actions, resources and condition keys that AWS has", () => {
  const kinds: Readonly<Record<string, Kind>> = {
    "ca-key": "resource",
    "ca-signing-key": "resource",
    execution: "identity",
    "execution-trust": "trust",
    "host-execution": "identity",
    "host-function": "resource",
    "host-signing-key": "resource",
    "identity-center": "identity",
    "instance-role": "identity",
    "instance-role-trust": "trust",
    "kmsauth-key": "resource",
    user: "identity",
    "user-role": "identity",
    "user-role-trust": "trust",
    "user-role-trust-identity-center": "trust",
  };
  const filled = (name: string): PolicyDocument => {
    const more: Readonly<Record<string, string>> = {
      KmsauthKeyArn: kmsauthKey(MAIN),
      Region: MAIN,
      CaKeyArn: kmsauthKey(MAIN),
    };
    const known = { ...names(MAIN), ...more } as unknown as Readonly<Record<string, string | string[]>>;
    return JSON.parse(
      text(`policies/${name}.json`).replaceAll(
        /\$\{(\w+)\}/g,
        (all, key: string) => [known[key] ?? all].flat()[0] ?? all,
      ),
    );
  };
  test("all of them", () => {
    expect(readdirSync(join(folder, "policies")).sort()).toEqual(
      Object.keys(kinds)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });
  for (const [name, kind] of Object.entries(kinds)) {
    test(`${name}.json`, async () => {
      expect(await lintPolicy(filled(name), kind)).toEqual([]);
      // IAM's limits, without white space, as the least of them: an inline policy of a permission set, and a trust policy.
      expect(JSON.stringify(filled(name)).length).toBeLessThan(2048);
    });
  }
  for (const [what, name, from, to, said] of [
    ["an action", "user", "kms:Encrypt", "kms:Encript", "unknown action kms:Encript"],
    ["a service", "user-role", "lambda:", "lamda:", "unknown action lamda:InvokeFunction"],
    ["a condition key", "user", "aws:MultiFactorAuthPresent", "aws:MFAPresent", "unknown condition key aws:MFAPresent"],
    [
      "a key of another action",
      "user",
      "kms:EncryptionContext:to",
      "kms:SigningAlgorithm",
      "that kms:Encrypt does not know",
    ],
    ["an operator", "user", '"Bool"', '"Boolean"', "unknown operator Boolean"],
    ["an operator for another type", "user", '"StringEquals"', '"ArnEquals"', "which is String, by ArnEquals"],
    ["a resource of another kind", "user", ":user/", ":usr/", "that is none of its actions'"],
    ["a policy variable", "user", "aws:username", "aws:user_name", "there is no policy variable aws:user_name"],
    ["an old version", "user", "2012-10-17", "2008-10-17", "Version is not 2012-10-17"],
    [
      "a principal where there is none",
      "execution",
      '"Effect": "Allow",',
      '"Effect": "Allow", "Principal": "*",',
      "is no statement of kind identity",
    ],
    ["everything", "execution", '"arn:aws:iam::210987654321:user/*"', '"*"', "has a resource *"],
  ] as const) {
    test(`and ${what} that is wrong is found`, async () => {
      const before = JSON.stringify(filled(name), null, 1);
      expect(before).toContain(from);
      expect(
        (await lintPolicy(JSON.parse(before.replaceAll(from, to)), kinds[name] ?? "identity")).join("; "),
      ).toContain(said);
    });
  }
});
