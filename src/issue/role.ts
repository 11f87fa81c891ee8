import type { Caller } from "./caller.ts";
import { call, type Errand, kept } from "./errand.ts";
import { garbage } from "./errors.ts";
import { type Keys, ROLE, readStsKeys } from "./keys.ts";

/** AWS gives no more when a session assumes a role ("role chaining"). */
const LONGEST_SECONDS = 3600;

/** The role that may invoke the CA: kept, or assumed with the session, which is not asked for before. Throws Failure. */
export async function assumeRole(
  errand: Errand,
  region: string,
  caller: Caller,
  session: () => Promise<Keys>,
): Promise<Keys> {
  const arn = roleArn(errand, caller);
  const key = roleKey(errand, caller);
  if (arn === null || key === null) return session();
  const old = kept(errand, ROLE, key, { what: "AssumeRole", where: `sts ${region}` });
  if (old !== null) return old;
  const about = { service: "STS", action: "AssumeRole", region, role: arn, user: caller.userName };
  const input = {
    RoleArn: arn,
    RoleSessionName: sessionName(caller.userName),
    DurationSeconds: Math.min(errand.order.settings.roleSeconds, LONGEST_SECONDS),
  };
  const keys = await session();
  const answer = await call(errand, about, (abortSignal) =>
    errand.clients.sts(region, keys, "usual", (client, sdk) =>
      client.send(new sdk.AssumeRoleCommand(input), { abortSignal }),
    ),
  );
  const role = readStsKeys(answer);
  if (role === null) throw garbage(about);
  errand.cache.keep(ROLE, key, role, role.ends ?? 0);
  return role;
}

/** True when the role's credentials in use were kept from an earlier login. */
export function isOldRole(errand: Errand, caller: Caller): boolean {
  const key = roleKey(errand, caller);
  return key !== null && errand.cache.isOld(ROLE, key);
}

export function forgetRole(errand: Errand, caller: Caller): void {
  const key = roleKey(errand, caller);
  if (key !== null) errand.cache.forget(ROLE, key);
}

/** ARN of the configured role, in the configured account or the user's own; null when no role is configured. */
export function roleArn(errand: Errand, caller: Caller): string | null {
  const { role, roleAccount } = errand.order.settings;
  return role === null
    ? null
    : `arn:${caller.partition}:iam::${roleAccount ?? caller.account}:role/${role.replace(/^\/+/, "")}`;
}

function roleKey(errand: Errand, caller: Caller): readonly string[] | null {
  const arn = roleArn(errand, caller);
  return arn === null ? null : [errand.source.id, errand.source.mfaSerial ?? "", caller.arn, arn];
}

/** The user's name in the form AWS wants for a session's (2 to 64 of `[\w+=,.@-]`), so that CloudTrail shows who it was. */
export function sessionName(userName: string): string {
  return userName
    .replace(/[^\w+=,.@-]/g, "-")
    .slice(0, 64)
    .padEnd(2, "-");
}
