import { randomBytes } from "node:crypto";
import { auditLine } from "../../ca/audit.ts";
import { type LambdaHandler, makeContainer } from "../../ca/container.ts";
import type { NameRule } from "../../ca/names.ts";
import { hostFiles, userFiles } from "./ca-files.ts";
import type { Role } from "./credentials.ts";
import { type Deployment, keptDeployment } from "./deployment.ts";
import type { FunctionHandler } from "./lambda.ts";
import type { World } from "./world.ts";
import { worldAws } from "./world-aws.ts";

/** How the CA's function is configured where BLESS's own defaults may not do. */
export type BlessOptions = {
  /** What user names may be. */
  readonly usernameValidation: NameRule;
  /** Principals that anyone may ask for, `["*"]` for any; empty for one's own name only. */
  readonly remoteUsernamesAllowed: readonly string[];
};

/** Our CA as a function of the world, for people. All it does in AWS it does as its execution role. */
export function makeBlessFunction(world: World, options: BlessOptions): FunctionHandler {
  const own = keptDeployment(userFiles(world, options));
  return deployed(world, world.functionName, world.executionRole, own, ({ handler }) => handler);
}

/** Our CA as a function of the world, for hosts. */
export function makeHostFunction(world: World): FunctionHandler {
  const own = keptDeployment(hostFiles(world));
  return deployed(world, world.hostFunctionName, world.hostExecutionRole, own, ({ hostHandler }) => hostHandler);
}

type Container = ReturnType<typeof makeContainer>;

/** The code that is shipped, in one container for each region, which lasts until something else is deployed. */
function deployed(
  world: World,
  name: string,
  role: Role,
  own: Deployment,
  entry: (container: Container) => LambdaHandler,
): FunctionHandler {
  const containers = new Map<string, { readonly version: string; readonly handle: LambdaHandler }>();
  const logs = new Map<string, string[]>();
  const log = (record: Record<string, unknown>) => {
    for (const [requestId, lines] of logs) {
      if (record["requestId"] === undefined || record["requestId"] === requestId) lines.push(`${auditLine(record)}\n`);
    }
    if (record["event"] === "decision") world.audit(record);
  };
  const handlerFor = (region: string) => {
    const deployment = world.deployments.get(name) ?? own;
    const version = deployment.version();
    const before = containers.get(region);
    if (before?.version === version) return before.handle;
    const config = deployment.read("bless_deploy.cfg");
    const container = makeContainer({
      config: config === null ? null : Buffer.from(config).toString("utf8"),
      environment: { AWS_REGION: region, AWS_LAMBDA_FUNCTION_NAME: name },
      readFile: deployment.read,
      aws: worldAws(world, region, role),
      now: world.now,
      random: (count) => new Uint8Array(randomBytes(count)),
      log,
    });
    containers.set(region, { version, handle: entry(container) });
    return entry(container);
  };
  return async (payload, { requestId, functionArn, region }) => {
    if (!world.regions.some((item) => item.name === region))
      throw new Error(`the function is not deployed in ${region}`);
    const handle = handlerFor(region);
    const lines: string[] = [];
    logs.set(requestId, lines);
    try {
      const event: unknown = payload.length === 0 ? null : JSON.parse(Buffer.from(payload).toString("utf8"));
      const answer = await handle(event, { awsRequestId: requestId, invokedFunctionArn: functionArn });
      return { payload: Buffer.from(JSON.stringify(answer)), log: lines.join("") };
    } finally {
      logs.delete(requestId);
    }
  };
}
