import { authorize } from "./authorization.ts";
import { requestContext } from "./credentials.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { ServiceCall } from "./server.ts";

/** What a function learns of its invocation. */
export type FunctionContext = {
  readonly requestId: string;
  readonly functionName: string;
  /** ARN as invoked, with the qualifier when there was one. */
  readonly functionArn: string;
  /** Version that runs: a number or `$LATEST`. */
  readonly version: string;
  readonly region: string;
};

export type FunctionResult = {
  readonly payload: Uint8Array;
  readonly functionError?: "Handled" | "Unhandled";
  /** What it wrote to its log, lines with their ends. */
  readonly log?: string;
};

/** A Lambda function. When it throws, the caller gets the `Unhandled` error that Lambda makes of it. */
export type FunctionHandler = (payload: Uint8Array, context: FunctionContext) => Promise<FunctionResult>;

const route = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/;

/** The action a REST request to Lambda asks for, for the log; null when it is none we know. */
export function lambdaAction(method: string, path: string): "Invoke" | null {
  return method === "POST" && route.test(path) ? "Invoke" : null;
}

/**
 * AWS Lambda's Invoke: RequestResponse and DryRun, with qualifier and log tail. Throws the refusals of
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function answerLambda(call: ServiceCall): Promise<Response> {
  const { world, caller, region, headers, requestId, body } = call;
  const name = route.exec(call.path)?.[1];
  if (call.action !== "Invoke" || name === undefined) throw refuse("UnknownOperationException", 404, "");
  const target = readName(
    name.replaceAll(/%3A/gi, ":").replaceAll("%24", "$"),
    new URLSearchParams(call.query).get("Qualifier"),
    call,
  );
  const unqualified = `arn:aws:lambda:${region}:${target.account}:function:${target.name}`;
  const functionArn = target.qualifier === null ? unqualified : `${unqualified}:${target.qualifier}`;
  authorize(caller, {
    action: "lambda:InvokeFunction",
    resource: functionArn,
    account: target.account,
    context: requestContext(world, caller, region, [["lambda:FunctionArn", unqualified]]),
    resourcePolicy: (target.account === world.caAccount ? world.functionPolicies.get(target.name) : null) ?? null,
    resourceMustAgree: false,
    kind: "resource",
  });
  const handler = target.account === world.caAccount ? world.functions.get(target.name) : undefined;
  const version = world.functionVersions.get(target.qualifier ?? "$LATEST");
  if (handler === undefined || version === undefined) {
    throw refuse("ResourceNotFoundException", 404, `Function not found: ${functionArn}`);
  }
  const type = headers.get("x-amz-invocation-type") ?? "RequestResponse";
  if (type === "DryRun") return new Response(null, { status: 204 });
  if (type !== "RequestResponse") {
    throw refuse("InvalidParameterValueException", 400, `the sandbox does not support InvocationType ${type}`);
  }
  if (body.length > 6 * 1024 * 1024) {
    throw refuse(
      "RequestTooLargeException",
      413,
      `Request must be smaller than 6291456 bytes for the InvokeFunction operation`,
    );
  }
  checkJson(body);
  const context = { requestId, functionName: target.name, functionArn, version, region };
  const started = performance.now();
  const result = await run(handler, body, context);
  const answer = new Headers({ "content-type": "application/json", "x-amz-executed-version": version });
  if (result.functionError !== undefined) answer.set("x-amz-function-error", result.functionError);
  if (headers.get("x-amz-log-type") === "Tail") {
    const milliseconds = (performance.now() - started).toFixed(2);
    const log = `START RequestId: ${requestId} Version: ${version}\n${result.log ?? ""}END RequestId: ${requestId}\nREPORT RequestId: ${requestId}\tDuration: ${milliseconds} ms\n`;
    answer.set("x-amz-log-result", Buffer.from(log).subarray(-4096).toString("base64"));
  }
  return new Response(new Uint8Array(result.payload), { headers: answer });
}

async function run(handler: FunctionHandler, payload: Uint8Array, context: FunctionContext): Promise<FunctionResult> {
  try {
    return await handler(payload, context);
  } catch (error) {
    const errorType = error instanceof Error ? error.name : "Error";
    const errorMessage = error instanceof Error ? error.message : String(error);
    const body = { errorMessage, errorType, requestId: context.requestId, stackTrace: [] };
    return { payload: Buffer.from(JSON.stringify(body)), functionError: "Unhandled" };
  }
}

/** A function by name, partial ARN (`account:function:name`) or ARN, each with a qualifier if one likes. */
function readName(text: string, query: string | null, call: ServiceCall) {
  const parts =
    /^(?:(?:arn:aws:lambda:([a-z0-9-]+):)?(\d{12}):function:)?([A-Za-z0-9_-]{1,64})(?::(\$LATEST|[A-Za-z0-9_-]{1,128}))?$/.exec(
      text,
    );
  if (parts === null) throw invalid(`${text} is not the name of a function`);
  const [, region, account = call.caller.account, name = "", suffix] = parts;
  if (region !== undefined && region !== call.region) {
    throw refuse(
      "ResourceNotFoundException",
      404,
      `Functions from '${region}' are not reachable in this region ('${call.region}')`,
    );
  }
  if (suffix !== undefined && query !== null && suffix !== query) {
    throw invalid("The derived qualifier from the function name does not match the specified qualifier.");
  }
  return { account, name, qualifier: suffix ?? query };
}

function checkJson(body: Uint8Array): void {
  if (body.length === 0) return;
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw refuse("InvalidRequestContentException", 400, "Could not parse request body into json.");
  }
}

function invalid(message: string): Refusal {
  return refuse("InvalidParameterValueException", 400, message);
}
