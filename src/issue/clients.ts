// The SDK's clients, each imported when it is needed first. What they share: the transport, the measured clock, the profile's
// settings and the endpoints of the environment.
import { type Environment, endpointFor } from "./endpoint.ts";
import type { Clock } from "./errand.ts";
import type { Keys } from "./keys.ts";
import type { Profile } from "./profiles.ts";
import type { Transport } from "./transport.ts";

type Sts = typeof import("./aws/sts.ts");
type Kms = typeof import("./aws/kms.ts");
type Lambda = typeof import("./aws/lambda.ts");
type Iam = typeof import("./aws/iam.ts");

/** How often a call is made at most: `once` when it carries a code, else as the SDK is set up (three times). */
export type Tries = "once" | "usual";

/** Settings of the user's AWS set-up that the SDK would otherwise look up for each client, at 2 ms a login. */
export type Knobs = {
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
  readonly retryMode: "standard" | "adaptive";
  readonly maxAttempts: number;
  readonly defaultsMode: "legacy";
  readonly userAgentAppId: () => Promise<undefined>;
};

/** Reads them from the environment, then the profile, as the AWS CLI does. */
export function readKnobs(environment: Environment, profile: Profile): Knobs {
  const word = (variable: string, key: string) => (environment[variable] || profile[key] || "").toLowerCase();
  const attempts = word("AWS_MAX_ATTEMPTS", "max_attempts");
  return {
    useFipsEndpoint: word("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint") === "true",
    useDualstackEndpoint: word("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint") === "true",
    retryMode: word("AWS_RETRY_MODE", "retry_mode") === "adaptive" ? "adaptive" : "standard",
    maxAttempts: /^[1-9]$/.test(attempts) ? Number(attempts) : 3,
    defaultsMode: "legacy",
    userAgentAppId: async () => undefined,
  };
}

/** Each gives the SDK's module and a client that signs with `keys`, and afterwards takes over the clock it measured. */
export type Clients = {
  sts<T>(
    region: string,
    keys: Keys,
    tries: Tries,
    use: (client: InstanceType<Sts["STSClient"]>, sdk: Sts) => Promise<T>,
  ): Promise<T>;
  kms<T>(region: string, keys: Keys, use: (client: InstanceType<Kms["KMSClient"]>, sdk: Kms) => Promise<T>): Promise<T>;
  lambda<T>(
    region: string,
    keys: Keys,
    use: (client: InstanceType<Lambda["LambdaClient"]>, sdk: Lambda) => Promise<T>,
  ): Promise<T>;
  iam<T>(region: string, keys: Keys, use: (client: InstanceType<Iam["IAMClient"]>, sdk: Iam) => Promise<T>): Promise<T>;
  /** Reads the clients that come after STS while there is nothing else to do. Never throws. */
  warmUp(): void;
};

export function makeClients(parts: {
  readonly environment: Environment;
  readonly profile: string | null;
  /** What the profile says, for the same settings. */
  readonly knobs: Knobs;
  readonly clock: Clock;
  readonly transport: Transport;
}): Clients {
  const { environment, profile, knobs, clock, transport } = parts;
  const settings = (service: string, region: string, keys: Keys, tries: Tries) => {
    const endpoint = endpointFor(service, environment);
    return {
      region,
      credentials: plain(keys),
      requestHandler: transport,
      // Not in the SDK's types, but where its signer keeps it: @aws-sdk/core, resolveAwsSdkSigV4Config.
      systemClockOffset: clock.skewMs,
      ...knobs,
      ...(endpoint === null ? {} : { endpoint }),
      ...(profile === null ? {} : { profile }),
      ...(tries === "once" ? { maxAttempts: 1 } : {}),
    };
  };
  /** Uses a client; its clock is taken over whether the call went well or not. */
  const using = async <C extends { config: object; destroy(): void }, T>(
    client: C,
    use: (client: C) => Promise<T>,
  ): Promise<T> => {
    const before = clock.skewMs;
    try {
      return await use(client);
    } finally {
      const { systemClockOffset: skew } = client.config as { systemClockOffset?: unknown };
      if (typeof skew === "number" && Number.isFinite(skew) && skew !== before) clock.skewMs = skew;
    }
  };
  return {
    async sts(region, keys, tries, use) {
      const sdk = await import("./aws/sts.ts");
      return using(new sdk.STSClient(settings("STS", region, keys, tries)), (client) => use(client, sdk));
    },
    async kms(region, keys, use) {
      const sdk = await import("./aws/kms.ts");
      return using(new sdk.KMSClient(settings("KMS", region, keys, "usual")), (client) => use(client, sdk));
    },
    async lambda(region, keys, use) {
      const sdk = await import("./aws/lambda.ts");
      return using(new sdk.LambdaClient(settings("LAMBDA", region, keys, "usual")), (client) => use(client, sdk));
    },
    async iam(region, keys, use) {
      const sdk = await import("./aws/iam.ts");
      return using(new sdk.IAMClient(settings("IAM", region, keys, "usual")), (client) => use(client, sdk));
    },
    warmUp() {
      import("./aws/kms.ts").then(() => import("./aws/lambda.ts")).catch(() => {});
    },
  };
}

/** Keys as the SDK takes them. Without their end: the SDK would look for others a few minutes before it. */
function plain(keys: Keys): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } {
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  return sessionToken === null ? { accessKeyId, secretAccessKey } : { accessKeyId, secretAccessKey, sessionToken };
}
