import { type Role, randomId, randomKeys, type User } from "./credentials.ts";
import type { PolicyDocument } from "./policy.ts";
import { type Device, makeDevice } from "./totp.ts";

/** What devices the world's user shows codes with. */
export type DeviceOptions = {
  /** TOTP codes change every second, and may be three seconds off rather than one period. */
  readonly fastClock?: boolean;
  readonly totpPeriodSeconds?: number;
  readonly totpDriftSteps?: number;
  /** How many TOTP devices the user has; 1 when not given. */
  readonly devices?: number;
  /** How many security keys the user has beside them: these give no codes. */
  readonly securityKeys?: number;
};

export type UserTraits = {
  readonly name: string;
  readonly account: string;
  readonly policies: readonly PolicyDocument[];
  readonly devices?: readonly Device[];
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly groups?: readonly string[] | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
};

/** An IAM user with keys of its own. Throws an Error when the name cannot be one. */
export function makeUser({
  name,
  account,
  policies,
  devices = [],
  tags = {},
  groups = [],
  createdAt,
}: UserTraits): User {
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of an IAM user`);
  return {
    ...randomKeys("AKIA"),
    name,
    arn: `arn:aws:iam::${account}:user/${name}`,
    id: randomId("AIDA"),
    account,
    policies,
    tags: new Map(Object.entries(tags)),
    devices,
    groups: groups.map((group) => ({
      name: group,
      id: randomId("AGPA"),
      arn: `arn:aws:iam::${account}:group/${group}`,
      createdAt,
    })),
    createdAt,
  };
}

/** The MFA devices of a user: TOTP devices first, then security keys. */
export function makeDevices(name: string, account: string, options: DeviceOptions, now: number): Device[] {
  const period = options.totpPeriodSeconds ?? (options.fastClock === true ? 1 : 30);
  const drift = options.totpDriftSteps ?? (options.fastClock === true ? 3 : 1);
  const devices = Array.from({ length: options.devices ?? 1 }, (_, index) =>
    makeDevice(`arn:aws:iam::${account}:mfa/${name}${index === 0 ? "" : `-${index + 1}`}`, period, drift, now),
  );
  const securityKeys = Array.from({ length: options.securityKeys ?? 0 }, (_, index) => ({
    ...makeDevice(`arn:aws:iam::${account}:u2f/user/${name}/key-${index + 1}`, period, drift, now),
    secret: null,
  }));
  return [...devices, ...securityKeys];
}

/** A role; its name is what follows the last slash of the ARN. */
export function makeRole(arn: string, trust: PolicyDocument, policies: readonly PolicyDocument[]): Role {
  return {
    name: arn.slice(arn.lastIndexOf("/") + 1),
    arn,
    id: randomId("AROA"),
    account: arn.split(":")[4] ?? "",
    trust,
    policies,
    tags: new Map(),
    maxSessionSeconds: 3600,
  };
}
