/**
 * The options of bless_deploy.cfg: BLESS's own under their names (`bless/config/bless_config.py`), and ours in [Bssh]. Each
 * can come from an environment variable instead, whose name BLESS makes of section and option; the variable goes before.
 */
import { type Ini, parseIni } from "../wire/ini.ts";

export type Section = "Bless Options" | "Bless CA" | "KMS Auth" | "Bssh";

export type Option = {
  readonly section: Section;
  /** As it stands in the file; `<region>` in it stands for an AWS region. */
  readonly name: string;
  /** As it would stand in the file; null: there is none, and the option is left out. */
  readonly default: string | null;
  readonly meaning: string;
};

export const CONFIG_FILE = "bless_deploy.cfg";

/** Every option there is. What is not here is refused, so that a slip of the pen is no policy. */
export const OPTIONS: readonly Option[] = [
  ...optionsOf("Bless Options", [
    ["certificate_validity_before_seconds", "120", "how long before the request a certificate begins"],
    ["certificate_validity_after_seconds", "120", "how long after the request a certificate ends"],
    ["server_certificate_validity_before_seconds", "120", "how long before the request a host's certificate begins"],
    ["server_certificate_validity_after_seconds", "31536000", "how long after the request a host's certificate ends"],
    ["entropy_minimum_bits", "2048", "understood, and of no effect: the kernel's generator needs no seeding"],
    ["random_seed_bytes", "256", "understood, and of no effect: the kernel's generator needs no seeding"],
    ["logging_level", "INFO", "understood, and of no effect: every decision is logged, and no secret ever"],
    ["test_user", null, "a bastion_user or remote_usernames that gets a certificate which is never valid"],
    [
      "certificate_extensions",
      "permit-X11-forwarding,permit-agent-forwarding,permit-port-forwarding,permit-pty,permit-user-rc",
      "extensions of users' certificates, separated by commas; empty for none",
    ],
    ["username_validation", "useradd", "what bastion_user may be: useradd, debian, email, principal or disabled"],
    ["remote_usernames_validation", "principal", "what each of remote_usernames may be, in the same words"],
    ["remote_usernames_blacklist", null, "a Python regular expression: no principal may match it from its start"],
    ["hostname_validation", "url", "what hosts' names may be where nobody vouches for them: url or disabled"],
  ]),
  ...optionsOf("Bless CA", [
    ["<region>_password", null, "the key's passphrase, encrypted under a KMS key of that region, in base64"],
    ["default_password", null, "the same for regions without one of their own"],
    ["ca_private_key", null, "the private key's file in base64; goes before ca_private_key_file"],
    ["ca_private_key_file", null, "the private key's file, beside the code: PEM or OpenSSH's format"],
    ["ca_private_key_compression", "none", "how the key's file is compressed: none, zlib or bz2"],
  ]),
  ...optionsOf("KMS Auth", [
    ["use_kmsauth", "False", "whether people prove who they are by a kmsauth token"],
    ["kmsauth_key_id", null, "KMS keys of the tokens, separated by commas: ARNs, or IDs and aliases of this region"],
    ["kmsauth_serviceid", null, "the CA's name: the tokens' `to`, and the audience of signed identities"],
    ["kmsauth_remote_usernames_allowed", null, "names that one may ask for beside bastion_user; * for any"],
    ["kmsauth_validate_remote_usernames_against_iam_groups", "False", "whether each name needs a group in IAM"],
    ["kmsauth_iam_group_name_format", "ssh-{}", "the group's name, {} standing for the name asked for"],
  ]),
  ...optionsOf("Bssh", [
    ["ca_kms_key", null, "ARN of the asymmetric KMS key that signs; of several, separated by commas, this region's"],
    ["<region>_ca_kms_key", null, "the same for one region; goes before"],
    ["trusted_ca_keys", null, "a file of public keys that sshd is to trust beside the CA's own, one a line"],
    ["bind_public_key", "accept", "tokens bound to the key that they are for: off, accept or require"],
    ["kmsauth_max_lifetime_seconds", "3600", "the longest that a token may be good for"],
    ["kmsauth_service_names", null, "names that belong to services, which ask with tokens of their own"],
    ["kmsauth_service_key_id", null, "KMS keys of the services' tokens"],
    ["max_validity_seconds", "86400", "the longest that a user's certificate may be configured to be valid"],
    ["host_max_validity_seconds", "31622400", "the same for a host's certificate"],
    ["shortest_prefix_ipv4", "8", "the largest network that bastion_ips may name; 0 for any"],
    ["shortest_prefix_ipv6", "16", "the same for IPv6"],
    ["caller_identity_accounts", null, "AWS accounts whose roles may prove who they are by a signed identity"],
    ["caller_identity_roles", "AWSReservedSSO_*", "names of those roles; * at the end stands for any rest"],
    ["caller_identity_name", "session", "whom a role session is for: session (its name) or local-part (before the @)"],
    ["caller_identity_domain", null, "with local-part: the one domain that counts"],
    ["allow_unproven", "False", "whether whoever may invoke the function may have any name"],
    ["host_policy", "hosts.json", "the file that says which hosts may have which names"],
    ["host_allow_unproven", "False", "whether whoever may invoke the hosts' function gets any host's name"],
    ["instance_identity_certificates", null, "a file with AWS's certificates for instance identity documents, in PEM"],
    ["revocations", "revocations.json", "the file of what is revoked, as bssh ca revoke writes it"],
    ["log_requests", "False", "whether each request is logged as it comes, without its token or proof"],
  ]),
];

/** Where a value stands and what it is, for sentences about it. */
export type Given = { readonly value: string; readonly place: string; readonly isDefault?: boolean };

export type Lookup = {
  /** The option's value or its default; null when it has neither. */
  readonly find: (section: Section, name: string) => Given | null;
};

/** Reads the file, null for none, and the environment. Throws an Error that names the place and quotes no value. */
export function readOptions(text: string | null, environment: Readonly<Record<string, string | undefined>>): Lookup {
  const ini = parseIni(text ?? "", CONFIG_FILE);
  const [stray] = ini.strayLines;
  if (stray !== undefined) throw new Error(`${CONFIG_FILE}:${stray}: the line is neither option nor comment`);
  refuseUnknown(ini);
  refuseUnknownVariables(environment);
  return {
    find(section, name) {
      const variable = variableOf(section, name);
      const fromEnvironment = environment[variable];
      if (fromEnvironment !== undefined) return { value: fromEnvironment.trim(), place: `the variable ${variable}` };
      const entry = ini.sections.get(section)?.options.get(name) ?? ini.defaults.get(name);
      if (entry !== undefined) {
        return { value: entry.value.trim(), place: `${CONFIG_FILE}:${entry.line}: [${section}] ${name}` };
      }
      const known = optionFor(name, section)?.default ?? null;
      return known === null ? null : { value: known, place: `[${section}] ${name}`, isDefault: true };
    },
  };
}

/** `bless_options_test_user`: the environment's name of an option, as BlessConfig._environment_key makes it. */
export function variableOf(section: Section, name: string): string {
  return `${section}_${name}`.replace(/\W+/g, "_").toLowerCase();
}

/** A section of later BLESSes: taken as long as it is off, for there are no such tokens here. */
const JWT = "JWT Auth";

function isOff(value: string | undefined): boolean {
  return value === undefined || /^(false|no|off|0)$/i.test(value.trim());
}

function refuseUnknown({ sections, defaults }: Ini): void {
  for (const [name, { line }] of defaults) {
    if (optionFor(name) === undefined) throw unknown(`${CONFIG_FILE}:${line}: [DEFAULT]`, name);
  }
  for (const [section, { line, options }] of sections) {
    if (section === JWT && isOff(options.get("use_jwtauth")?.value)) continue;
    if (!OPTIONS.some((option) => option.section === section)) {
      throw new Error(`${CONFIG_FILE}:${line}: there is no section [${printableName(section)}] here`);
    }
    for (const [name, entry] of options) {
      if (optionFor(name, section) === undefined) throw unknown(`${CONFIG_FILE}:${entry.line}: [${section}]`, name);
    }
  }
}

/** Only names in lower case that begin as BLESS's do: the rest of the environment is others'. */
function refuseUnknownVariables(environment: Readonly<Record<string, string | undefined>>): void {
  for (const variable of Object.keys(environment)) {
    if (!/^(bless_options|bless_ca|kms_auth|bssh)_/.test(variable) || environment[variable] === undefined) continue;
    const isKnown = OPTIONS.some(({ section, name }) => {
      const [before, after] = name.split("<region>");
      if (after === undefined) return variableOf(section, name) === variable;
      const [start, end] = [variableOf(section, before ?? ""), after];
      return variable.startsWith(start) && variable.endsWith(end) && variable.length > start.length + end.length;
    });
    if (!isKnown) throw new Error(`the variable ${printableName(variable)} is no option's`);
  }
}

function optionFor(name: string, section?: string): Option | undefined {
  return OPTIONS.find((option) => {
    if (section !== undefined && option.section !== section) return false;
    if (!option.name.startsWith("<region>")) return option.name === name;
    const suffix = option.name.slice("<region>".length);
    return name.endsWith(suffix) && /^[a-z]{2,5}(-[a-z0-9]+){1,4}$/.test(name.slice(0, -suffix.length));
  });
}

function unknown(place: string, name: string): Error {
  return new Error(`${place} has no option ${printableName(name)}`);
}

function printableName(name: string): string {
  return name.replace(/[^\w -]/g, "?").slice(0, 80);
}

function optionsOf(section: Section, rows: readonly (readonly [string, string | null, string])[]): Option[] {
  return rows.map(([name, value, meaning]) => ({ section, name, default: value, meaning }));
}
