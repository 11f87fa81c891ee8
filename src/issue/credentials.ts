// Whose credentials: the AWS CLI's order. A profile that our config names, then keys in the environment, then AWS_PROFILE, then the
// profile `default`. (The SDK by itself lets AWS_PROFILE win over keys in the environment.)
import { createHash } from "node:crypto";
import type { Settings } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import type { Environment } from "./endpoint.ts";
import type { Keys } from "./keys.ts";
import { type Profile, type Profiles, profileChain, profileSerial } from "./profiles.ts";

export type Source = {
  /** For sentences: `the environment`, `profile work`. */
  readonly name: string;
  /** Whose credentials they are, for the keys of what is kept; changes when they do. No secret. */
  readonly id: string;
  /** Profile whose other settings (region, endpoints, retries) hold; null for none. */
  readonly profile: string | null;
  /** How the keys are come by. */
  readonly way: Way;
  readonly mfaSerial: string | null;
  /** AWS region of the environment or the profile; null when neither names one. */
  readonly region: string | null;
  readonly caBundle: string | null;
};

export type Way =
  | { readonly kind: "given"; readonly keys: Keys }
  | { readonly kind: "process"; readonly command: string; readonly profile: string }
  /** By the SDK: roles, IAM Identity Center, web identity, containers. `asksCode`: it will want an MFA code. */
  | { readonly kind: "provider"; readonly profile: string | null; readonly asksCode: boolean };

/**
 * Finds out where the credentials are, without using them. A `session` that another tool keeps comes before all others.
 * Throws Failure when there are none.
 */
export function findSource(
  settings: Pick<Settings, "awsProfile" | "mfaSerial">,
  environment: Environment,
  profiles: Profiles,
  session: { readonly keys: Keys; readonly file: string } | null,
): Source {
  const wanted = settings.awsProfile ?? (environment["AWS_PROFILE"] || environment["AWS_DEFAULT_PROFILE"] || null);
  const profile = wanted ?? "default";
  const found = profiles.get(profile);
  const shared = {
    region: environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || found?.["region"] || null,
    caBundle: environment["AWS_CA_BUNDLE"] || found?.["ca_bundle"] || null,
    profile: found === undefined ? null : profile,
  };
  const serial = settings.mfaSerial ?? (environment["AWS_MFA_SERIAL"] || null);
  if (session !== null) {
    const { keys, file } = session;
    return {
      ...shared,
      name: `the session in ${file}`,
      id: `keys ${keys.accessKeyId}`,
      way: { kind: "given", keys },
      mfaSerial: serial,
    };
  }

  const keys = settings.awsProfile === null ? environmentKeys(environment) : null;
  if (keys !== null) {
    const mfaSerial = serial ?? (found === undefined ? null : profileSerial(profiles, profile));
    return {
      ...shared,
      name: "the environment",
      id: `keys ${keys.accessKeyId}`,
      way: { kind: "given", keys },
      mfaSerial,
    };
  }
  if (found === undefined) return withoutProfile(wanted, environment, shared, serial);
  return {
    ...shared,
    name: `profile ${printable(profile, 80)}`,
    id: `profile ${profile} ${digest(profileChain(profiles, profile))}`,
    way: profileWay(profile, found),
    mfaSerial: serial ?? profileSerial(profiles, profile),
  };
}

/** Keys of the environment; AWS_SECURITY_TOKEN is the older name of AWS_SESSION_TOKEN and counts as in boto. */
function environmentKeys(environment: Environment): Keys | null {
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"] || "";
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"] || "";
  if (accessKeyId === "") return null;
  if (secretAccessKey === "") {
    throw new Failure("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY", "set both, or neither");
  }
  const sessionToken = environment["AWS_SESSION_TOKEN"] || environment["AWS_SECURITY_TOKEN"] || null;
  return { accessKeyId, secretAccessKey, sessionToken, ends: null };
}

function profileWay(name: string, profile: Profile): Way {
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, role_arn: role } = profile;
  if (accessKeyId !== undefined && secretAccessKey !== undefined && role === undefined) {
    const keys = { accessKeyId, secretAccessKey, sessionToken: profile["aws_session_token"] ?? null, ends: null };
    return { kind: "given", keys };
  }
  const command = profile["credential_process"];
  if (command !== undefined && role === undefined) return { kind: "process", command, profile: name };
  return { kind: "provider", profile: name, asksCode: role !== undefined && profile["mfa_serial"] !== undefined };
}

function withoutProfile(
  wanted: string | null,
  environment: Environment,
  shared: Pick<Source, "region" | "caBundle" | "profile">,
  mfaSerial: string | null,
): Source {
  if (wanted !== null) {
    const name = printable(wanted, 80);
    throw new Failure(`there is no AWS profile ${name}`, "correct aws_profile or AWS_PROFILE, or run aws configure");
  }
  const traces = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  ];
  const values = [...traces, "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"].map((name) => environment[name] ?? "");
  if (values.slice(0, 3).every((value) => value === "")) throw noCredentials();
  const way = { kind: "provider", profile: null, asksCode: false } as const;
  return { ...shared, name: "this machine's role", id: `machine ${digest(values)}`, way, mfaSerial };
}

/** The failure for a user without any credentials. */
export function noCredentials(): Failure {
  return new Failure(
    "there are no AWS credentials, neither in the environment nor in ~/.aws",
    "run aws configure (or aws sso login), or name a profile in aws_profile",
  );
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
