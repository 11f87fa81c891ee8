import { type NameRule, nameFault } from "../../ca/names.ts";
import { type BlessOptions, makeBlessFunction, makeHostFunction } from "./bless-function.ts";
import type { CaKey, CaKeyType } from "./ca-key.ts";
import { openSession, type Role, roleCaller, type Session, type User } from "./credentials.ts";
import type { Deployment } from "./deployment.ts";
import { checkPolicies, denyPolicy, makePolicies, type PolicySet } from "./documents.ts";
import { type Instance, makeInstance } from "./instance.ts";
import type { KmsKey } from "./kms-key.ts";
import type { FunctionHandler } from "./lambda.ts";
import type { PolicyDocument } from "./policy.ts";
import { type DeviceOptions, makeDevices, makeRole, makeUser } from "./principals.ts";
import { freshCode } from "./totp.ts";
import { keyNames, makeKeys, planKeys } from "./world-keys.ts";

/** One region: its kmsauth key, and the CA's password as the function there is configured with it. */
export type WorldRegion = {
  readonly name: string;
  /** Short name, as people type it after `--region`. */
  readonly alias: string;
  /** ARN of the key for kmsauth tokens. */
  readonly kmsauthKey: string;
  /** ARN of the key the CA's password is encrypted under. */
  readonly caKey: string;
  /**
   * The CA's password encrypted under that key without a context, base64: `<region>_password` of BLESS's configuration.
   * Empty when the CA's key is inside KMS.
   */
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
  /** The role people assume to invoke the function, and the roles the functions have: all in `roles`. */
  readonly userRole: Role;
  readonly executionRole: Role;
  readonly hostExecutionRole: Role;
  /** The person's session of IAM Identity Center, in place of the IAM user; null in a world without. */
  readonly identityCenter: Session | null;
  /** The one server that is an instance of EC2. */
  readonly instance: Instance;
  /** KMS keys by ARN, and the ARNs of keys by the ARN of their alias. */
  readonly keys: Map<string, KmsKey>;
  readonly keyAliases: Map<string, string>;
  /** Temporary credentials by access key id. */
  readonly sessions: Map<string, Session>;
  /** No session lives longer, whatever was asked for. */
  readonly sessionSeconds: number;
  /** `to` of the kmsauth encryption context. */
  readonly kmsauthService: string;
  /** Names of the CA's functions, for people and for hosts. */
  readonly functionName: string;
  readonly hostFunctionName: string;
  /** How the function for people is configured. */
  readonly bless: BlessOptions;
  /** What the functions are deployed with by their names, where it is not what they come with. */
  readonly deployments: Map<string, Deployment>;
  /** Takes the functions' records of their decisions. */
  readonly audit: (record: Record<string, unknown>) => void;
  /** Functions of the CA account by name, the same in every region. May be changed while the world runs. */
  readonly functions: Map<string, FunctionHandler>;
  /** Who may invoke a function from another account, by its name. */
  readonly functionPolicies: Map<string, PolicyDocument>;
  /** Versions of every function by qualifier (version or alias). */
  readonly functionVersions: Map<string, string>;
  readonly ca: CaKey;
  /** The CA's key for hosts: another one, inside KMS. */
  readonly hostCa: CaKey;
  /** How long certificates are valid from the moment of signing, seconds. */
  readonly certSeconds: number;
  /** The code the person's first MFA device shows; waits for the next one when that one is used up. */
  readonly currentCode: () => Promise<string>;
};

export type WorldOptions = DeviceOptions & {
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
  /** Tags of the user, for `aws:PrincipalTag/…`. */
  readonly userTags?: Readonly<Record<string, string>>;
  /** Actions that are explicitly denied to the users and to the role they assume. */
  readonly deny?: readonly string[];
  /** Policies in place of the usual ones. */
  readonly policies?: (usual: PolicySet) => Partial<PolicySet>;
  readonly kmsauthService?: string;
  readonly caKeyType?: CaKeyType;
  /** Names that the instance of EC2 may have. */
  readonly hosts?: readonly string[];
  /** The person comes from IAM Identity Center rather than as an IAM user. */
  readonly identityCenter?: boolean;
  /** IAM groups of users by the users' names. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Users and the CA are in one account, as the CA must be whose names are checked against IAM groups. */
  readonly oneAccount?: boolean;
  /** What user names the CA takes; `useradd` when not given and the user's name is one of those, else `principal`. */
  readonly usernameValidation?: NameRule;
  /** Principals that anyone may ask the CA for, `["*"]` for any; one's own name only when not given. */
  readonly remoteUsernamesAllowed?: readonly string[];
  /** Replaces the CA's function, or wraps it. */
  readonly caBehaviour?: (bless: FunctionHandler) => FunctionHandler;
  /** Takes the records of the CA's decisions. */
  readonly audit?: (record: Record<string, unknown>) => void;
};

const userAccount = "123456789012";
const permissionSet = "Engineer";
/** As Identity Center names the role that it makes of a permission set in an account. */
const identityCenterRole = `aws-reserved/sso.amazonaws.com/us-west-2/AWSReservedSSO_${permissionSet}_0123456789abcdef`;
/** A permission set's session lasts an hour unless it says otherwise. */
const identityCenterSeconds = 3600;
/** Only Identity Center's own sign-in enters its roles, which is none of the callers here. */
const noTrust: PolicyDocument = { Version: "2012-10-17", Statement: [] };
const places = [
  { name: "us-east-1", alias: "iad" },
  { name: "us-west-2", alias: "pdx" },
] as const;

/** Makes a world. Throws an Error when a name or a policy is wrong. */
export function makeWorld(options: WorldOptions = {}): World {
  const now = options.now ?? Date.now;
  const createdAt = now();
  const caAccount = options.oneAccount === true ? userAccount : "210987654321";
  const kmsauthService = options.kmsauthService ?? "bless-production";
  const [functionName, hostFunctionName] = ["bless", "bless-host"];
  const plan = planKeys(places, userAccount, caAccount, options.caKeyType ?? "ed25519");
  const roleArn = (role: string, account = caAccount) => `arn:aws:iam::${account}:role/${role}`;
  const usual = makePolicies({
    UserAccount: userAccount,
    CaAccount: caAccount,
    Region: places.map(({ name }) => name),
    FunctionName: functionName,
    HostFunctionName: hostFunctionName,
    UserRoleArn: roleArn("bless-user"),
    ExecutionRoleArn: roleArn("bless-execution"),
    HostExecutionRoleArn: roleArn("bless-host-execution"),
    PermissionSet: permissionSet,
    KmsauthService: kmsauthService,
    ...keyNames(plan),
  });
  const policies = { ...usual, ...options.policies?.(usual) };
  checkPolicies(policies);
  const denied = options.deny === undefined ? [] : [denyPolicy(options.deny)];

  const person = (name: string) => ({
    name,
    account: userAccount,
    policies: [policies.user, ...denied],
    groups: options.groups?.[name],
    createdAt,
  });
  const name = options.user ?? "alice";
  const devices = makeDevices(name, userAccount, options, createdAt);
  const user = makeUser({ ...person(name), devices, tags: options.userTags });
  const others = (options.otherUsers ?? []).map((other) => makeUser(person(other)));
  const trust = options.identityCenter === true ? policies.identityCenterTrust : policies.trust;
  const userRole = makeRole(roleArn("bless-user"), trust, [policies.role, ...denied]);
  const executionRole = makeRole(roleArn("bless-execution"), policies.executionTrust, [policies.execution]);
  const hostExecutionRole = makeRole(roleArn("bless-host-execution"), policies.executionTrust, [
    policies.hostExecution,
  ]);
  const instance = makeInstance({
    role: makeRole(roleArn("web-server", userAccount), policies.instanceTrust, [policies.instance]),
    region: places[0].name,
    hosts: options.hosts ?? [],
    launchedAt: createdAt,
  });
  const engineer = makeRole(roleArn(identityCenterRole, userAccount), noTrust, [policies.identityCenter, ...denied]);
  const roles = [userRole, executionRole, hostExecutionRole, instance.role, engineer];
  const sessions = new Map<string, Session>();
  const sessionSeconds = options.sessionSeconds ?? Number.POSITIVE_INFINITY;

  const world: World = {
    now,
    userAccount,
    caAccount,
    ...makeKeys(plan, policies, createdAt),
    user,
    users: new Map([user, ...others].map((item) => [item.name, item])),
    roles: new Map(roles.map((role) => [role.arn, role])),
    userRole,
    executionRole,
    hostExecutionRole,
    identityCenter:
      options.identityCenter === true
        ? openSession({ now, sessions, sessionSeconds }, roleCaller(engineer, name, null), identityCenterSeconds)
        : null,
    instance,
    sessions,
    sessionSeconds,
    kmsauthService,
    functionName,
    hostFunctionName,
    bless: {
      usernameValidation: options.usernameValidation ?? (nameFault(name, "useradd") === null ? "useradd" : "principal"),
      remoteUsernamesAllowed: options.remoteUsernamesAllowed ?? [],
    },
    deployments: new Map(),
    audit: options.audit ?? (() => {}),
    functions: new Map(),
    functionPolicies: new Map([[hostFunctionName, policies.hostFunction]]),
    functionVersions: new Map([
      ["$LATEST", "$LATEST"],
      ["1", "1"],
      ["PROD", "1"],
    ]),
    certSeconds: options.certSeconds ?? 120,
    currentCode: () => {
      const device = user.devices[0];
      if (device === undefined) return Promise.reject(new Error(`${user.name} has no MFA device`));
      return freshCode(device, now);
    },
  };
  const bless = makeBlessFunction(world, world.bless);
  world.functions.set(functionName, options.caBehaviour?.(bless) ?? bless);
  world.functions.set(hostFunctionName, makeHostFunction(world));
  return world;
}
