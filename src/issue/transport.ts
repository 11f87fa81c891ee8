// The one way to AWS: every request of every client passes here, whatever made it (a client, a provider of credentials), and is
// checked before it leaves.
import { readFileSync } from "node:fs";
import type { HttpHandlerOptions } from "@smithy/types";
import { Failure } from "../failure.ts";
import { checkEndpoint, type Environment, isLoopback, proxyEnvironment } from "./endpoint.ts";
import { describeErrno } from "./private-files.ts";

type Sdk = typeof import("./aws/handler.ts");
type Handler = InstanceType<Sdk["NodeHttpHandler"]>;
type Request = Parameters<Handler["handle"]>[0];

/** A request handler as the SDK's clients take it. */
export type Transport = {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: Request, options?: HttpHandlerOptions): ReturnType<Handler["handle"]>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
};

export type TransportOrder = {
  readonly environment: Environment;
  /** File with more CA certificates to trust (AWS_CA_BUNDLE, `ca_bundle`); null for none. */
  readonly caBundle: string | null;
  readonly connectSeconds: number;
  readonly readSeconds: number;
};

/**
 * Makes the handler that all clients share, so that they share its connections too. The proxy of the environment is used
 * for https, never on loopback. It has all three time limits of the SDK's handler, because each leaves some stall
 * unnoticed; the limit on a whole call is the caller's.
 */
export function makeTransport(sdk: Sdk, order: TransportOrder): Transport {
  const limits = {
    connectionTimeout: order.connectSeconds * 1000,
    requestTimeout: (order.connectSeconds + order.readSeconds) * 1000,
    throwOnRequestTimeout: true,
    socketTimeout: order.readSeconds * 1000,
  };
  let direct: Handler | null = null;
  let outside: Handler | null = null;
  const agent = (proxyEnv: ReturnType<typeof proxyEnvironment>) => ({
    keepAlive: true,
    ...(proxyEnv === null ? {} : { proxyEnv }),
    ...(order.caBundle === null ? {} : { ca: withRoots(order.caBundle) }),
  });
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request, options) {
      checkEndpoint(request.protocol, request.hostname);
      checkAttempt(request);
      if (isLoopback(request.hostname)) {
        direct ??= new sdk.NodeHttpHandler({ ...limits, httpsAgent: agent(null) });
        return direct.handle(request, options);
      }
      outside ??= new sdk.NodeHttpHandler({ ...limits, httpsAgent: agent(proxyEnvironment(order.environment)) });
      return outside.handle(request, options);
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {
      direct?.destroy();
      outside?.destroy();
    },
  };
}

/** A code is sent once: AWS may have taken it though its answer was lost. Throws Failure for a request that repeats one. */
function checkAttempt({ body, headers }: Request): void {
  if (
    typeof body !== "string" ||
    !body.includes("TokenCode=") ||
    headers["amz-sdk-request"]?.startsWith("attempt=1") !== false
  )
    return;
  throw new Failure(
    "the connection to STS broke while the MFA code was on its way",
    "wait for the next code and try again",
  );
}

/** The usual roots and those in the file. */
function withRoots(path: string): string[] {
  return [...process.getBuiltinModule("node:tls").rootCertificates, readBundle(path)];
}

/** Text of a bundle of CA certificates; throws Failure when it can't be read or holds none. */
export function readBundle(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Failure(
      `the CA bundle ${path} can't be read: ${describeErrno(error)}`,
      "correct AWS_CA_BUNDLE or ca_bundle",
    );
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new Failure(
    `the CA bundle ${path} holds no certificate`,
    "give a file in PEM form in AWS_CA_BUNDLE or ca_bundle",
  );
}
