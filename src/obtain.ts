// The cold half of the story: the key is made if it isn't there, the certificate asked for, checked and stored, and the agent
// given both. Opened only when there is no fresh certificate; of several processes that open it one does the work.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { agentHolds, giveToAgent } from "./agent-gift.ts";
import { keptFile } from "./config/kept.ts";
import type { Config } from "./config/settings.ts";
import { keptText } from "./config/warm.ts";
import { Failure } from "./failure.ts";
import type { IdentityFiles } from "./identity/files.ts";
import { freshCertificate, type Unfit, unfitness } from "./identity/fresh.ts";
import { type AskPassphrase, ensureKey } from "./identity/keypair.ts";
import { keepForeignCertificate, replaceFile, storeCertificate } from "./identity/store.ts";
import { type Holder, isAsking, isStopped } from "./issue/holder.ts";
import { issueCertificate } from "./issue/index.ts";
import { type Flight, singleFlight } from "./issue/single-flight.ts";
import { learnAddresses } from "./issue/source-address.ts";
import { issuedAt, logIssued } from "./issued-log.ts";
import { makePerson, type Person } from "./person.ts";
import { lateness, RENEWAL } from "./renewal.ts";
import { makeLinks } from "./ssh/hop.ts";
import { openSharingFolder } from "./ssh/sharing-folder.ts";
import type { Environment } from "./story.ts";
import { readText, type System } from "./system/system.ts";
import { say, tracer } from "./terminal/say.ts";
import { wantedOf } from "./wanted.ts";
import { parseCertificate } from "./wire/certificate.ts";

export type Obtaining = {
  readonly system: System;
  readonly environment: Environment;
  readonly config: Config;
  readonly files: IdentityFiles;
  /** Why the certificate on disk isn't used; null when it is renewed because the person asked for it, or in the background. */
  readonly why: Unfit | null;
  readonly useCaches: boolean;
  /** Alias of the region to begin with; null takes the first. */
  readonly region: string | null;
  /** False: nobody is asked anything, as ssh asks nobody with BatchMode; `mfa_command` still answers. */
  readonly mayAsk: boolean;
  /** True: nobody is asked, not even by `mfa_command`, nothing is said, and another process that is at it is not waited for. */
  readonly background?: boolean;
  /** True: the question comes in a window, also where there is a terminal. */
  readonly inWindow?: boolean;
  /** True: a signal that ends a question makes this process exit with status 1. */
  readonly exitOnSignal?: boolean;
  /** Called again and again while another process is at it. */
  readonly meanwhile?: () => Promise<void>;
};

export type Obtained = {
  /** True when this process got it; false when another one did meanwhile. */
  readonly fetched: boolean;
  /** The agent holds it. */
  readonly agent: boolean;
};

/** Why a certificate may be one that the person got elsewhere. */
const FOREIGN: readonly Unfit[] = ["other CA", "other principals", "host certificate", "signed with SHA-1"];

/**
 * Gets a certificate and stores it beside its key, or waits for the process that is at it. Throws Failure; what was on disk is
 * then still there.
 */
export async function obtain(order: Obtaining): Promise<Obtained> {
  const { environment, config, files, background = false } = order;
  const trace = tracer(environment);
  if (order.why === "other network" && (await fitsHere(order))) return { fetched: false, agent: false };
  trace(`${files.certificate}: ${order.why ?? (background ? "renewed before its end" : "renewed as asked")}`);
  const person = makePerson(order);
  person.checkRefusal();
  const before = lineOf(order);
  const flight: Flight<Obtained> = {
    state: config.paths.state,
    // Who can ask somebody may do better than who could not.
    about: `${person.reach} ${files.certificate}`,
    isDone: () => (isRenewed(order, before) ? { fetched: false, agent: false } : null),
    run: (doing) => issue(order, person, doing),
    wait: !background,
    ...(person.reach === "terminal" ? {} : { patience: patienceOf(person.reach, config.settings.questionSeconds) }),
    say,
    quiet: background || (environment["BLESSQUIET"] ?? "") !== "",
    trace,
    ...(order.meanwhile === undefined ? {} : { meanwhile: order.meanwhile }),
  };
  const done = await singleFlight(flight);
  if (background && done?.fetched === false) forgetRenewals(config.paths.state);
  return done ?? { fetched: false, agent: false };
}

/**
 * How long who has no terminal waits for a question that another process asks: not at all where nobody may be asked, else as
 * long as a question of its own would wait.
 */
function patienceOf(reach: Person["reach"], questionSeconds: number) {
  return (holder: Holder, waitedMs: number): Failure | null => {
    const { pid, doing } = holder;
    const who = pid === 0 ? "another process" : `process ${pid}`;
    if (isStopped(pid)) {
      return new Failure(`${who}, which is to get the certificate, is stopped`, "bring it back with fg, or kill it");
    }
    if (!isAsking(holder)) return null;
    const next = "answer it with bssh mfa";
    if (reach === "nobody") return new Failure(`${who} is ${doing}`, next);
    if (waitedMs <= questionSeconds * 1000) return null;
    return new Failure(`${who} has been ${doing} for ${questionSeconds} seconds`, next);
  };
}

/** In another network: learns the addresses there. True when the certificate is good for them, or nobody can tell them. */
async function fitsHere({ system, environment, config, files }: Obtaining): Promise<boolean> {
  const { settings, paths } = config;
  const found = await learnAddresses({ settings, environment, state: paths.state, trace: tracer(environment), system });
  return found === null || unfitness(system, files, wantedOf(system, config)) === null;
}

/**
 * True when another process has done it. What was found unfit and is fit now was renewed, also when that was so already by the
 * time `before` was read; a fit one that is to be renewed has to be another one.
 */
function isRenewed(order: Obtaining, before: string | null): boolean {
  const { system, config, files, why, background = false } = order;
  const wanted = wantedOf(system, config);
  const found = freshCertificate(system, files, wanted);
  if (typeof found === "string") return false;
  // Two renewals may have been started for one certificate; the second finds it young.
  if (background) return lateness(found, wanted.now) === null;
  return why !== null || lineOf(order) !== before;
}

function lineOf({ system, files }: Obtaining): string | null {
  try {
    return readText(system, files.certificate);
  } catch {
    return null;
  }
}

async function issue(order: Obtaining, person: Person, doing: (what: string) => void): Promise<Obtained> {
  const { system, environment, config, files } = order;
  const trace = tracer(environment);
  // The one that was waited for may have been refused.
  person.checkRefusal();
  try {
    const askPassphrase: AskPassphrase = (path, again) => person.passphrase(path, again, doing);
    const publicKey = await ensureKey(system, files, config.settings.keyType, askPassphrase, (blob) =>
      agentHolds(order, blob),
    );
    person.accepted();
    const issued = await issueCertificate({
      settings: config.settings,
      state: config.paths.state,
      publicKey,
      environment,
      ask: (question) => person.ask(question, doing),
      accepted: person.accepted,
      say: order.background === true ? trace : say,
      trace,
      now: () => Date.now(),
      useCaches: order.useCaches,
      region: order.region,
    });
    if (order.why !== null && FOREIGN.includes(order.why)) keepForeignCertificate(files);
    storeCertificate(files, issued.certificate);
    const from = { requestId: issued.requestId, region: issued.region.awsRegion, function: config.settings.function };
    const at = issuedAt(Date.now(), issued.skewMs);
    logIssued(system, config.paths.state, parseCertificate(issued.certificate), from, at);
    person.finish(null);
  } catch (caught) {
    const error = order.why === "signed with SHA-1" && caught instanceof Failure ? aboutSha1(caught) : caught;
    person.finish(error instanceof Failure ? error : new Failure("bssh failed"));
    throw error;
  }
  trace(`stored ${files.certificate}`);
  await tidy(order);
  return { fetched: true, agent: await giveToAgent(order) };
}

/** Says beside why no other was to be had that the one there is of no use; the CA's own SHA-1 says it itself. */
function aboutSha1(failure: Failure): Failure {
  if (failure.message.includes("SHA-1")) return failure;
  const fact = "the certificate there is signed with SHA-1, which OpenSSH refuses since 8.2";
  return new Failure(`${failure.message} (and ${fact})`, failure.next, failure.status);
}

/** Takes away what kept renewals to one a minute. */
function forgetRenewals(state: string): void {
  for (const name of readdirSync(state)) if (name.startsWith(RENEWAL)) rmSync(`${state}/${name}`, { force: true });
}

/** What the logins to come find ready; a failure to do so costs them some time. */
async function tidy({ system, environment, config }: Obtaining): Promise<void> {
  const { state } = config.paths;
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    forgetRenewals(state);
    makeLinks(state);
    if (config.settings.shareConnections) await openSharingFolder(state);
    const text = keptText(config, environment);
    if (text !== null && text !== readText(system, keptFile(state))) replaceFile(keptFile(state), text, 0o600);
  } catch {}
}
