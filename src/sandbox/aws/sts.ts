import { authorize } from "./authorization.ts";
import { type Caller, openSession, requestContext, roleCaller, type Session } from "./credentials.ts";
import { element, queryAnswer, Refusal, refuse } from "./refusal.ts";
import type { ServiceCall } from "./server.ts";
import { spendCode } from "./totp.ts";
import type { World } from "./world.ts";

export const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

/**
 * AWS STS over its Query protocol: GetCallerIdentity, GetSessionToken and AssumeRole. Throws the refusals of
 * https://docs.aws.amazon.com/STS/latest/APIReference/
 */
export function answerSts(call: ServiceCall): Response {
  const parameters = new URLSearchParams(Buffer.from(call.body).toString("utf8"));
  const actions: Readonly<Record<string, (call: ServiceCall, parameters: URLSearchParams) => string>> = {
    GetCallerIdentity: identity,
    GetSessionToken: getSessionToken,
    AssumeRole: assumeRole,
  };
  const action = Object.hasOwn(actions, call.action) ? actions[call.action] : undefined;
  if (action === undefined || parameters.get("Version") !== "2011-06-15") {
    throw refuse(
      "InvalidAction",
      400,
      `Could not find operation ${call.action} for version ${parameters.get("Version")}`,
    );
  }
  return queryAnswer(call.action, action(call, parameters), stsNamespace, call.requestId);
}

function identity({ caller }: ServiceCall): string {
  return element("Arn", caller.arn) + element("UserId", caller.userId) + element("Account", caller.account);
}

function getSessionToken({ world, caller }: ServiceCall, parameters: URLSearchParams): string {
  if (caller.kind !== "user") throw new Refusal("denied", "Cannot call GetSessionToken with session credentials");
  const seconds = duration(parameters, 43_200, 129_600);
  const mfaAt = checkSecondFactor(world, caller, parameters);
  return credentials(openSession(world, { ...caller, kind: "user-session", mfaAt }, seconds));
}

function assumeRole({ world, caller, region }: ServiceCall, parameters: URLSearchParams): string {
  for (const name of parameters.keys()) {
    if (/^(Policy|Tags|TransitiveTagKeys|ProvidedContexts|SourceIdentity)/.test(name)) {
      throw refuse("ValidationError", 400, `the sandbox does not support ${name} of AssumeRole`);
    }
  }
  const arn = required(parameters, "RoleArn", /^arn:[^:]+:iam::\d{12}:role\/.+$/);
  const sessionName = required(parameters, "RoleSessionName", /^[\w+=,.@-]{2,64}$/);
  const seconds = duration(parameters, 3600, 43_200);
  const shownNow = checkSecondFactor(world, caller, parameters);
  const mfaAt = shownNow ?? caller.mfaAt;

  const role = world.roles.get(arn);
  const externalId = parameters.get("ExternalId");
  const extra: [string, string][] = [["sts:RoleSessionName", sessionName]];
  if (externalId !== null) extra.push(["sts:ExternalId", externalId]);
  if (shownNow !== null && caller.kind === "user") extra.push(["aws:MultiFactorAuthPresent", "true"]);
  authorize(caller, {
    action: "sts:AssumeRole",
    resource: arn,
    account: arn.split(":")[4] ?? "",
    context: requestContext(world, { ...caller, mfaAt }, region, extra),
    resourcePolicy: role?.trust ?? null,
    resourceMustAgree: true,
    kind: "trust",
  });
  if (role === undefined) throw new Error("a role that does not exist cannot have agreed");

  if (caller.kind === "role-session" && seconds > 3600) {
    throw refuse(
      "ValidationError",
      400,
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  if (seconds > role.maxSessionSeconds) {
    throw refuse(
      "ValidationError",
      400,
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  }
  const session = openSession(world, roleCaller(role, sessionName, mfaAt), seconds);
  const { arn: sessionArn, userId } = session.caller;
  const user = element("AssumedRoleId", userId) + element("Arn", sessionArn);
  return `${credentials(session)}<AssumedRoleUser>${user}</AssumedRoleUser>`;
}

/** When the second factor was shown, milliseconds since the epoch; null when none was given. Throws when it is wrong. */
function checkSecondFactor(world: World, caller: Caller, parameters: URLSearchParams): number | null {
  const serial = parameters.get("SerialNumber");
  const code = parameters.get("TokenCode");
  if (serial === null && code === null) return null;
  if (serial === null || code === null) {
    throw new Refusal(
      "denied",
      "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
    );
  }
  checkLength("tokenCode", code, 6, 6);
  checkLength("serialNumber", serial, 9, 256);
  const device = caller.user?.devices.find((item) => item.serial === serial);
  if (device === undefined || device.secret === null) {
    throw new Refusal(
      "denied",
      "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
    );
  }
  const now = world.now();
  if (!spendCode(device, code, now)) {
    throw new Refusal("denied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ");
  }
  return now;
}

function credentials(session: Session): string {
  const fields =
    element("AccessKeyId", session.accessKeyId) +
    element("SecretAccessKey", session.secretAccessKey) +
    element("SessionToken", session.sessionToken) +
    element("Expiration", new Date(session.expiresAt).toISOString().replace(/\.\d+Z$/, "Z"));
  return `<Credentials>${fields}</Credentials>`;
}

function duration(parameters: URLSearchParams, standard: number, longest: number): number {
  const text = parameters.get("DurationSeconds") ?? String(standard);
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 900 && seconds <= longest) return seconds;
  const limit = seconds > longest ? `less than or equal to ${longest}` : "greater than or equal to 900";
  throw invalid("durationSeconds", text, `Member must have value ${limit}`);
}

function required(parameters: URLSearchParams, name: string, form: RegExp): string {
  const value = parameters.get(name);
  if (value !== null && form.test(value)) return value;
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  const constraint =
    value === null ? "Member must not be null" : `Member must satisfy regular expression pattern: ${form.source}`;
  throw invalid(member, value, constraint);
}

function checkLength(member: string, value: string, shortest: number, longest: number): void {
  if (value.length >= shortest && value.length <= longest) return;
  const limit = value.length < shortest ? `greater than or equal to ${shortest}` : `less than or equal to ${longest}`;
  throw invalid(member, value, `Member must have length ${limit}`);
}

function invalid(member: string, value: string | null, constraint: string): Refusal {
  const shown = value === null ? "null" : `'${value}'`;
  return refuse(
    "ValidationError",
    400,
    `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}
