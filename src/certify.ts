// The story for a host given by name alone, as `bssh match` and `bssh proxy` are called with it: is it ours, and is
// a certificate there? The wrapper, which has ssh's words, tells it in main.ts.
import type { WarmConfig } from "./config/kept.ts";
import { Failure, mistake } from "./failure.ts";
import { type IdentityFiles, identityFiles } from "./identity/files.ts";
import { freshCertificate, unfitness } from "./identity/fresh.ts";
import { renewIfOld } from "./renewal.ts";
import { type Environment, openConfig } from "./story.ts";
import { readText, type System } from "./system/system.ts";
import { lastResort, wantedOf } from "./wanted.ts";

export type Certified = {
  readonly ours: boolean;
  /** A certificate that can be used is there. */
  readonly fresh: boolean;
  /** It was made just now. */
  readonly fetched: boolean;
  /** The agent holds it; looked at only when it was fetched, or `lookAtAgent` asked for it. */
  readonly agent: boolean;
  /** Why there is none; its status is 255 when `required` says that nothing goes on without. */
  readonly failure: Failure | null;
};

export type Certifying = {
  readonly system: System;
  readonly environment: Environment;
  readonly host: string;
  /** False: nothing is asked or fetched. With BLESS_COMPLETE in the environment nothing is either. */
  readonly mayFetch: boolean;
  /** Asked before a certificate is fetched; false leaves it. */
  readonly isNeeded?: () => Promise<boolean>;
  /** False: nobody is asked, as with ssh's BatchMode. */
  readonly mayAsk?: () => boolean;
  /** True: the agent is given a certificate that is there on disk and that it doesn't hold. */
  readonly lookAtAgent?: boolean;
  /** True: a signal that ends a question makes this process exit with status 1, as whoever must not die by a signal wants it. */
  readonly exitOnSignal?: boolean;
};

const FOREIGN: Certified = { ours: false, fresh: false, fetched: false, agent: false, failure: null };

/** Sees to a certificate for the host. Never throws Failure: it is in the answer. */
export async function certify(parts: Certifying): Promise<Certified> {
  const { system, environment, host } = parts;
  const read = (path: string) => readText(system, path);
  let config: WarmConfig;
  let files: IdentityFiles;
  try {
    config = await openConfig(environment, read);
    if (config.settings.domainRegex === null || !config.isOurs(host)) return FOREIGN;
    files = identityFiles(config.settings.identityFile);
  } catch (error) {
    return { ...FOREIGN, failure: await asFailure(error, environment, read) };
  }
  const known = { ...FOREIGN, ours: true };
  try {
    const wanted = wantedOf(system, config);
    const found = freshCertificate(system, files, wanted);
    const mayFetch = parts.mayFetch && (environment["BLESS_COMPLETE"] ?? "") === "";
    if (typeof found !== "string") {
      if (mayFetch) renewIfOld({ system, environment, config, files, certificate: found, now: wanted.now });
      if (mayFetch && parts.lookAtAgent === true) {
        const { giveToAgent } = await import("./agent-gift.ts");
        return { ...known, fresh: true, agent: await giveToAgent({ system, environment, config, files }, false) };
      }
      return { ...known, fresh: true };
    }
    if (!mayFetch) return { ...known, fresh: unfitness(system, files, lastResort(wanted)) === null };
    if ((await parts.isNeeded?.()) === false) return known;
    const [{ obtain }, { loadConfig }] = await Promise.all([import("./obtain.ts"), import("./config/load.ts")]);
    const whole = config.whole ?? loadConfig(environment, read);
    const { fetched, agent } = await obtain({
      system,
      environment,
      config: whole,
      files,
      why: found,
      useCaches: true,
      region: null,
      mayAsk: parts.mayAsk?.() !== false,
      exitOnSignal: parts.exitOnSignal === true,
    });
    return { ...known, fresh: true, fetched, agent };
  } catch (error) {
    // A certificate that is about to be renewed serves to its end.
    const fresh = unfitness(system, files, lastResort(wantedOf(system, config))) === null;
    const failure = error instanceof Failure ? error : mistake(error);
    return { ...known, fresh, failure: config.settings.required && !fresh ? asFinal(failure) : failure };
  }
}

async function asFailure(
  error: unknown,
  environment: Environment,
  read: (path: string) => string | null,
): Promise<Failure> {
  if (!(error instanceof Failure)) return mistake(error);
  if (error.status !== 78) return error;
  const { saysRequired } = await import("./config/required.ts");
  return saysRequired(environment, read) ? asFinal(error) : error;
}

/** The failure with the status that says that nothing goes on. */
function asFinal({ message, next }: Failure): Failure {
  return new Failure(message, next, 255);
}
