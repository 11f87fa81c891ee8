// The user's own credentials, got from where they are.
import { Failure, printable } from "../failure.ts";
import { runCredentialProcess } from "./credential-process.ts";
import { noCredentials } from "./credentials.ts";
import { type Errand, kept, note } from "./errand.ts";
import { lookAt, refusal } from "./errors.ts";
import { type Keys, PROFILE_ROLE } from "./keys.ts";
import { type AskCode, showDevice } from "./question.ts";

/** A provider of the SDK may wait for a browser's log-in to be noticed, not for ever. */
const LIMIT_MS = 60_000;

/** The user's own keys. `askCode` serves a profile whose role wants a second factor. Throws Failure. */
export async function ownKeys(errand: Errand, region: string, askCode: AskCode): Promise<Keys> {
  const { source, order, cache } = errand;
  const { way } = source;
  const from = performance.now();
  if (way.kind === "given") return way.keys;
  if (way.kind === "process") {
    const keys = await runCredentialProcess(way.command, way.profile, order.environment);
    note(errand, "credentials", "credential_process", from);
    return keys;
  }
  const old = way.asksCode
    ? kept(errand, PROFILE_ROLE, [source.id], { what: "credentials", where: source.name })
    : null;
  if (old !== null) return old;
  const keys = await fromProvider(errand, way, region, askCode);
  note(errand, "credentials", source.name, from);
  if (way.asksCode) order.accepted?.();
  if (way.asksCode && keys.ends !== null) cache.keep(PROFILE_ROLE, [source.id], keys, keys.ends);
  return keys;
}

async function fromProvider(
  errand: Errand,
  way: { readonly profile: string | null; readonly asksCode: boolean },
  region: string,
  askCode: AskCode,
): Promise<Keys> {
  const { source, order, transport } = errand;
  const providers = await import("./aws/providers.ts");
  const clientConfig = { region, requestHandler: transport, maxAttempts: way.asksCode ? 1 : 3 };
  const { profile } = way;
  const provide =
    profile !== null
      ? providers.fromIni({ profile, clientConfig, mfaCodeProvider: (serial) => askCode(showDevice(serial)) })
      : order.environment["AWS_WEB_IDENTITY_TOKEN_FILE"]
        ? providers.fromTokenFile({ clientConfig })
        : order.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
          ? providers.fromHttp({})
          : providers.fromContainerMetadata({ timeout: 2000, maxRetries: 1 });
  try {
    const got = await withMetadataOff(() => (way.asksCode ? provide() : within(LIMIT_MS, provide())));
    const { accessKeyId, secretAccessKey, sessionToken = null, expiration } = got;
    return { accessKeyId, secretAccessKey, sessionToken, ends: expiration?.getTime() ?? null };
  } catch (error) {
    throw providerFailure(error, source.name, profile, region);
  }
}

/** What a provider's error means. Their words are looked at, not repeated: they may quote files. */
function providerFailure(error: unknown, source: string, profile: string | null, region: string): Failure {
  if (error instanceof Failure) return error;
  const { name, message, status } = lookAt(error);
  const named = profile === null ? "" : ` --profile ${printable(profile, 80)}`;
  if (/sso/i.test(message) && /expired|invalid|not found|refresh|login/i.test(message)) {
    return new Failure(`the AWS sign-in of ${source} is over`, `run aws sso login${named}`);
  }
  if (/login/i.test(message) && /expired|reauth|not found|refresh/i.test(message)) {
    return new Failure(`the AWS sign-in of ${source} is over`, `run aws login${named}`);
  }
  if (/cycle/i.test(message))
    return new Failure(`${source} takes its credentials from itself`, "correct source_profile in ~/.aws/config");
  if (status === 0 && /^(CredentialsProviderError|ProviderError|TokenProviderError)$/.test(name)) {
    if (profile === null || profile === "default") return noCredentials();
    return new Failure(`${source} gives no credentials`, `try aws sts get-caller-identity${named}`);
  }
  return refusal(error, { service: "STS", action: "its role", region, source });
}

/**
 * Runs with AWS_EC2_METADATA_DISABLED=true: where nothing answers at 169.254.169.254 the SDK would hang for a minute under Bun.
 */
async function withMetadataOff<T>(run: () => Promise<T>): Promise<T> {
  const before = process.env["AWS_EC2_METADATA_DISABLED"];
  process.env["AWS_EC2_METADATA_DISABLED"] = "true";
  try {
    return await run();
  } finally {
    if (before === undefined) delete process.env["AWS_EC2_METADATA_DISABLED"];
    else process.env["AWS_EC2_METADATA_DISABLED"] = before;
  }
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Failure("the AWS credentials did not come within a minute", "try again")),
      ms,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
