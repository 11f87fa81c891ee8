import { Failure, printable } from "../failure.ts";
import { asRecord, asText, type Kind } from "./cache.ts";
import { call, type Errand, kept } from "./errand.ts";
import { garbage } from "./errors.ts";
import type { Keys } from "./keys.ts";

/** Who the user is, as AWS says. */
export type Caller = {
  readonly arn: string;
  /** 12 digits. */
  readonly account: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** Last part of the ARN: the IAM user's name, or the session's name of a role. */
  readonly userName: string;
};

const CALLER: Kind<Caller> = {
  name: "caller",
  marginMs: 0,
  parse: (value) => {
    const arn = asText(asRecord(value)?.["arn"], 2048);
    return arn === null ? null : parseCallerArn(arn);
  },
};

/** Longer than a session and the role that it got last; a sign-in behind a profile may become another person's. */
const LASTS_MS = 2 * 86_400_000;

/** Who the user was at an earlier login with these credentials; null when it isn't known. */
export function knownCaller(errand: Errand, region: string): Caller | null {
  return kept(errand, CALLER, [errand.source.id], { what: "GetCallerIdentity", where: `sts ${region}` });
}

/** The same without a note, for code that only needs to name what is kept. */
export function rememberedCaller(errand: Errand): Caller | null {
  return errand.cache.read(CALLER, [errand.source.id], errand.clock.now());
}

/** Keeps who the user is; also when a session begins, so that it outlives what comes of the session. */
export function keepCaller(errand: Errand, caller: Caller): void {
  errand.cache.keep(CALLER, [errand.source.id], caller, errand.clock.now() + LASTS_MS);
}

/** True when who the user is was known from an earlier login. */
export function isOldCaller(errand: Errand): boolean {
  return errand.cache.isOld(CALLER, [errand.source.id]);
}

export function forgetCaller(errand: Errand): void {
  errand.cache.forget(CALLER, [errand.source.id]);
}

/** Asks STS (GetCallerIdentity needs no permission). Throws Failure. */
export async function askCaller(errand: Errand, region: string, keys: Keys): Promise<Caller> {
  const about = { service: "STS", action: "GetCallerIdentity", region };
  const answer = await call(errand, about, (abortSignal) =>
    errand.clients.sts(region, keys, "usual", (client, sdk) =>
      client.send(new sdk.GetCallerIdentityCommand({}), { abortSignal }),
    ),
  );
  const arn = asText(answer.Arn, 2048);
  if (arn === null) throw garbage(about);
  const caller = parseCallerArn(arn);
  if (caller === null) throw unusable(arn);
  keepCaller(errand, caller);
  return caller;
}

/**
 * Reads an ARN of GetCallerIdentity: a user (with a path or without), a role's session, a federated user. Null for the root
 * user and anything else that has no name.
 */
export function parseCallerArn(arn: string): Caller | null {
  const match =
    /^arn:(aws[a-z-]*):(?:iam::(\d{12}):user\/|sts::(\d{12}):(?:assumed-role\/[^/]+\/|federated-user\/))(?:[^/]+\/)*([^/]+)$/.exec(
      arn,
    );
  if (match === null) return null;
  const [, partition = "", user, session, userName = ""] = match;
  if (/[\u0000-\u0020\u007f]/.test(userName)) return null;
  return { arn, account: user ?? session ?? "", partition, userName };
}

function unusable(arn: string): Failure {
  if (/:root$/.test(arn)) {
    return new Failure("these are the credentials of the account's root user", "use those of an IAM user or a role");
  }
  return new Failure(
    `AWS calls you ${printable(arn, 150)}, which names no user`,
    "use credentials of an IAM user or a role",
  );
}
