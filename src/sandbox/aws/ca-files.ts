import { hostNameFault } from "../../ca/host-names.ts";
import type { BlessOptions } from "./bless-function.ts";
import type { World } from "./world.ts";

/** The files beside the code of the function for people, as text by their names. */
export function userFiles(world: World, options: BlessOptions): ReadonlyMap<string, string> {
  const { ca, regions, identityCenter, kmsauthService } = world;
  const keyLines =
    ca.kmsKeys.size > 0
      ? []
      : [
          "ca_private_key_file = ca_key.pem",
          ...regions.map(({ name, caPassword }) => `${name}_password = ${caPassword}`),
        ];
  const lines = [
    "[Bless Options]",
    `certificate_validity_after_seconds = ${world.certSeconds}`,
    `username_validation = ${options.usernameValidation}`,
    "",
    "[Bless CA]",
    ...keyLines,
    "",
    "[KMS Auth]",
    "use_kmsauth = true",
    `kmsauth_serviceid = ${kmsauthService}`,
    `kmsauth_key_id = ${regions.map(({ kmsauthKey }) => kmsauthKey).join(",")}`,
    ...(options.remoteUsernamesAllowed.length === 0
      ? []
      : [`kmsauth_remote_usernames_allowed = ${options.remoteUsernamesAllowed.join(",")}`]),
    "",
    "[Bssh]",
    ...[...ca.kmsKeys].map(([region, arn]) => `${region}_ca_kms_key = ${arn}`),
    `max_validity_seconds = ${world.certSeconds + BEFORE_SECONDS}`,
    ...(identityCenter === null
      ? []
      : [`caller_identity_accounts = ${world.userAccount}`, "caller_identity_roles = AWSReservedSSO_*"]),
    "",
  ];
  const files = new Map([["bless_deploy.cfg", lines.join("\n")]]);
  if (ca.kmsKeys.size === 0) files.set("ca_key.pem", ca.privateKeyPem);
  return files;
}

/** The files beside the code of the function for hosts. */
export function hostFiles(world: World): ReadonlyMap<string, string> {
  const { hostCa, instance, kmsauthService } = world;
  const lines = [
    "[Bless Options]",
    "",
    "[KMS Auth]",
    // The CA's name, which hosts' proofs of identity are made for as well.
    `kmsauth_serviceid = ${kmsauthService}`,
    "",
    "[Bssh]",
    ...[...hostCa.kmsKeys].map(([region, arn]) => `${region}_ca_kms_key = ${arn}`),
    "host_policy = hosts.json",
    "instance_identity_certificates = instance-identity.pem",
    "",
  ];
  const names = instance.hosts.map((name) => name.toLowerCase()).filter((name) => hostNameFault(name) === null);
  const rule = {
    account: instance.role.account,
    role: instance.role.name,
    session: instance.id,
    document: "required",
    names,
  };
  return new Map([
    ["bless_deploy.cfg", lines.join("\n")],
    ["hosts.json", `${JSON.stringify({ rules: names.length === 0 ? [] : [rule] }, null, 2)}\n`],
    ["instance-identity.pem", instance.certificate],
  ]);
}

/** How long before the moment of signing a certificate is valid already: BLESS's default. */
const BEFORE_SECONDS = 120;
