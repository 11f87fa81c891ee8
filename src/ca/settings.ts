/** What whoever deploys the CA decides; the names of bless_deploy.cfg stand beside those that come from there. */
import type { NameRule } from "./names.ts";

export type CaSettings = {
  /** How long before now a certificate is valid, in seconds (certificate_validity_before_seconds). */
  readonly validityBeforeSeconds: number;
  /** How long after now a certificate is valid, in seconds (certificate_validity_after_seconds). */
  readonly validityAfterSeconds: number;
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
  /** How people prove who they are; null leaves it to who may invoke the function (use_kmsauth). */
  readonly kmsauth: KmsauthSettings | null;
};

export type KmsauthSettings = {
  /** ARNs of the KMS keys that tokens may be encrypted under (kmsauth_key_id). */
  readonly keyArns: readonly string[];
  /** The `to` of the encryption context (kmsauth_serviceid). */
  readonly service: string;
  /** Principals that anyone may ask for, `["*"]` for any; empty for one's own name only (kmsauth_remote_usernames_allowed). */
  readonly remoteUsernamesAllowed: readonly string[];
};

/** Everything has BLESS's default, but for kmsauth, which must be decided. */
export type GivenSettings = Partial<CaSettings> & Pick<CaSettings, "kmsauth">;

/** The settings with BLESS's defaults where nothing is given; throws when a value is none that can work. */
export function completeSettings(given: GivenSettings): CaSettings {
  const settings: CaSettings = {
    validityBeforeSeconds: 120,
    validityAfterSeconds: 120,
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
    shortestPrefix: { ipv4: 0, ipv6: 0 },
    functionArn: null,
    ...given,
  };
  const { validityBeforeSeconds: before, validityAfterSeconds: after } = settings;
  if (!(Number.isInteger(before) && before >= 0)) throw new Error("validityBeforeSeconds is no number of seconds");
  if (!(Number.isInteger(after) && after > 0)) throw new Error("validityAfterSeconds is no number of seconds");
  return settings;
}
