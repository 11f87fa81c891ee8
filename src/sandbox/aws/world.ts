import { randomBytes } from "node:crypto";
import { type NameRule, nameFault } from "../../ca/names.ts";
import { makeBlessFunction } from "./bless-function.ts";
import { type CaKey, makeCaKey } from "./ca-key.ts";
import { type Role, randomId, randomKeys, type Session, type User } from "./credentials.ts";
import { checkPolicies, denyPolicy, makePolicies, type PolicySet } from "./documents.ts";
import { type KmsKey, sealUnder } from "./kms.ts";
import type { FunctionHandler } from "./lambda.ts";
import type { PolicyDocument } from "./policy.ts";
import { type Device, freshCode, makeDevice } from "./totp.ts";

/** One region: its kmsauth key, and the CA's password as the function there is configured with it. */
export type WorldRegion = {
  readonly name: string;
  /** Short name, as people type it after `--region`. */
  readonly alias: string;
  /** ARN of the key for kmsauth tokens. */
  readonly kmsauthKey: string;
  /** ARN of the key the CA's password is encrypted under. */
  readonly caKey: string;
  /** The CA's password encrypted under that key without a context, base64: `<region>_password` of BLESS's configuration. */
  readonly caPassword: string;
};

/** The sandbox's AWS as plain data. Everything secret in it was made at random for this world. */
export type World = {
  /** Milliseconds since the epoch: the clock of every service here. */
  readonly now: () => number;
  readonly userAccount: string;
  readonly caAccount: string;
  readonly regions: readonly WorldRegion[];
  /** The person this world was made for, one of `users`. */
  readonly user: User;
  /** IAM users of the user account by name. */
  readonly users: Map<string, User>;
  /** Roles by ARN. */
  readonly roles: Map<string, Role>;
  /** The role people assume to invoke the function, and the role the function has: both in `roles`. */
  readonly userRole: Role;
  readonly executionRole: Role;
  /** KMS keys by ARN, and the ARNs of keys by the ARN of their alias. */
  readonly keys: Map<string, KmsKey>;
  readonly keyAliases: Map<string, string>;
  /** Temporary credentials by access key id. */
  readonly sessions: Map<string, Session>;
  /** No session lives longer, whatever was asked for. */
  readonly sessionSeconds: number;
  /** `to` of the kmsauth encryption context. */
  readonly kmsauthService: string;
  /** Name of the CA's function. */
  readonly functionName: string;
  /** Functions of the CA account by name, the same in every region. May be changed while the world runs. */
  readonly functions: Map<string, FunctionHandler>;
  /** Versions of every function by qualifier (version or alias). */
  readonly functionVersions: Map<string, string>;
  readonly ca: CaKey;
  /** How long certificates are valid from the moment of signing, seconds. */
  readonly certSeconds: number;
  /** The code the person's first MFA device shows; waits for the next one when that one is used up. */
  readonly currentCode: () => Promise<string>;
};

export type WorldOptions = {
  /** IAM user; `alice` when not given. */
  readonly user?: string;
  /** Further IAM users with the same policies and no MFA device. */
  readonly otherUsers?: readonly string[];
  /** Validity of certificates; BLESS's 120 seconds when not given. */
  readonly certSeconds?: number;
  /** Longest life of a session, whatever was asked for. */
  readonly sessionSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** TOTP codes change every second, and may be three seconds off rather than one period. */
  readonly fastClock?: boolean;
  readonly totpPeriodSeconds?: number;
  readonly totpDriftSteps?: number;
  /** How many TOTP devices the user has; 1 when not given. */
  readonly devices?: number;
  /** How many security keys the user has beside them: these give no codes. */
  readonly securityKeys?: number;
  /** Tags of the user, for `aws:PrincipalTag/…`. */
  readonly userTags?: Readonly<Record<string, string>>;
  /** Actions that are explicitly denied to the users and to the role they assume. */
  readonly deny?: readonly string[];
  /** Policies in place of the usual ones. */
  readonly policies?: (usual: PolicySet) => Partial<PolicySet>;
  readonly kmsauthService?: string;
  readonly caKeyType?: "ed25519" | "rsa";
  /** What user names the CA takes; `useradd` when not given and the user's name is one of those, else `principal`. */
  readonly usernameValidation?: NameRule;
  /** Principals that anyone may ask the CA for, `["*"]` for any; one's own name only when not given. */
  readonly remoteUsernamesAllowed?: readonly string[];
  /** Replaces the CA's function, or wraps it. */
  readonly caBehaviour?: (bless: FunctionHandler) => FunctionHandler;
};

const userAccount = "123456789012";
const caAccount = "210987654321";
const places = [
  { name: "us-east-1", alias: "iad" },
  { name: "us-west-2", alias: "pdx" },
] as const;

/** Makes a world. Throws an Error when a name or a policy is wrong. */
export function makeWorld(options: WorldOptions = {}): World {
  const now = options.now ?? Date.now;
  const kmsauthService = options.kmsauthService ?? "bless-production";
  const functionName = "bless";
  const arns = places.map(({ name, alias }) => ({
    name,
    alias,
    kmsauthKey: keyArn(name, userAccount),
    caKey: keyArn(name, caAccount),
  }));
  const userRoleArn = `arn:aws:iam::${caAccount}:role/bless-user`;
  const executionRoleArn = `arn:aws:iam::${caAccount}:role/bless-execution`;
  const usual = makePolicies({
    userAccount,
    caAccount,
    regions: arns.map(({ name }) => name),
    userRoleArn,
    executionRoleArn,
    functionName,
    kmsauthKeys: arns.map(({ kmsauthKey }) => kmsauthKey),
    caKeys: arns.map(({ caKey }) => caKey),
    kmsauthService,
  });
  const policies = { ...usual, ...options.policies?.(usual) };
  checkPolicies(policies);
  const denied = options.deny === undefined ? [] : [denyPolicy(options.deny)];

  const user = makeUser(
    options.user ?? "alice",
    [policies.user, ...denied],
    makeDevices(options, now()),
    options,
    now(),
  );
  const others = (options.otherUsers ?? []).map((name) => makeUser(name, [policies.user, ...denied], [], {}, now()));
  const userRole = makeRole(userRoleArn, policies.trust, [policies.role, ...denied]);
  const executionRole = makeRole(executionRoleArn, policies.executionTrust, [policies.execution]);
  const ca = makeCaKey(options.caKeyType ?? "ed25519");
  const keys: KmsKey[] = [];
  const regions = arns.map((region) => {
    const caKey = makeKey(region.caKey, region.name, caAccount, policies.caKey);
    keys.push(caKey, makeKey(region.kmsauthKey, region.name, userAccount, policies.kmsauthKey));
    return { ...region, caPassword: Buffer.from(sealUnder(caKey, ca.passphrase, {})).toString("base64") };
  });
  const world: World = {
    now,
    userAccount,
    caAccount,
    regions,
    user,
    users: new Map([user, ...others].map((item) => [item.name, item])),
    roles: new Map([userRole, executionRole].map((role) => [role.arn, role])),
    userRole,
    executionRole,
    keys: new Map(keys.map((key) => [key.arn, key])),
    keyAliases: new Map(
      regions.flatMap(({ name, kmsauthKey, caKey }) => [
        [`arn:aws:kms:${name}:${userAccount}:alias/kmsauth`, kmsauthKey] as const,
        [`arn:aws:kms:${name}:${caAccount}:alias/bless-ca`, caKey] as const,
      ]),
    ),
    sessions: new Map(),
    sessionSeconds: options.sessionSeconds ?? Number.POSITIVE_INFINITY,
    kmsauthService,
    functionName,
    functions: new Map(),
    functionVersions: new Map([
      ["$LATEST", "$LATEST"],
      ["1", "1"],
      ["PROD", "1"],
    ]),
    ca,
    certSeconds: options.certSeconds ?? 120,
    currentCode: () => {
      const device = user.devices[0];
      if (device === undefined) return Promise.reject(new Error(`${user.name} has no MFA device`));
      return freshCode(device, now);
    },
  };
  const bless = makeBlessFunction(world, {
    usernameValidation:
      options.usernameValidation ?? (nameFault(user.name, "useradd") === null ? "useradd" : "principal"),
    remoteUsernamesAllowed: options.remoteUsernamesAllowed ?? [],
  });
  world.functions.set(functionName, options.caBehaviour?.(bless) ?? bless);
  return world;
}

function makeUser(
  name: string,
  policies: readonly PolicyDocument[],
  devices: readonly Device[],
  { userTags = {} }: WorldOptions,
  createdAt: number,
): User {
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of an IAM user`);
  return {
    ...randomKeys("AKIA"),
    name,
    arn: `arn:aws:iam::${userAccount}:user/${name}`,
    id: randomId("AIDA"),
    account: userAccount,
    policies,
    tags: new Map(Object.entries(userTags)),
    devices,
    createdAt,
  };
}

function makeDevices(options: WorldOptions, now: number): Device[] {
  const name = options.user ?? "alice";
  const period = options.totpPeriodSeconds ?? (options.fastClock === true ? 1 : 30);
  const drift = options.totpDriftSteps ?? (options.fastClock === true ? 3 : 1);
  const devices = Array.from({ length: options.devices ?? 1 }, (_, index) =>
    makeDevice(`arn:aws:iam::${userAccount}:mfa/${name}${index === 0 ? "" : `-${index + 1}`}`, period, drift, now),
  );
  const securityKeys = Array.from({ length: options.securityKeys ?? 0 }, (_, index) => ({
    ...makeDevice(`arn:aws:iam::${userAccount}:u2f/user/${name}/key-${index + 1}`, period, drift, now),
    secret: null,
  }));
  return [...devices, ...securityKeys];
}

function makeRole(arn: string, trust: PolicyDocument, policies: readonly PolicyDocument[]): Role {
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  return {
    name,
    arn,
    id: randomId("AROA"),
    account: caAccount,
    trust,
    policies,
    tags: new Map(),
    maxSessionSeconds: 3600,
  };
}

function makeKey(arn: string, region: string, account: string, policy: PolicyDocument): KmsKey {
  return { arn, region, account, policy, material: new Uint8Array(randomBytes(32)) };
}

function keyArn(region: string, account: string): string {
  return `arn:aws:kms:${region}:${account}:key/${crypto.randomUUID()}`;
}
