import { randomBytes } from "node:crypto";
import type { Context } from "./pattern.ts";
import type { PolicyDocument } from "./policy.ts";
import { Refusal } from "./refusal.ts";
import { base32, type Device } from "./totp.ts";
import type { World } from "./world.ts";

/** A pair of long-term or temporary keys. */
export type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };

export type User = Keys & {
  readonly name: string;
  readonly arn: string;
  /** Unique id, `AIDA…`. */
  readonly id: string;
  readonly account: string;
  readonly policies: readonly PolicyDocument[];
  readonly tags: ReadonlyMap<string, string>;
  readonly devices: readonly Device[];
  readonly groups: readonly Group[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
};

/** A group of IAM users. */
export type Group = {
  readonly name: string;
  /** Unique id, `AGPA…`. */
  readonly id: string;
  readonly arn: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
};

export type Role = {
  /** Name without its path. */
  readonly name: string;
  readonly arn: string;
  /** Unique id, `AROA…`. */
  readonly id: string;
  readonly account: string;
  readonly trust: PolicyDocument;
  readonly policies: readonly PolicyDocument[];
  readonly tags: ReadonlyMap<string, string>;
  readonly maxSessionSeconds: number;
};

/** Who makes a request. Exactly one of `user` and `role` is set. */
export type Caller = {
  readonly kind: "user" | "user-session" | "role-session";
  readonly arn: string;
  readonly userId: string;
  readonly account: string;
  readonly user: User | null;
  readonly role: Role | null;
  /** When a second factor was shown for these credentials, milliseconds since the epoch; null: never. */
  readonly mfaAt: number | null;
};

/** Temporary credentials. */
export type Session = Keys & {
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly caller: Caller;
};

/** A random id of IAM: the four letters of its kind and sixteen of base 32. */
export function randomId(prefix: "AKIA" | "ASIA" | "AIDA" | "AROA" | "AGPA"): string {
  return prefix + base32(randomBytes(10));
}

export function randomKeys(prefix: "AKIA" | "ASIA"): Keys {
  return { accessKeyId: randomId(prefix), secretAccessKey: randomBytes(30).toString("base64") };
}

export function userCaller(user: User): Caller {
  const { arn, id, account } = user;
  return { kind: "user", arn, userId: id, account, user, role: null, mfaAt: null };
}

/** The caller that assuming a role under a session name makes. */
export function roleCaller(role: Role, sessionName: string, mfaAt: number | null): Caller {
  const arn = `arn:aws:sts::${role.account}:assumed-role/${role.name}/${sessionName}`;
  const userId = `${role.id}:${sessionName}`;
  return { kind: "role-session", arn, userId, account: role.account, user: null, role, mfaAt };
}

/** New temporary credentials for a caller; they live `seconds`, or as long as the world lets a session live. */
export function openSession(
  world: Pick<World, "now" | "sessions" | "sessionSeconds">,
  caller: Caller,
  seconds: number,
): Session {
  const now = world.now();
  const session = {
    ...randomKeys("ASIA"),
    sessionToken: randomBytes(180).toString("base64"),
    // Answers give whole seconds.
    expiresAt: Math.floor(now / 1000) * 1000 + Math.min(seconds, world.sessionSeconds) * 1000,
    caller,
  };
  world.sessions.set(session.accessKeyId, session);
  return session;
}

/** The credentials an access key id stands for. Throws the refusal of an unknown key, and of a wrong or missing token. */
export function findCredentials(
  world: World,
  accessKeyId: string,
  token: string | null,
): { secretAccessKey: string; expiresAt: number | null; caller: Caller } {
  const session = world.sessions.get(accessKeyId);
  if (session !== undefined && token === session.sessionToken) return session;
  for (const user of world.users.values()) {
    if (user.accessKeyId === accessKeyId && token === null) {
      return { secretAccessKey: user.secretAccessKey, expiresAt: null, caller: userCaller(user) };
    }
  }
  throw new Refusal("unknown", "The security token included in the request is invalid.");
}

/**
 * What policies can know of a caller and the request. `aws:username` is there for IAM users only, and
 * `aws:MultiFactorAuthPresent` for temporary credentials only.
 * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
export function requestContext(
  world: World,
  caller: Caller,
  region: string,
  extra: Iterable<readonly [string, string]> = [],
): Context {
  const now = world.now();
  const context = new Map<string, string[]>();
  const add = (name: string, value: string) => {
    const key = name.toLowerCase();
    const values = context.get(key);
    if (values === undefined) context.set(key, [value]);
    else values.push(value);
  };
  add("aws:PrincipalArn", caller.role?.arn ?? caller.arn);
  add("aws:PrincipalAccount", caller.account);
  add("aws:PrincipalType", caller.role === null ? "User" : "AssumedRole");
  add("aws:userid", caller.userId);
  if (caller.user !== null) add("aws:username", caller.user.name);
  for (const [name, value] of (caller.user ?? caller.role)?.tags ?? []) add(`aws:PrincipalTag/${name}`, value);
  if (caller.kind !== "user") add("aws:MultiFactorAuthPresent", String(caller.mfaAt !== null));
  if (caller.mfaAt !== null) add("aws:MultiFactorAuthAge", String(Math.floor((now - caller.mfaAt) / 1000)));
  add("aws:RequestedRegion", region);
  add("aws:SourceIp", "127.0.0.1");
  for (const [name, value] of extra) add(name, value);
  return context;
}

/** Everything in the world that must not appear in a log, as text in the forms it could take there. */
export function worldSecrets(world: World): string[] {
  const secrets: string[] = [];
  for (const user of world.users.values()) {
    secrets.push(user.secretAccessKey);
    for (const { secret } of user.devices) if (secret !== null) secrets.push(base32(secret));
  }
  for (const session of world.sessions.values()) secrets.push(session.secretAccessKey, session.sessionToken);
  for (const key of world.keys.values()) secrets.push(...binaryForms(key.material));
  for (const { passphrase } of [world.ca, world.hostCa]) {
    if (passphrase.length > 0) secrets.push(...binaryForms(passphrase));
  }
  return secrets;
}

function binaryForms(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  return [buffer.toString("base64"), buffer.toString("base64url"), buffer.toString("hex")];
}
