// The way from a server to the CA: the credentials of its role, the proof that it is who it says, and the function invoked with it.
import type { Config, Region } from "../../config/settings.ts";
import { Failure, printable } from "../../failure.ts";
import type { HostKey } from "../../host/keys.ts";
import { askMetadata, type Machine } from "../../host/metadata.ts";
import { answerRefusal } from "../../issue/answer-errors.ts";
import { findSource } from "../../issue/credentials.ts";
import type { Errand } from "../../issue/errand.ts";
import { type About, CallFailure } from "../../issue/errors.ts";
import { proveCaller } from "../../issue/identity-proof.ts";
import { readAnswer } from "../../issue/invoke.ts";
import { functionWord, invokeFunction, withoutSecrets } from "../../issue/lambda.ts";
import { openErrand } from "../../issue/open.ts";
import { ownKeys } from "../../issue/own-keys.ts";
import { readProfiles } from "../../issue/profiles.ts";
import { inTurn, regionsInTurn } from "../../issue/regions.ts";
import type { Environment } from "../../story.ts";
import { encodeHostRequest } from "../../wire/bless.ts";

export type HostCa = {
  /** The CA's answer for one key: a certificate's line, not yet checked. Throws Failure. */
  ask(key: HostKey, names: readonly string[]): Promise<string>;
  /** Milliseconds since the epoch, by AWS's clock once it has answered. */
  now(): number;
  close(): void;
};

export type HostCaParts = {
  readonly config: Config;
  readonly environment: Environment;
  /** Alias of the region to begin with; null takes the first. */
  readonly region: string | null;
  readonly say: (line: string) => void;
  readonly trace: (line: string) => void;
};

const ADMINISTRATOR = "ask the CA's administrators";

/** Finds this machine's credentials and gets ready to ask. Throws Failure. */
export async function openHostCa({ config, environment, region, say, trace }: HostCaParts): Promise<HostCa> {
  const { settings } = config;
  if (settings.hostFunction === null) {
    throw new Failure("the config names no CA for hosts", "set function in [host]", 78);
  }
  const machine = await machineOf(config, environment);
  // In memory only: no process gets this environment.
  const given: Environment = machine === null ? environment : { ...environment, ...variablesOf(machine) };
  const errand = await openErrand({
    settings: {
      ...settings,
      function: settings.hostFunction,
      functionVersion: settings.hostFunctionVersion,
      awsProfile: machine === null ? settings.awsProfile : null,
      mfaCache: null,
    },
    state: config.paths.state,
    publicKey: "",
    environment: given,
    ask: async () => null,
    say,
    trace,
    now: () => Date.now(),
    useCaches: true,
    region,
  });
  const source = machine === null ? errand.source.name : "this instance's role";
  let regions = regionsInTurn(settings.regions, region);
  return {
    now: errand.clock.now,
    close: errand.close,
    async ask(key, names) {
      const own: Errand = { ...errand, order: { ...errand.order, publicKey: key.line } };
      return await inTurn(
        regions,
        async (one) => {
          const line = await askRegion(own, one, { names, machine, source });
          // What served one key serves the next.
          regions = [one, ...regions.filter((other) => other !== one)];
          return line;
        },
        say,
      );
    },
  };
}

/** What the metadata service gives; null where the environment or a profile has credentials, which go before it. */
async function machineOf({ settings }: Config, environment: Environment): Promise<Machine | null> {
  const profiles = await readProfiles(environment);
  const named = settings.awsProfile ?? (environment["AWS_PROFILE"] || environment["AWS_DEFAULT_PROFILE"] || null);
  const disabled = environment["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true";
  if (named !== null || (environment["AWS_ACCESS_KEY_ID"] ?? "") !== "" || disabled) return null;
  try {
    const { way } = findSource(settings, environment, profiles, null);
    // A profile that says nothing but a region has no credentials.
    const says = Object.keys(profiles.get("default") ?? {});
    const isBare = way.kind === "provider" && way.profile !== null && !says.some((key) => CREDENTIAL.test(key));
    if (!isBare) return null;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
  return await askMetadata(environment);
}

/** Keys of a profile by which it has credentials. */
const CREDENTIAL = /^(aws_access_key_id|role_arn|sso_\w+|credential_process|web_identity_token_file|login_session)$/;

function variablesOf({ keys }: Machine): Environment {
  return {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: keys.sessionToken,
  };
}

type Asking = { readonly names: readonly string[]; readonly machine: Machine | null; readonly source: string };

async function askRegion(errand: Errand, region: Region, { names, machine, source }: Asking): Promise<string> {
  const { settings, publicKey } = errand.order;
  const target = { name: settings.function ?? "", version: settings.functionVersion };
  const about: About = {
    service: "Lambda",
    action: "Invoke",
    region: region.awsRegion,
    function: functionWord(target),
    role: `the credentials of ${source}`,
    source,
  };
  const keys = await ownKeys(errand, region.awsRegion, async () => {
    throw new Failure(`${source} wants a second factor`, "give this server a role of its own");
  });
  const proof = await proveCaller(errand, region, keys);
  const document = machine?.document ?? null;
  const request = {
    hostnames: names.join(","),
    public_key_to_sign: publicKey,
    caller_identity: proof,
    ...(document === null
      ? {}
      : { instance_identity_document: document.text, instance_identity_signature: document.signature }),
  };
  const answer = await invokeFunction(errand, about, keys, target, encodeHostRequest(request));
  const said = readAnswer(answer, about);
  if ("certificate" in said && answer.FunctionError === undefined) return said.certificate;
  const { errorType, errorMessage } = "certificate" in said ? { errorType: "Unhandled", errorMessage: "" } : said;
  const bare = withoutSecrets(errorMessage, [proof, keys.secretAccessKey, keys.sessionToken ?? ""]);
  throw refusalOf({ errorType, errorMessage: bare }, about);
}

/** What the CA refuses a host with; our CA's sentences say it all. */
function refusalOf(answer: { readonly errorType: string; readonly errorMessage: string }, about: About): CallFailure {
  const { errorType, errorMessage } = answer;
  if (errorType !== "KMSAuthValidationError" && errorType !== "InputValidationError")
    return answerRefusal(answer, about);
  const message = printable(errorMessage, 400).replace(/\.$/, "");
  const fact = `the CA in ${about.region} gives this host no certificate: ${message}`;
  const next = /Unknown field/.test(errorMessage)
    ? "deploy the CA that comes with bssh: BLESS takes no proof of who a host is"
    : /The policy/.test(errorMessage)
      ? `correct the names, else ${ADMINISTRATOR} about its policy for hosts`
      : ADMINISTRATOR;
  return new CallFailure(fact, next, { trouble: "refused", elsewhere: false, action: about.action });
}
