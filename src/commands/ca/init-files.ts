// The files that a new CA begins with, as texts.

import identityCenter from "../../../docs/deploy/policies/identity-center.json" with { type: "json" };
import template from "../../../docs/deploy/template.yaml" with { type: "text" };
import templateUsers from "../../../docs/deploy/template-users.yaml" with { type: "text" };
import { partitionOf } from "../../ca/aws-endpoint.ts";
import { CONFIG_FILE, OPTIONS, type Section } from "../../ca/deploy-options.ts";
import { formatRevocations } from "../../ca/revocation-list.ts";
import { NO_REVOCATIONS } from "../../ca/revocations.ts";

/** What a CA is told from the start. */
export type CaPlan = {
  /** `kms`: the keys are inside KMS. `file`: one is made here. `encrypted`: there is one, as BLESS has it. */
  readonly key: "kms" | "file" | "encrypted";
  readonly people: "iam" | "identity-center" | "both";
  /** The CA's name: `to` of kmsauth tokens. */
  readonly service: string;
  /** What every name in AWS begins with. */
  readonly prefix: string;
  readonly usersAccount: string;
  readonly caAccount: string;
  /** The first is where roles and group are made. */
  readonly regions: readonly string[];
  /** Of the hosts: `example.com`; null when it is not known yet. */
  readonly domain: string | null;
  readonly permissionSet: string;
};

export const KEY_FILE = "ca_key";

/** Texts by the files' names. */
export function filesOf(plan: CaPlan): ReadonlyMap<string, string> {
  return new Map([
    [CONFIG_FILE, caConfig(plan)],
    ["hosts.json", `${JSON.stringify({ rules: [] }, null, 2)}\n`],
    ["revocations.json", formatRevocations(NO_REVOCATIONS)],
    ["template.yaml", template],
    ["template-users.yaml", templateUsers],
    ["config.toml", userConfig(plan)],
    ["server.toml", serverConfig(plan)],
    ...(plan.people === "iam" ? [] : ([["identity-center.json", permissionSet(plan)]] as const)),
  ]);
}

type Setting = { readonly section: Section; readonly name: string; readonly value: string };

/** Every option there is, with its meaning; those that are set are no comments. */
function caConfig(plan: CaPlan): string {
  const set = settingsOf(plan);
  const shown = (section: Section) =>
    OPTIONS.filter((option) => option.section === section).flatMap(({ name, meaning, default: usual }) => {
      const own = set.filter((one) => one.section === section && one.name === name);
      const values = own.map(({ value }) => `${name} = ${value}`);
      return ["", `# ${meaning}`, ...(own.length > 0 ? values : [`#${name} =${usual === null ? "" : ` ${usual}`}`])];
    });
  const sections: readonly Section[] = ["Bless Options", "Bless CA", "KMS Auth", "Bssh"];
  return [
    "# How the CA signs. Lines that begin with # and a space explain; lines that begin with # alone are options as they are when",
    "# nothing is said. A variable of the function's environment goes before its option here; template.yaml sets those that differ",
    "# from region to region: kmsauth_key_id, kmsauth_serviceid and ca_kms_key. bssh ca build checks this file.",
    ...sections.flatMap((section) => ["", `[${section}]`, ...shown(section).slice(1)]),
    "",
  ].join("\n");
}

function settingsOf({ key, people, service, usersAccount, permissionSet: set }: CaPlan): Setting[] {
  const settings: Setting[] = [
    { section: "KMS Auth", name: "kmsauth_serviceid", value: service },
    // BLESS's two minutes have every login ask the CA; half an hour is what people notice nothing of.
    { section: "Bless Options", name: "certificate_validity_after_seconds", value: "1800" },
  ];
  if (people !== "identity-center") {
    settings.push(
      { section: "KMS Auth", name: "use_kmsauth", value: "True" },
      // A new CA's people all have bssh, which binds its tokens: a stolen one is then good for nothing.
      { section: "Bssh", name: "bind_public_key", value: "require" },
    );
  }
  if (people !== "iam") {
    settings.push(
      { section: "Bssh", name: "caller_identity_accounts", value: usersAccount },
      { section: "Bssh", name: "caller_identity_roles", value: `AWSReservedSSO_${set}_*` },
      // Names of Identity Center's people are often addresses.
      { section: "Bless Options", name: "username_validation", value: "principal" },
    );
  }
  if (key !== "kms") settings.push({ section: "Bless CA", name: "ca_private_key_file", value: KEY_FILE });
  return settings;
}

function userConfig({ people, service, prefix, caAccount, regions, domain }: CaPlan): string {
  const text = (value: string) => JSON.stringify(value);
  const pattern = domain === null ? null : `(?:.+\\.)?${domain.replaceAll(".", "\\.")}\\Z`;
  return [
    "# bssh's config for the people of the organisation: bssh config import FILE|URL puts it in its place.",
    "# config.example.toml explains every setting.",
    "",
    "# The hosts that people get certificates for: a Python regular expression, matched from the name's start.",
    pattern === null ? "#domain_regex = '.+\\.example\\.com\\Z'" : `domain_regex = '${pattern}'`,
    "# The CA's public keys, as bssh ca public-key prints them (without the comment), one of each region.",
    '#ca_keys = ["ecdsa-sha2-nistp256 AAAA…"]',
    `kmsauth_service = ${text(service)}`,
    ...(people === "identity-center" ? [] : ['kmsauth_binding = "on"']),
    ...(people === "iam" ? [] : ['identity_proof = "auto"']),
    "",
    "[lambda]",
    `function = ${text(prefix)}`,
    'version = "PROD"',
    `role = ${text(`${prefix}-user`)}`,
    `account_id = ${text(caAccount)}`,
    ...regionLines(regions, prefix),
    "",
    "# The CA of the servers, as bssh ca public-key prints its keys, and the servers that it speaks for.",
    "#[hosts]",
    '#ca_keys = ["ecdsa-sha2-nistp256 AAAA…"]',
    `#patterns = [${text(`*.${domain ?? "example.com"}`)}]`,
    "",
  ].join("\n");
}

function serverConfig({ service, prefix, caAccount, regions, domain }: CaPlan): string {
  const text = (value: string) => JSON.stringify(value);
  return [
    "# bssh's config on a server, /etc/bssh/config.toml, for bssh host enroll.",
    "",
    `kmsauth_service = ${text(service)}`,
    "",
    "# The CA of the servers, as bssh ca public-key prints its keys, one of each region, and the servers that it speaks for.",
    "#[hosts]",
    '#ca_keys = ["ecdsa-sha2-nistp256 AAAA…"]',
    `#patterns = [${text(`*.${domain ?? "example.com"}`)}]`,
    "",
    "[host]",
    `function = ${text(`${caAccount}:function:${prefix}-host`)}`,
    'version = "PROD"',
    ...regionLines(regions, prefix),
    "",
  ].join("\n");
}

function regionLines(regions: readonly string[], prefix: string): string[] {
  return regions.flatMap((region) => [
    "",
    "[[region]]",
    `alias = "${region}"`,
    `aws_region = "${region}"`,
    `kmsauth_key = "alias/${prefix}-kmsauth"`,
  ]);
}

/** The permission set's inline policy. */
function permissionSet({ caAccount, prefix, regions }: CaPlan): string {
  const role = `arn:${partitionOf(regions[0] ?? "")}:iam::${caAccount}:role/${prefix}-user`;
  return `${JSON.stringify(identityCenter, null, 2).replaceAll(`\${UserRoleArn}`, role)}\n`;
}

/** What is to be done next, a line each. */
export function nextMoves(plan: CaPlan, folder: string): readonly string[] {
  const { prefix, service, usersAccount, caAccount, regions, people, key, permissionSet: set } = plan;
  const main = regions[0] ?? "";
  const usual = [
    ...(prefix === "bless" ? [] : [`Prefix=${prefix}`]),
    ...(service === "bless-production" ? [] : [`KmsauthService=${service}`]),
    `MainRegion=${main}`,
  ];
  const more = [
    ...(people === "iam" ? [] : [`People=${people}`]),
    ...(people === "iam" || set === "Bssh" ? [] : [`PermissionSet=${set}`]),
    ...(key === "kms" ? [] : ["KeySpec=encrypted"]),
  ];
  const stack = (region: string, name: string, file: string, values: readonly string[]) =>
    `   $ aws cloudformation deploy --region ${region} --stack-name ${name} --template-file ${file} --capabilities CAPABILITY_NAMED_IAM --parameter-overrides ${values.join(" ")}`;
  return [
    `next, in ${folder}, which holds the CA's whole set-up (keep it under version control${key === "kms" ? "" : `, without ${KEY_FILE}`}):`,
    `1. with the credentials of account ${usersAccount} (people and servers):`,
    ...regions.map((region) =>
      stack(region, `${prefix}-people`, "template-users.yaml", [`CaAccount=${caAccount}`, ...usual]),
    ),
    `   each prints, with aws cloudformation describe-stacks --stack-name ${prefix}-people, the output KmsauthKeyArn`,
    `2. with the credentials of account ${caAccount} (the CA), the ARN of each region's own kmsauth key put in:`,
    ...regions.map((region) =>
      stack(region, `${prefix}-ca`, "template.yaml", [
        `UserAccount=${usersAccount}`,
        ...usual,
        ...more,
        `KmsauthKeyArn=arn:${partitionOf(region)}:kms:${region}:${usersAccount}:key/…`,
      ]),
    ),
    ...(key === "kms" ? [] : passwordMoves(plan)),
    `3. $ bssh ca build`,
    ...regions.flatMap((region) =>
      [prefix, `${prefix}-host`].map(
        (name) =>
          `   $ aws lambda update-function-code --region ${region} --function-name ${name} --zip-file fileb://ca-lambda.zip`,
      ),
    ),
    "4. put domain_regex and ca_keys into config.toml, give it to your people, and try it: bssh doctor --ca",
  ];
}

function passwordMoves({ prefix, regions }: CaPlan): string[] {
  return [
    `   and the passphrase of ${KEY_FILE}, encrypted in each region, as REGION_password under [Bless CA] in ${CONFIG_FILE}:`,
    ...regions.map(
      (region) =>
        `   $ IFS= read -rs word; printf %s "$word" | aws kms encrypt --region ${region} --key-id alias/${prefix}-ca-password --plaintext fileb:///dev/stdin --query CiphertextBlob --output text`,
    ),
  ];
}
