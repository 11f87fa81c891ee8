import type { Region } from "../config/settings.ts";
import { Failure } from "../failure.ts";
import { type Answer, encodeUserRequest, parseAnswer, type UserRequest } from "../wire/bless.ts";
import { answerRefusal } from "./answer-errors.ts";
import { learnBinding } from "./binding.ts";
import type { Caller } from "./caller.ts";
import type { Errand } from "./errand.ts";
import { type About, garbage, nonsense } from "./errors.ts";
import type { Keys } from "./keys.ts";
import type { KmsauthToken } from "./kmsauth.ts";
import { functionWord, invokeFunction, withoutSecrets } from "./lambda.ts";
import { roleArn } from "./role.ts";
import type { SourceAddress } from "./source-address.ts";

export type Signing = {
  /** By the name that they have at the CA. */
  readonly caller: Caller;
  readonly token: KmsauthToken;
  /** Proof of the caller's identity; "" sends none. */
  readonly proof: string;
  readonly role: Keys;
  readonly address: SourceAddress;
};

export type Invocation = {
  /** Line of the certificate as it came, not yet checked. */
  readonly certificate: string;
  /** Number that Lambda gave the invocation, as CA and CloudWatch log it; null when it is not of that form. */
  readonly requestId: string | null;
};

/** Principals to ask for: configured, or the user's own name. */
export function principalsFor(errand: Errand, caller: Caller): readonly string[] {
  const { principals } = errand.order.settings;
  return principals.length === 0 ? [caller.userName] : principals;
}

/** Asks the region's CA to sign. Throws Failure. */
export async function invokeCa(errand: Errand, region: Region, signing: Signing): Promise<Invocation> {
  const { settings } = errand.order;
  const { caller, token, proof, role } = signing;
  if (settings.function === null) throw new Failure("the config names no CA", "set function in [lambda]", 78);
  const target = { name: settings.function, version: settings.functionVersion };
  const about: About = {
    service: "Lambda",
    action: "Invoke",
    region: region.awsRegion,
    function: functionWord(target),
    role: roleArn(errand, caller) ?? caller.arn,
    user: caller.userName,
    key: region.kmsauthKey,
  };
  const payload = encodeUserRequest(requestFor(errand, signing));
  const answer = await invokeFunction(errand, about, role, target, payload);
  const said = readAnswer(answer, about);
  const { offers } = said;
  if ("certificate" in said && answer.FunctionError === undefined) {
    learnBinding(errand, region, { offers, refusesBound: false });
    return { certificate: said.certificate, requestId: requestIdOf(answer) };
  }
  const { errorType, errorMessage } = "certificate" in said ? { errorType: "Unhandled", errorMessage: "" } : said;
  errand.order.trace(`the CA in ${region.awsRegion} answered ${JSON.stringify(errorType)}`);
  const bare = withoutSecrets(errorMessage, [token.text, proof]);
  const failure = answerRefusal({ errorType, errorMessage: bare }, about);
  learnBinding(errand, region, { offers, refusesBound: token.isBound && failure.trouble === "kmsauth" });
  throw failure;
}

function requestIdOf({ $metadata: { requestId } }: Invoked): string | null {
  return requestId !== undefined && /^[\w-]{1,64}$/.test(requestId) ? requestId : null;
}

function requestFor(errand: Errand, { caller, token, proof, address }: Signing): UserRequest {
  const request = {
    bastion_ips: address.bound,
    bastion_user: caller.userName,
    bastion_user_ip: address.own,
    command: "*",
    public_key_to_sign: errand.order.publicKey.trim(),
    remote_usernames: principalsFor(errand, caller).join(","),
  };
  return {
    ...request,
    ...(token.text === "" ? {} : { kmsauth_token: token.text }),
    ...(proof === "" ? {} : { caller_identity: proof }),
  };
}

/** The part of Lambda's answer that is looked at. */
type Invoked = {
  readonly Payload?: Uint8Array | undefined;
  readonly $metadata: { readonly requestId?: string | undefined };
};

/** What the function answered, in BLESS's form. Throws Failure, without quoting, when it is in no such form. */
export function readAnswer(answer: Invoked, about: About): Answer {
  try {
    return parseAnswer(answer.Payload ?? new Uint8Array(0));
  } catch {
    // Not quoted: it may hold anything. Lambda numbers its answers; a page of a hotel's network has no number.
    throw answer.$metadata.requestId === undefined ? garbage(about) : nonsense(about);
  }
}
