import { authenticate, type Service } from "./authentication.ts";
import type { Caller } from "./credentials.ts";
import { answerIam, iamNamespace } from "./iam.ts";
import { answerKms } from "./kms-service.ts";
import { answerLambda, lambdaAction } from "./lambda.ts";
import { type Protocol, Refusal, refusalAnswer, refusalCode } from "./refusal.ts";
import { type Authorization, readAuthorization, type SignedRequest } from "./sigv4.ts";
import { answerSts, stsNamespace } from "./sts.ts";
import type { World } from "./world.ts";

/** What can be said of a request before its signature is verified: claims, in a form that is safe to log. */
export type Claim = {
  readonly service: Service;
  /** Region of the signature's scope, `unknown` when it is none of the world's. */
  readonly region: string;
  /** Name of the API action, `unknown` when it is none. */
  readonly action: string;
  readonly requestId: string;
  readonly request: SignedRequest;
};

/** A request whose signature is good. */
export type ServiceCall = {
  readonly world: World;
  readonly caller: Caller;
  readonly region: string;
  readonly action: string;
  readonly requestId: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
};

/** One request in the log. It holds no secret. */
export type AwsRecord = {
  /** When it came in: RFC 3339 with milliseconds, by the world's clock. */
  readonly time: string;
  readonly service: Service;
  readonly action: string;
  readonly region: string;
  /** ARN of the caller; null when the signature was not good. */
  readonly principal: string | null;
  /** True, or the error code; `Intercepted` when the interceptor answered by itself. */
  readonly allowed: true | string;
  /** How long it took, milliseconds. */
  readonly ms: number;
  readonly requestId: string;
};

export type AwsOptions = {
  /** Called once for each request, when it has been answered. */
  readonly log?: (record: AwsRecord) => void;
  /**
   * Stands before the services: an answer of its own, or null to let them answer. `answer()` gives what they answer, for
   * changing it; they are asked once at most.
   */
  readonly intercept?: (claim: Claim, answer: () => Promise<Response>) => Response | null | Promise<Response | null>;
};

const protocols: Readonly<Record<Service, Protocol>> = { sts: "query", iam: "query", kms: "json", lambda: "rest" };
const namespaces: Readonly<Record<Service, string>> = { sts: stsNamespace, iam: iamNamespace, kms: "", lambda: "" };
const answerers: Readonly<Record<Service, (call: ServiceCall) => Response | Promise<Response>>> = {
  sts: answerSts,
  iam: answerIam,
  kms: answerKms,
  lambda: answerLambda,
};

/**
 * Starts one endpoint on loopback for all services and regions of a world; the scope of a request's signature tells them
 * apart. `stop` ends it at once, with whatever is under way.
 */
export function startAws(
  world: World,
  options: AwsOptions = {},
): { url: string; port: number; stop: () => Promise<void> } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 8 * 1024 * 1024,
    development: false,
    fetch: async (request) => handle(world, options, await readRequest(request)),
  });
  const { port } = server;
  if (port === undefined) throw new Error("the endpoint has no port");
  return { url: `http://127.0.0.1:${port}`, port, stop: () => server.stop(true) };
}

async function readRequest(request: Request): Promise<SignedRequest> {
  const { pathname, search } = new URL(request.url);
  const body = new Uint8Array(await request.arrayBuffer());
  return { method: request.method, path: pathname, query: search.slice(1), headers: request.headers, body };
}

async function handle(world: World, options: AwsOptions, request: SignedRequest): Promise<Response> {
  const time = new Date(world.now()).toISOString();
  const started = performance.now();
  const claim = readClaim(world, request);
  const { service, action, region, requestId } = claim;
  let outcome: Outcome = { principal: null, allowed: "Intercepted" };
  let answered: Promise<Response> | null = null;
  const answer = () => {
    answered ??= respond(world, claim, (result) => {
      outcome = result;
    });
    return answered;
  };
  try {
    return (await options.intercept?.(claim, answer)) ?? (await answer());
  } finally {
    const ms = Math.round((performance.now() - started) * 1000) / 1000;
    options.log?.({ time, service, action, region, ...outcome, ms, requestId });
  }
}

type Outcome = Pick<AwsRecord, "principal" | "allowed">;

async function respond(world: World, claim: Claim, tell: (outcome: Outcome) => void): Promise<Response> {
  const { service, requestId } = claim;
  const protocol = protocols[service];
  let principal: string | null = null;
  let response: Response;
  try {
    const caller = authenticate(world, service, claim.request, (arn) => {
      principal = arn;
    });
    const { region, action, request } = claim;
    response = await answerers[service]({ world, caller, region, action, requestId, ...request });
    tell({ principal, allowed: true });
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal("internal", "The sandbox failed.");
    response = refusalAnswer(refusal, protocol, namespaces[service], requestId);
    tell({ principal, allowed: refusalCode(refusal, protocol).code });
  }
  response.headers.set("date", new Date(world.now()).toUTCString());
  response.headers.set("x-amzn-requestid", requestId);
  return response;
}

function readClaim(world: World, request: SignedRequest): Claim {
  const scope = readScope(request.headers);
  const { headers, method, path } = request;
  const target = headers.get("x-amz-target");
  const rest = lambdaAction(method, path);
  let service: Service;
  let action: string | null;
  if (target !== null || scope?.service === "kms") {
    service = "kms";
    action = target?.startsWith("TrentService.") === true ? target.slice("TrentService.".length) : null;
  } else if (path !== "/" || scope?.service === "lambda") {
    service = "lambda";
    action = rest;
  } else {
    service = scope?.service === "iam" ? "iam" : "sts";
    action = new URLSearchParams(Buffer.from(request.body).toString("utf8")).get("Action");
  }
  const region = world.regions.find(({ name }) => name === scope?.region)?.name ?? "unknown";
  const safe = action !== null && /^[A-Za-z]{1,64}$/.test(action) ? action : "unknown";
  return { service, region, action: safe, requestId: crypto.randomUUID(), request };
}

function readScope(headers: Headers): Authorization | null {
  try {
    return readAuthorization(headers);
  } catch {
    return null;
  }
}
