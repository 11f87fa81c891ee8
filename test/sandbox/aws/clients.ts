import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import type { Keys } from "../../../src/sandbox/aws/credentials.ts";
import { type AwsOptions, type AwsRecord, startAws } from "../../../src/sandbox/aws/server.ts";
import { makeWorld, type World, type WorldOptions } from "../../../src/sandbox/aws/world.ts";

export type SdkKeys = Keys & { readonly sessionToken?: string };
type Shape = { readonly region?: string; readonly attempts?: number; readonly keepClock?: boolean };

/** A world that runs, and AWS's own clients for it. */
export type Sandbox = ReturnType<typeof startSandbox>;

export function startSandbox(options: WorldOptions = {}, server: AwsOptions = {}) {
  const world = makeWorld(options);
  const records: AwsRecord[] = [];
  const { url, stop } = startAws(world, { log: (record) => records.push(record), ...server });
  const shape = (keys: SdkKeys, { region = "us-east-1", attempts = 1, keepClock = false }: Shape = {}) => ({
    endpoint: url,
    region,
    maxAttempts: attempts,
    systemClockOffset: keepClock ? 0 : world.now() - Date.now(),
    disableClockSkewCorrection: keepClock,
    credentials: {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken }),
    },
  });
  return {
    world,
    url,
    stop,
    records,
    sts: (keys: SdkKeys, more?: Shape) => new STSClient(shape(keys, more)),
    kms: (keys: SdkKeys, more?: Shape) => new KMSClient(shape(keys, more)),
    lambda: (keys: SdkKeys, more?: Shape) => new LambdaClient(shape(keys, more)),
    iam: (keys: SdkKeys, more?: Shape) => new IAMClient(shape(keys, more)),
  };
}

/** Keys as an answer of STS gives them. */
export function sdkKeys(
  credentials: {
    AccessKeyId?: string | undefined;
    SecretAccessKey?: string | undefined;
    SessionToken?: string | undefined;
  } = {},
): SdkKeys {
  const { AccessKeyId, SecretAccessKey, SessionToken } = credentials;
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
    throw new Error("STS gave no credentials");
  }
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** A session of the world's user with the second factor shown. */
export async function mfaSession(sandbox: Sandbox): Promise<SdkKeys> {
  const { world, sts } = sandbox;
  const answer = await sts(world.user).send(
    new GetSessionTokenCommand({ SerialNumber: serial(world), TokenCode: await world.currentCode() }),
  );
  return sdkKeys(answer.Credentials);
}

/** Serial number of the first device of the world's user. */
export function serial(world: World): string {
  return world.user.devices[0]?.serial ?? "none";
}

/** What a refused call says: its name, HTTP status and message. Fails when it was not refused. */
export async function refused(call: Promise<unknown>): Promise<{ name: string; status: number; message: string }> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const metadata: unknown = "$metadata" in error ? error.$metadata : {};
    const status =
      typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata ? metadata.httpStatusCode : 0;
    return { name: error.name, status: Number(status), message: error.message };
  }
  throw new Error("it was not refused");
}
