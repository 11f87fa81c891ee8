// An organisation with two accounts and two regions, by the names that the templates give to things.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { PolicyNames } from "../../src/sandbox/aws/documents.ts";

export const folder = resolve(import.meta.dir, "../../docs/deploy");
export const text = (name: string) => readFileSync(join(folder, name), "utf8");

export const [USERS, CA, MAIN, OTHER] = ["123456789012", "210987654321", "eu-west-1", "us-east-1"];
export const kmsauthKey = (region: string) => `arn:aws:kms:${region}:${USERS}:key/KmsauthKey`;

export const names = (region: string, more: Partial<PolicyNames> = {}): PolicyNames => ({
  UserAccount: USERS,
  CaAccount: CA,
  Region: [region],
  FunctionName: "bless",
  HostFunctionName: "bless-host",
  UserRoleArn: `arn:aws:iam::${CA}:role/bless-user`,
  ExecutionRoleArn: `arn:aws:iam::${CA}:role/bless-execution`,
  HostExecutionRoleArn: `arn:aws:iam::${CA}:role/bless-host-execution`,
  PermissionSet: "Bssh",
  KmsauthService: "bless-production",
  KmsauthKeyArn: [kmsauthKey(region)],
  CaKeyArn: [],
  CaSigningKeyArn: [`arn:aws:kms:${region}:${CA}:key/SigningKey`],
  HostSigningKeyArn: [`arn:aws:kms:${region}:${CA}:key/HostSigningKey`],
  ...more,
});
