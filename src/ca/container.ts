/**
 * What a Lambda container is, without Node.js's surroundings: two handlers over one configuration and one key, both opened at
 * the first request. What could not be opened is tried again at the next one; BLESS's containers keep failing until they end.
 */
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { askedIn } from "./asked.ts";
import { type Asked, auditRecord } from "./audit.ts";
import { openCaKey } from "./ca-key.ts";
import { describe, nameOf } from "./cause.ts";
import type { Invocation } from "./certificate.ts";
import { checkContainer, isCheck } from "./container-check.ts";
import type { ContainerParts, Opened } from "./container-parts.ts";
import { type FileName, readDeployConfig } from "./deploy-config.ts";
import { makeHostHandler } from "./host.ts";
import { parseHostPolicy } from "./host-policy.ts";
import { requestRecord } from "./request-log.ts";
import { NO_REVOCATIONS, parseRevocations } from "./revocations.ts";
import { makeUserHandler } from "./user.ts";

/** As AWS calls it: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html */
export type LambdaHandler = (
  event: unknown,
  context: { readonly awsRequestId: string; readonly invokedFunctionArn: string },
) => Promise<object>;

type Handle = (event: unknown, invocation: Invocation) => Promise<object>;

/** Makes both handlers. Nothing that happens in them leaves them but an answer. */
export function makeContainer(parts: ContainerParts): {
  readonly handler: LambdaHandler;
  readonly hostHandler: LambdaHandler;
} {
  const { aws, now, random, log } = parts;
  const opened = open(parts);

  /** Of a CA whose key is revoked nothing is to be had, whatever else is configured. */
  async function trustedSigner(): Promise<CertificateSigner> {
    const signer = await opened.signer();
    if (opened.revocations().isRevokedKey(signer.publicBlob)) throw ours("The CA's own key is revoked.", undefined);
    return signer;
  }

  type Log = ContainerParts["log"];
  async function userHandle(log: Log): Promise<Handle> {
    const [settings, signer] = await Promise.all([opened.userSettings(), trustedSigner()]);
    return makeUserHandler({ settings, aws, signer, now, random, log });
  }
  async function hostHandle(log: Log): Promise<Handle> {
    const { host, hostPolicy, instanceCertificates } = opened.config();
    const policy = opened.file(hostPolicy);
    const certificates = opened.file(instanceCertificates);
    const settings = {
      ...host,
      policy: policy === null ? null : inFile(hostPolicy, () => parseHostPolicy(policy)),
      instanceCertificates: certificates === null ? [] : [certificates],
      revocations: opened.revocations(),
    };
    const { callerIdentity } = aws;
    return makeHostHandler({ settings, signer: await trustedSigner(), callerIdentity, now, random, log });
  }

  function entry(kind: "user" | "host", make: (log: Log) => Promise<Handle>): LambdaHandler {
    const handleOf = once(() => make(log));
    return async (event, context) => {
      const invocation = { requestId: `${context?.awsRequestId}`, functionArn: `${context?.invokedFunctionArn}` };
      try {
        if (isCheck(event)) {
          // What it says to nothing at all tells what it offers, and is no decision to be logged.
          const offers = async () => await (await make(() => {}))({}, invocation);
          return await checkContainer(kind, parts, opened, offers, invocation);
        }
        if (opened.config().logRequests) log(requestRecord(kind, event, invocation, now()));
        return await (await handleOf())(event, invocation);
      } catch (error) {
        return refuse(askedIn(kind, event), error, invocation);
      }
    };
  }

  function refuse(asked: Asked, error: unknown, invocation: Invocation): object {
    const isOurs = error instanceof Error && OURS.has(error);
    const errorMessage = isOurs ? error.message : `The CA cannot answer (${nameOf(error)}).`;
    const cause = describe(isOurs ? error.cause : error);
    const refusal = { errorType: "ClientError", errorMessage, cause };
    try {
      log(auditRecord(asked, refusal, invocation, now()));
    } catch {
      // There is nowhere left to say it.
    }
    return { errorType: refusal.errorType, errorMessage, offers: [] };
  }

  return { handler: entry("user", userHandle), hostHandler: entry("host", hostHandle) };
}

/** Errors whose message is for the caller; what is behind them is their cause. */
const OURS = new WeakSet<Error>();

function open({ config, environment, readFile, aws }: ContainerParts): Opened {
  const read = once(() => because("The CA's configuration is wrong", () => readDeployConfig(config, environment)));
  const revocations = once(() => {
    const { revocations: file } = read();
    const text = fileText(file);
    return text === null ? NO_REVOCATIONS : inFile(file, () => parseRevocations(text));
  });
  function fileText(file: FileName | null): string | null {
    if (file === null) return null;
    const bytes = readFile(file.name);
    if (bytes !== null) return inFile(file, () => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!file.required) return null;
    throw because("The CA's configuration is wrong", () => {
      throw new Error(`it names the file ${file.name}, which is not there`);
    });
  }
  return {
    config: read,
    revocations,
    file: fileText,
    signer: once(() => becauseLater("The CA's key cannot be opened", () => openCaKey(read().key, { aws, readFile }))),
    userSettings: once(async () => {
      const { user } = read();
      if (user === null)
        throw ours("The CA's configuration is wrong: nobody would have to prove who they are.", NO_PROOF);
      const settings = { ...user, revocations: revocations() };
      if (user.kmsauth === null) return settings;
      const { kmsauth } = user;
      const services = kmsauth.services ?? null;
      const [keyArns, serviceArns] = await becauseLater("The keys of kmsauth cannot be found", () =>
        Promise.all([kmsauth.keyArns, services?.keyArns ?? []].map((keys) => Promise.all(keys.map(arnOf)))),
      );
      return {
        ...settings,
        kmsauth: {
          ...kmsauth,
          keyArns: keyArns ?? [],
          services: services === null ? null : { ...services, keyArns: serviceArns ?? [] },
        },
      };
    }),
  };

  async function arnOf(key: string): Promise<string> {
    return /^arn:[a-z-]+:kms:[^:]+:\d+:key\//.test(key) ? key : aws.keyArn(key);
  }
}

const NO_PROOF = new Error(
  "set [KMS Auth] use_kmsauth or [Bssh] caller_identity_accounts, or [Bssh] allow_unproven where whoever may invoke the function may have any name",
);

function because<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw ours(`${what}: ${error instanceof Error ? error.message : nameOf(error)}.`, error);
  }
}

/** As because, for what AWS may be asked: its message, with names of roles in it, goes to the log alone. */
async function becauseLater<T>(what: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Error && OURS.has(error)) throw error;
    const name = nameOf(error);
    const said = error instanceof Error && name === "Error" ? `: ${error.message}.` : ` (${name}).`;
    throw ours(`${what}${said}`, error);
  }
}

function inFile<T>(file: FileName | null, make: () => T): T {
  return because(`The CA's file ${file?.name ?? ""} is wrong`, make);
}

function ours(message: string, cause: unknown): Error {
  const error = new Error(message, { cause });
  OURS.add(error);
  return error;
}

/** Makes it at the first call and keeps it; a failure is not kept. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    if (made !== null) return made.value;
    const value = make();
    const kept = { value };
    made = kept;
    if (value instanceof Promise) {
      value.catch(() => {
        if (made === kept) made = null;
      });
    }
    return value;
  };
}
