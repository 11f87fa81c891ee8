/** What whoever deploys the CA decides; the names of bless_deploy.cfg stand beside those that come from there. */
import type { NameRule } from "./names.ts";
import { NO_REVOCATIONS, type Revocations } from "./revocations.ts";

export type CaSettings = {
  /** How long before now a certificate is valid, in seconds (certificate_validity_before_seconds). */
  readonly validityBeforeSeconds: number;
  /** How long after now a certificate is valid, in seconds (certificate_validity_after_seconds). */
  readonly validityAfterSeconds: number;
  /** What both together may be at most (max_validity_seconds). */
  readonly maxValiditySeconds: number;
  /** A user or list of principals that gets a certificate which is never valid, to try the whole way; null for none (test_user). */
  readonly testUser: string | null;
  /** What `bastion_user` may be (username_validation). */
  readonly usernameValidation: NameRule;
  /** What each of `remote_usernames` may be (remote_usernames_validation). */
  readonly remoteUsernamesValidation: NameRule;
  /** Names that are never principals; null for none. It counts where it matches at the start (remote_usernames_blacklist). */
  readonly remoteUsernamesBlacklist: RegExp | null;
  /** Names of the extensions in each certificate (certificate_extensions). */
  readonly extensions: readonly string[];
  /** Shortest prefix that a source address may have: 0 takes any network, 32 and 128 single addresses only. */
  readonly shortestPrefix: { readonly ipv4: number; readonly ipv6: number };
  /** The function's ARN in the key id; null takes the one that was invoked. */
  readonly functionArn: string | null;
  /** How people with an IAM user prove who they are; null: not by a token (use_kmsauth). */
  readonly kmsauth: KmsauthSettings | null;
  /** How people of IAM Identity Center do; null: not at all. With neither, who may invoke the function is trusted. */
  readonly callerIdentity: CallerIdentitySettings | null;
  /**
   * Principals that whoever is proved may ask for, `["*"]` for any; empty for one's own name only
   * (kmsauth_remote_usernames_allowed).
   */
  readonly remoteUsernamesAllowed: readonly string[];
  /** IAM groups that one must be in for each principal, where others may be asked for at all; null when they don't count. */
  readonly groups: GroupSettings | null;
  /** Keys and people that get nothing. */
  readonly revocations: Revocations;
};

/** Whether a token may be, or must be, bound to the key that it is for. */
export type KeyBinding = "off" | "accept" | "require";

export type KmsauthSettings = {
  /** ARNs of the KMS keys that people's tokens may be encrypted under (kmsauth_key_id). */
  readonly keyArns: readonly string[];
  /** The `to` of the encryption context (kmsauth_serviceid). */
  readonly service: string;
  /** Accept when not given. */
  readonly bindPublicKey?: KeyBinding;
  /** Longest time from a token's first to its last moment; an hour when not given. */
  readonly maxLifetimeSeconds?: number;
  /** Services that ask for certificates with a service's token. */
  readonly services?: ServiceSettings | null;
};

/** kmsauth_validate_remote_usernames_against_iam_groups. */
export type GroupSettings = {
  /** The group's name, `{}` in it standing for the principal's (kmsauth_iam_group_name_format). */
  readonly nameFormat: string;
};

/** Names that are a service's, no person's: their tokens are of version 1, or of version 2 with the user type `service`. */
export type ServiceSettings = {
  readonly names: readonly string[];
  /** ARNs of the KMS keys that services' tokens may be encrypted under: auth_key of python-kmsauth. */
  readonly keyArns: readonly string[];
};

export type CallerIdentitySettings = {
  /** The CA's name in a proof, as in kmsauth's `to`. */
  readonly audience: string;
  /** AWS accounts whose roles count. */
  readonly accounts: readonly string[];
  /** Names of roles, `*` at the end standing for any rest. */
  readonly roles: readonly string[];
  /** Whether the name a role session stands for is its session name, or what is before the @ in it. */
  readonly name: "session" | "local-part";
  /** With `local-part`: what must stand behind the @. */
  readonly domain: string | null;
};

/** Everything has a default, but for the two proofs: that one of them counts, or that none does, must be decided. */
export type GivenSettings = Partial<CaSettings> & Pick<CaSettings, "kmsauth">;

/** The settings with the defaults where nothing is given: BLESS's, but for what is unsafe. Throws when a value can't work. */
export function completeSettings(given: GivenSettings): CaSettings {
  const settings: CaSettings = {
    validityBeforeSeconds: 120,
    validityAfterSeconds: 120,
    maxValiditySeconds: 86_400,
    testUser: null,
    usernameValidation: "useradd",
    remoteUsernamesValidation: "principal",
    remoteUsernamesBlacklist: null,
    extensions: [
      "permit-X11-forwarding",
      "permit-agent-forwarding",
      "permit-port-forwarding",
      "permit-pty",
      "permit-user-rc",
    ],
    shortestPrefix: { ipv4: 8, ipv6: 16 },
    functionArn: null,
    callerIdentity: null,
    remoteUsernamesAllowed: [],
    groups: null,
    revocations: NO_REVOCATIONS,
    ...given,
  };
  const { validityBeforeSeconds: before, validityAfterSeconds: after, maxValiditySeconds: most } = settings;
  if (!(Number.isInteger(before) && before >= 0)) throw new Error("validityBeforeSeconds is no number of seconds");
  if (!(Number.isInteger(after) && after > 0)) throw new Error("validityAfterSeconds is no number of seconds");
  if (before + after > most) throw new Error(`certificates are to be valid for longer than ${most} seconds`);
  return settings;
}
