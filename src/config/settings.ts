/** One region with its own Lambda function and its own kmsauth key. */
export type Region = {
  /** Short name for `--region`, as the person types it; compared without regard to case. */
  readonly alias: string;
  /** AWS region, for example `eu-west-1`. */
  readonly awsRegion: string;
  /** KMS key id, alias or ARN that kmsauth tokens are encrypted under. */
  readonly kmsauthKey: string;
};

/** Everything bssh can be told. Frozen; times are in seconds; paths are absolute. */
export type Settings = {
  /** Python `re.match` pattern of the hosts that are ours, as written; null when none is configured (then no host is). */
  readonly domainRegex: string | null;
  /** True: without a certificate the wrapper exits 255 instead of going on to ssh. */
  readonly required: boolean;
  readonly identityFile: string;
  readonly keyType: "ed25519" | "rsa";
  /** True: for hosts of ours the first `-i` that is there decides which key is certified; false: always the configured one. */
  readonly typedIdentity: boolean;
  /** Whether key and certificate are loaded into ssh-agent; `confirm`: the agent asks at every use. */
  readonly agent: "on" | "off" | "confirm";
  /** Principals to ask for; empty means the AWS user name. */
  readonly principals: readonly string[];
  /** CA public keys (`type base64`) one of which must have signed; empty means not pinned. */
  readonly caKeys: readonly string[];
  readonly allowSha1: boolean;
  /** Longest certificate validity that is accepted, from now to its end. */
  readonly certificateMaxSeconds: number;
  /** A certificate that ends within this time counts as gone. */
  readonly renewMarginSeconds: number;
  /** True: a login with a certificate that is past two thirds of its life has it renewed, and doesn't wait for that. */
  readonly renewInBackground: boolean;

  /** Shell command whose standard output is the MFA code; null asks the person. */
  readonly mfaCommand: string | null;
  /** Serial number or ARN of the MFA device; null finds it. */
  readonly mfaSerial: string | null;
  /** File in which another tool keeps an MFA session that may be used; null for none. */
  readonly mfaCache: string | null;
  /** How long a question waits for its answer where there is no terminal. */
  readonly questionSeconds: number;
  /** After a refusal, callers without a terminal ask nobody for so long. */
  readonly refusalSeconds: number;
  /** AWS profile to take credentials from; null leaves it to the environment. */
  readonly awsProfile: string | null;
  readonly sessionSeconds: number;
  readonly roleSeconds: number;
  readonly kmsauthSeconds: number;

  /** Whether a kmsauth token is good for one public key only; `auto`: where the CA offers it. */
  readonly kmsauthBinding: "auto" | "on" | "off";
  /** How the CA is shown who asks; `auto`: by the caller's identity for sessions of a role, by kmsauth for IAM users. */
  readonly identityProof: "kmsauth" | "caller-identity" | "auto";
  /** With a caller's identity: the user is named as the role's session, or as what stands before the @ of that. */
  readonly identityName: "session" | "local-part";
  /** The CA's name: `to` of the kmsauth encryption context, audience of a caller's identity. */
  readonly kmsauthService: string | null;
  readonly function: string | null;
  /** Version or alias of the function; null leaves it unqualified. */
  readonly functionVersion: string | null;
  /** Role to assume, name with an optional path; null invokes with the MFA session. */
  readonly role: string | null;
  /** Account of the role, 12 digits; null means the user's own. */
  readonly roleAccount: string | null;
  /** Regions in the order in which they are tried. */
  readonly regions: readonly Region[];
  readonly connectSeconds: number;
  readonly readSeconds: number;

  /** Addresses (CIDR or single) the certificate is bound to beside the person's own. */
  readonly bastionIps: readonly string[];
  /** The person's own address when it is not to be looked up. */
  readonly fixedIp: string | null;
  /** Services that answer with the caller's address, tried in order. */
  readonly ipUrls: readonly string[];
  readonly ipCacheSeconds: number;

  /** True: connections to hosts of ours are made by bssh, without Nagle's delay, and handed over to ssh. */
  readonly dialer: boolean;
  /** True: logins to one host share a connection (ControlMaster) as long as the certificate is good. */
  readonly shareConnections: boolean;

  /** Public keys (`type base64`) of the CA that signs hosts' certificates; empty trusts none. */
  readonly hostCaKeys: readonly string[];
  /** Patterns of known_hosts of the hosts that this CA is trusted for; not empty where there are keys. */
  readonly hostPatterns: readonly string[];
  /** On a server: the function that signs its own certificate. */
  readonly hostFunction: string | null;
  /** Version or alias of that function; null leaves it unqualified. */
  readonly hostFunctionVersion: string | null;
  /** On a server: the names to ask for; empty asks for all that the CA's policy gives it. */
  readonly hostNames: readonly string[];
};

/** Where a value came from: `default`, a file with the line of the key, or an environment variable. */
export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "environment"; readonly name: string };

export type Config = {
  readonly settings: Settings;
  readonly origins: Readonly<Record<keyof Settings, Origin>>;
  /** Config files that were read, lowest first. */
  readonly files: readonly string[];
  /** Text of every file that was looked for, lowest first; null for one that was not there. */
  readonly texts: ReadonlyMap<string, string | null>;
  readonly paths: Paths;
};

/** Where bssh keeps things. */
export type Paths = {
  /** The user's config file (`BSSH_CONFIG`, `BSSH_HOME/config.toml`, `~/.config/bssh/config.toml`). */
  readonly config: string;
  /** The system's config file, under the user's. */
  readonly systemConfig: string;
  /** Private state: caches, the measured clock skew (`BSSH_HOME`, `~/.local/state/bssh`). */
  readonly state: string;
  /** The user's ssh_config (`BSSH_SSH_CONFIG`, `~/.ssh/config`). */
  readonly sshConfig: string;
  readonly home: string;
};
