/**
 * How the CA is configured: bless_deploy.cfg and the environment made into the settings of both handlers. It is stricter than
 * BLESS: an option that is unknown, a value that is wrong, and a CA that nobody has to prove anything to, are errors.
 */
import { decodeBase64 } from "../wire/bytes.ts";
import { translatePattern } from "../wire/pattern.ts";
import { type Given, readOptions } from "./deploy-options.ts";
import { makeValues, type Values } from "./deploy-values.ts";
import type { HostSettings } from "./host-certificate.ts";
import type { NameRule } from "./names.ts";
import type { CallerIdentitySettings, GivenSettings, KmsauthSettings } from "./settings.ts";

/** The CA's key: inside KMS, or a file whose passphrase KMS decrypts. */
export type KeySource =
  | { readonly kind: "kms"; readonly keyId: string }
  | {
      readonly kind: "file";
      /** The passphrase's ciphertext. */
      readonly password: Uint8Array;
      /** The name of a file beside the code, or what would stand in it. */
      readonly file: string | Uint8Array;
      readonly compression: "none" | "zlib" | "bz2";
    };

export type DeployConfig = {
  /**
   * `keyArns` as they are configured: some may be IDs or aliases, which KMS has to resolve. Null when nobody would have to prove
   * who they are, which may do for a function that certifies hosts alone.
   */
  readonly user: GivenSettings | null;
  readonly host: Partial<HostSettings>;
  readonly key: KeySource;
  /** Names of files beside the code; null for none. `required`: it was named, so that it has to be there. */
  readonly trustedKeys: FileName | null;
  readonly hostPolicy: FileName | null;
  readonly instanceCertificates: FileName | null;
  readonly revocations: FileName | null;
  readonly logRequests: boolean;
};

export type FileName = { readonly name: string; readonly required: boolean };

const NAME_RULES: readonly NameRule[] = ["useradd", "debian", "email", "principal", "disabled"];

/** Reads it for one region; throws an Error that names section and option and quotes no secret. */
export function readDeployConfig(
  text: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): DeployConfig {
  const lookup = readOptions(text, environment);
  const values = makeValues(lookup);
  const region = environment["AWS_REGION"] ?? "";
  // Understood, checked and of no effect.
  values.whole("Bless Options", "entropy_minimum_bits", 0);
  values.whole("Bless Options", "random_seed_bytes", 0);
  return {
    user: userSettings(values),
    host: hostSettings(values),
    key: keySource(values, region),
    trustedKeys: fileName(values, "trusted_ca_keys"),
    hostPolicy: fileName(values, "host_policy"),
    instanceCertificates: fileName(values, "instance_identity_certificates"),
    revocations: fileName(values, "revocations"),
    logRequests: values.flag("Bssh", "log_requests"),
  };
}

function userSettings(values: Values): GivenSettings | null {
  const kmsauth = kmsauthSettings(values);
  const callerIdentity = callerIdentitySettings(values);
  const allowUnproven = values.flag("Bssh", "allow_unproven");
  if ((kmsauth !== null || callerIdentity !== null) && allowUnproven) {
    throw new Error("[Bssh] allow_unproven contradicts [KMS Auth] use_kmsauth and [Bssh] caller_identity_accounts");
  }
  const before = values.whole("Bless Options", "certificate_validity_before_seconds", 0);
  const after = values.whole("Bless Options", "certificate_validity_after_seconds", 1);
  const most = values.whole("Bssh", "max_validity_seconds", 1);
  if (before + after > most) throw tooLong("[Bless Options] certificate_validity_*_seconds", "max_validity_seconds");
  const settings: GivenSettings = {
    validityBeforeSeconds: before,
    validityAfterSeconds: after,
    maxValiditySeconds: most,
    testUser: values.text("Bless Options", "test_user"),
    usernameValidation: values.choice("Bless Options", "username_validation", NAME_RULES),
    remoteUsernamesValidation: values.choice("Bless Options", "remote_usernames_validation", NAME_RULES),
    remoteUsernamesBlacklist: blacklist(values),
    extensions: values.list("Bless Options", "certificate_extensions", /^[\w.@+-]{1,64}$/),
    shortestPrefix: {
      ipv4: values.whole("Bssh", "shortest_prefix_ipv4", 0, 32),
      ipv6: values.whole("Bssh", "shortest_prefix_ipv6", 0, 128),
    },
    kmsauth,
    callerIdentity,
    remoteUsernamesAllowed: values.list("KMS Auth", "kmsauth_remote_usernames_allowed", /^[^\s,]{1,256}$/u),
    groups: values.flag("KMS Auth", "kmsauth_validate_remote_usernames_against_iam_groups") ? groups(values) : null,
  };
  return kmsauth === null && callerIdentity === null && !allowUnproven ? null : settings;
}

function hostSettings(values: Values): Partial<HostSettings> {
  const before = values.whole("Bless Options", "server_certificate_validity_before_seconds", 0);
  const after = values.whole("Bless Options", "server_certificate_validity_after_seconds", 1);
  const most = values.whole("Bssh", "host_max_validity_seconds", 1);
  if (before + after > most) {
    throw tooLong("[Bless Options] server_certificate_validity_*_seconds", "host_max_validity_seconds");
  }
  return {
    validityBeforeSeconds: before,
    validityAfterSeconds: after,
    maxValiditySeconds: most,
    hostnameValidation: values.choice("Bless Options", "hostname_validation", ["url", "disabled"]),
    audience: values.text("KMS Auth", "kmsauth_serviceid") ?? "",
    allowUnproven: values.flag("Bssh", "host_allow_unproven"),
  };
}

function kmsauthSettings(values: Values): KmsauthSettings | null {
  const uses = values.flag("KMS Auth", "use_kmsauth");
  const keyArns = values.list("KMS Auth", "kmsauth_key_id", /^[\w:/-]{1,256}$/);
  const names = values.list("Bssh", "kmsauth_service_names", /^[^\s,/]{1,256}$/u);
  const serviceKeys = values.list("Bssh", "kmsauth_service_key_id", /^[\w:/-]{1,256}$/);
  const bindPublicKey = values.choice("Bssh", "bind_public_key", ["off", "accept", "require"]);
  const maxLifetimeSeconds = values.whole("Bssh", "kmsauth_max_lifetime_seconds", 1, 86_400);
  if (!uses) return null;
  if (keyArns.length === 0) throw new Error("[KMS Auth] kmsauth_key_id is missing, which use_kmsauth needs");
  if (names.length > 0 !== serviceKeys.length > 0) {
    throw new Error("[Bssh] kmsauth_service_names and kmsauth_service_key_id are good for nothing but together");
  }
  return {
    keyArns,
    service: serviceId(values, "use_kmsauth"),
    bindPublicKey,
    maxLifetimeSeconds,
    services: names.length === 0 ? null : { names, keyArns: serviceKeys },
  };
}

function callerIdentitySettings(values: Values): CallerIdentitySettings | null {
  const accounts = values.list("Bssh", "caller_identity_accounts", /^\d{12}$/);
  const roles = values.list("Bssh", "caller_identity_roles", /^[\w+=,.@-]{1,64}\*?$/);
  const name = values.choice("Bssh", "caller_identity_name", ["session", "local-part"]);
  const domain = values.text("Bssh", "caller_identity_domain");
  if (accounts.length === 0) return null;
  if (roles.length === 0) throw new Error("[Bssh] caller_identity_roles names no role");
  if ((name === "local-part") !== (domain !== null)) {
    throw new Error("[Bssh] caller_identity_domain belongs to caller_identity_name = local-part, which needs it");
  }
  return { audience: serviceId(values, "caller_identity_accounts"), accounts, roles, name, domain };
}

function serviceId(values: Values, needs: string): string {
  const service = values.text("KMS Auth", "kmsauth_serviceid");
  if (service === null) throw new Error(`[KMS Auth] kmsauth_serviceid is missing, which ${needs} needs`);
  return service;
}

function groups(values: Values): { readonly nameFormat: string } {
  const nameFormat = values.text("KMS Auth", "kmsauth_iam_group_name_format") ?? "";
  if (/^[\w+=,.@-]*\{\}[\w+=,.@-]*$/.test(nameFormat)) return { nameFormat };
  throw new Error("[KMS Auth] kmsauth_iam_group_name_format is no group's name with {} in it once");
}

function blacklist(values: Values): RegExp | null {
  const given = values.given("Bless Options", "remote_usernames_blacklist");
  if (given === null || given.value === "") return null;
  try {
    const { source, flags } = translatePattern(given.value, "unicode");
    return new RegExp(source, flags);
  } catch (error) {
    const why = error instanceof Error && error.name === "PatternError" ? `holds ${error.message}` : "is no pattern";
    throw new Error(`${given.place} ${why}`);
  }
}

function keySource(values: Values, region: string): KeySource {
  const inKms = values.given("Bssh", `${region}_ca_kms_key`) ?? values.given("Bssh", "ca_kms_key");
  const text = values.given("Bless CA", "ca_private_key");
  const file = values.text("Bless CA", "ca_private_key_file");
  const compression = values.choice("Bless CA", "ca_private_key_compression", ["none", "zlib", "bz2"]);
  if (inKms !== null && inKms.value !== "") {
    if (text !== null || file !== null)
      throw new Error("[Bssh] ca_kms_key and [Bless CA] ca_private_key* are two keys");
    return { kind: "kms", keyId: kmsKeyIn(inKms, region) };
  }
  if (text === null && file === null) {
    throw new Error("the CA has no key: set [Bssh] ca_kms_key, or [Bless CA] ca_private_key_file");
  }
  const password = values.given("Bless CA", `${region}_password`) ?? values.given("Bless CA", "default_password");
  if (password === null) throw new Error(`[Bless CA] ${region}_password is missing, and default_password as well`);
  return { kind: "file", password: base64(password), file: text === null ? (file ?? "") : base64(text), compression };
}

function kmsKeyIn({ value, place }: Given, region: string): string {
  const keys = value.split(",").map((key) => key.trim());
  const [only, ...others] = keys;
  if (only !== undefined && others.length === 0 && /^[\w:/-]{1,256}$/.test(only)) return only;
  const own = keys.find((key) => key.split(":")[3] === region);
  if (own === undefined || !/^arn:[\w:/-]{1,256}$/.test(own))
    throw new Error(`${place} has no ARN of a key in ${region}`);
  return own;
}

function fileName(values: Values, option: string): FileName | null {
  const given = values.given("Bssh", option);
  if (given === null || given.value === "") return null;
  // Beside the code and nowhere else.
  if (!/^[\w-][\w.-]{0,127}$/.test(given.value)) throw new Error(`${given.place} is no name of a file beside the code`);
  return { name: given.value, required: given.isDefault !== true };
}

function base64({ value, place }: Given): Uint8Array {
  try {
    return decodeBase64(value.replace(/\s+/g, ""));
  } catch {
    throw new Error(`${place} is not base64`);
  }
}

function tooLong(what: string, limit: string): Error {
  return new Error(`${what} together are more than [Bssh] ${limit}`);
}
