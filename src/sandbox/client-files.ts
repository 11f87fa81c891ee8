import { writeFileSync } from "node:fs";
import type { World } from "./aws/world.ts";
import { personKeys } from "./environment.ts";
import type { Folder } from "./folder.ts";
import { shellWord } from "./shell-word.ts";
import type { Sshd } from "./sshd.ts";

export type ClientFiles = {
  readonly folder: Folder;
  readonly world: World;
  readonly sshd: Sshd;
  readonly hosts: readonly string[];
  /** The person is asked for the code; otherwise `mfa_command` answers. */
  readonly ask: boolean;
  /** Validity of certificates, seconds. */
  readonly certSeconds: number;
};

/** bssh's own limit when its config names none, and how much longer than asked for a certificate may be: clocks differ. */
const STANDARD_SECONDS = 3600;
const SLACK_SECONDS = 600;

/**
 * Writes what a person of this world has in their home: bssh's config, AWS's files, ssh_config and known_hosts; and bssh's
 * config on the server.
 */
export function writeClientFiles(files: ClientFiles): void {
  const { folder } = files;
  writeFileSync(folder.config, configText(files), { mode: 0o600 });
  writeFileSync(folder.hostConfig, hostConfigText(files), { mode: 0o600 });
  writeFileSync(folder.sshConfig, sshConfigText(files), { mode: 0o600 });
  writeFileSync(folder.knownHosts, knownHostsText(files), { mode: 0o600 });
  writeFileSync(`${folder.home}/.aws/config`, awsConfigText(files), { mode: 0o600 });
  writeFileSync(`${folder.home}/.aws/credentials`, awsCredentialsText(files), { mode: 0o600 });
}

function configText({ folder, world, hosts, ask, certSeconds }: ClientFiles): string {
  // What the names hold (see the command's check) is no quote and no control character.
  const pattern = [...hosts, "127.0.0.1"].map((host) => host.replaceAll(".", "\\.")).join("|");
  return [
    "# The sandbox's config; config.example.toml explains every setting.",
    `domain_regex = '(?:${pattern})\\Z'`,
    `identity_file = ${text(`${folder.home}/.ssh/blessid`)}`,
    `ca_keys = [${text(keyOf(world.ca.publicKey))}]`,
    `kmsauth_service = ${text(world.kmsauthService)}`,
    `fixed_ip = "127.0.0.1"`,
    `bastion_ips = ["127.0.0.1"]`,
    ...(world.identityCenter === null ? [] : [`identity_proof = "caller-identity"`]),
    ...(ask || world.identityCenter !== null
      ? []
      : [`mfa_command = ${text(`${shellWord(`${folder.bin}/bssh`)} sandbox mfa`)}`]),
    ...(certSeconds + SLACK_SECONDS > STANDARD_SECONDS
      ? [`certificate_max_seconds = ${certSeconds + SLACK_SECONDS}`]
      : []),
    "",
    "[lambda]",
    `function = ${text(world.functionName)}`,
    `version = "PROD"`,
    `role = ${text(world.userRole.name)}`,
    `account_id = ${text(world.caAccount)}`,
    ...regionLines(world),
    "",
  ].join("\n");
}

function hostConfigText({ world, hosts }: ClientFiles): string {
  return [
    "# bssh's config on the sandbox's server.",
    `kmsauth_service = ${text(world.kmsauthService)}`,
    "",
    "[hosts]",
    `ca_keys = [${text(keyOf(world.hostCa.publicKey))}]`,
    `patterns = [${patternsOf(hosts).map(text).join(", ")}]`,
    "",
    "[host]",
    `function = ${text(`${world.caAccount}:function:${world.hostFunctionName}`)}`,
    ...regionLines(world),
    "",
  ].join("\n");
}

function regionLines({ regions }: World): string[] {
  return regions.flatMap(({ alias, name, kmsauthKey }) => [
    "",
    "[[region]]",
    `alias = ${text(alias)}`,
    `aws_region = ${text(name)}`,
    `kmsauth_key = ${text(kmsauthKey)}`,
  ]);
}

function text(value: string): string {
  return JSON.stringify(value);
}

/** A public key's line without its comment. */
function keyOf(line: string): string {
  return line.split(" ").slice(0, 2).join(" ");
}

function sshConfigText({ folder, sshd, hosts }: ClientFiles): string {
  const blocks = [...hosts.map((host) => [host, host]), ["127.0.0.1 localhost", hosts[0] ?? "127.0.0.1"]] as const;
  return [
    "# The hosts of the sandbox. ssh, scp and sftp inside it read this file in place of ~/.ssh/config.",
    ...blocks.flatMap(([names, alias]) => [
      `Host ${names}`,
      "  HostName 127.0.0.1",
      `  Port ${sshd.port}`,
      `  HostKeyAlias ${alias.toLowerCase()}`,
      "  StrictHostKeyChecking yes",
      "  UpdateHostKeys no",
      "",
    ]),
    "Host *",
    `  UserKnownHostsFile ${folder.knownHosts}`,
    "",
  ].join("\n");
}

/** No server's own key: the hosts' CA vouches for those of its names, and for no others. */
function knownHostsText({ world, hosts }: ClientFiles): string {
  return `@cert-authority ${patternsOf(hosts).join(",")} ${world.hostCa.publicKey}\n`;
}

function patternsOf(hosts: readonly string[]): string[] {
  return [...new Set(hosts.map(patternOf))];
}

/** `*.sandbox.test` for a name in a domain; short names and addresses for themselves. */
function patternOf(host: string): string {
  const [, domain = ""] = /^[^.]+\.(.+\..+)$/.exec(host) ?? [];
  return (domain === "" || /\.\d+$/.test(host) ? host : `*.${domain}`).toLowerCase();
}

function awsConfigText({ world }: ClientFiles): string {
  const device = world.identityCenter === null ? world.user.devices[0] : undefined;
  return [
    "[default]",
    `region = ${world.regions[0]?.name ?? "us-east-1"}`,
    "output = json",
    ...(device === undefined ? [] : [`mfa_serial = ${device.serial}`]),
    "",
  ].join("\n");
}

function awsCredentialsText({ world }: ClientFiles): string {
  const { accessKeyId, secretAccessKey, sessionToken } = personKeys(world);
  const lines = ["[default]", `aws_access_key_id = ${accessKeyId}`, `aws_secret_access_key = ${secretAccessKey}`];
  if (sessionToken !== null) lines.push(`aws_session_token = ${sessionToken}`);
  return `${lines.join("\n")}\n`;
}
