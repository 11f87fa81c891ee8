import { writeFileSync } from "node:fs";
import type { World } from "./aws/world.ts";
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

/** Writes what a person of this world has in their home: bssh's config, AWS's files, ssh_config and known_hosts. */
export function writeClientFiles(files: ClientFiles): void {
  const { folder } = files;
  writeFileSync(folder.config, configText(files), { mode: 0o600 });
  writeFileSync(folder.sshConfig, sshConfigText(files), { mode: 0o600 });
  writeFileSync(folder.knownHosts, knownHostsText(files), { mode: 0o600 });
  writeFileSync(`${folder.home}/.aws/config`, awsConfigText(files), { mode: 0o600 });
  writeFileSync(`${folder.home}/.aws/credentials`, awsCredentialsText(files), { mode: 0o600 });
}

function configText({ folder, world, hosts, ask, certSeconds }: ClientFiles): string {
  // What the names hold (see the command's check) is no quote and no control character.
  const pattern = [...hosts, "127.0.0.1"].map((host) => host.replaceAll(".", "\\.")).join("|");
  const text = (value: string) => JSON.stringify(value);
  return [
    "# The sandbox's config; config.example.toml explains every setting.",
    `domain_regex = '(?:${pattern})\\Z'`,
    `identity_file = ${text(`${folder.home}/.ssh/blessid`)}`,
    `ca_keys = [${text(world.ca.publicKey.split(" ").slice(0, 2).join(" "))}]`,
    `kmsauth_service = ${text(world.kmsauthService)}`,
    `fixed_ip = "127.0.0.1"`,
    `bastion_ips = ["127.0.0.1"]`,
    ...(ask ? [] : [`mfa_command = ${text(`${shellWord(`${folder.bin}/bssh`)} sandbox mfa`)}`]),
    ...(certSeconds + SLACK_SECONDS > STANDARD_SECONDS
      ? [`certificate_max_seconds = ${certSeconds + SLACK_SECONDS}`]
      : []),
    "",
    "[lambda]",
    `function = ${text(world.functionName)}`,
    `version = "PROD"`,
    `role = ${text(world.userRole.name)}`,
    `account_id = ${text(world.caAccount)}`,
    ...world.regions.flatMap(({ alias, name, kmsauthKey }) => [
      "",
      "[[region]]",
      `alias = ${text(alias)}`,
      `aws_region = ${text(name)}`,
      `kmsauth_key = ${text(kmsauthKey)}`,
    ]),
    "",
  ].join("\n");
}

function sshConfigText({ folder, sshd, hosts }: ClientFiles): string {
  const blocks = [...hosts.map((host) => [host, host]), ["127.0.0.1 localhost", hosts[0] ?? "127.0.0.1"]];
  return [
    "# The hosts of the sandbox. ssh, scp and sftp inside it read this file in place of ~/.ssh/config.",
    ...blocks.flatMap(([names, alias]) => [
      `Host ${names}`,
      "  HostName 127.0.0.1",
      `  Port ${sshd.port}`,
      `  HostKeyAlias ${alias}`,
      "  StrictHostKeyChecking yes",
      "  UpdateHostKeys no",
      "",
    ]),
    "Host *",
    `  UserKnownHostsFile ${folder.knownHosts}`,
    "",
  ].join("\n");
}

function knownHostsText({ sshd, hosts }: ClientFiles): string {
  return `${[...hosts, `[127.0.0.1]:${sshd.port}`].join(",")} ${sshd.hostKey}\n`;
}

function awsConfigText({ world }: ClientFiles): string {
  const device = world.user.devices[0];
  return [
    "[default]",
    `region = ${world.regions[0]?.name ?? "us-east-1"}`,
    "output = json",
    ...(device === undefined ? [] : [`mfa_serial = ${device.serial}`]),
    "",
  ].join("\n");
}

function awsCredentialsText({ world }: ClientFiles): string {
  const { accessKeyId, secretAccessKey } = world.user;
  return `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}
