import { performance } from "node:perf_hooks";
import type { Region } from "../config/settings.ts";
import { printable } from "../failure.ts";
import type { Cache, Kind } from "./cache.ts";
import type { Clients } from "./clients.ts";
import type { Source } from "./credentials.ts";
import { type About, CallFailure, lookAt, refusal } from "./errors.ts";
import type { Order, Step } from "./order.ts";
import type { Questioner } from "./question.ts";
import type { Transport } from "./transport.ts";

/** One order on its way: what all its steps share. */
export type Errand = {
  readonly order: Order;
  readonly cache: Cache;
  /** Where the user's own credentials come from. */
  readonly source: Source;
  readonly clients: Clients;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly questioner: Questioner;
  readonly steps: Step[];
};

/** How far this machine's clock is from AWS's, as the last answer showed. */
export type Clock = {
  skewMs: number;
  /** Milliseconds since the epoch by AWS's clock. */
  readonly now: () => number;
};

/** After so long the person is told what is being waited for. */
const PATIENCE_MS = 3000;

/**
 * Makes one AWS call under a limit for all its attempts together, and notes it as a step; once more when the clock turns out
 * to have been set, unless it carries a code. What the SDK throws becomes a Failure that names the cause; the words of AWS
 * go to the trace.
 */
export async function call<T>(errand: Errand, about: About, send: Send<T>): Promise<T> {
  const before = errand.clock.skewMs;
  try {
    return await callOnce(errand, about, send);
  } catch (error) {
    // This machine's clock was set since it was measured; the refusal's date has shown the new difference.
    const measured = errand.clock.skewMs !== before && about.action !== "GetSessionToken";
    if (!(error instanceof CallFailure) || error.trouble !== "skew" || !measured) throw error;
    return await callOnce(errand, about, send);
  }
}

type Send<T> = (signal: AbortSignal) => Promise<T>;

async function callOnce<T>(errand: Errand, about: About, send: Send<T>): Promise<T> {
  const { settings, environment, say, trace } = errand.order;
  const where = `${about.service.toLowerCase()} ${about.region}`;
  const limit = new AbortController();
  const ending = setTimeout(() => limit.abort(), (settings.connectSeconds + settings.readSeconds) * 1000);
  const waiting = setTimeout(() => {
    if (errand.questioner.isOpen() || (environment["BLESSQUIET"] ?? "") !== "") return;
    say(`waiting for ${about.service} in ${about.region}`);
  }, PATIENCE_MS);
  const from = performance.now();
  try {
    const answer = await send(limit.signal);
    trace(`${where} ${about.action} answered in ${elapsed(from)} ms`);
    note(errand, about.action, where, from);
    return answer;
  } catch (error) {
    const failure = refusal(error, { source: errand.source.name, ...about });
    const { name, code, status, message } = lookAt(error);
    // Parsers quote what they choke on, and what isn't AWS's may hold anything.
    const words = failure instanceof CallFailure && failure.trouble === "garbage" ? "unreadable" : printable(message);
    const what = [name, code, status === 0 ? "" : `HTTP ${status}`].filter(Boolean).join(" ");
    trace(`${where} ${about.action} gave ${what} after ${elapsed(from)} ms: ${words}`);
    throw failure;
  } finally {
    clearTimeout(ending);
    clearTimeout(waiting);
  }
}

/** Notes a step that took from `from` (performance.now()) until now. */
export function note(errand: { readonly steps: Step[] }, what: string, where: string, from: number): void {
  errand.steps.push({ what, where, cached: false, ms: elapsed(from) });
}

/** What an earlier step or login left, with a note that `where` need not be asked for it; null when there is nothing. */
export function kept<T>(
  errand: Errand,
  kind: Kind<T>,
  key: readonly string[],
  step: Pick<Step, "what" | "where">,
): T | null {
  const { cache, clock, steps, order } = errand;
  const value = cache.read(kind, key, clock.now());
  if (value !== null && cache.isOld(kind, key)) {
    steps.push({ ...step, cached: true, ms: 0 });
    order.trace(`${step.where} ${step.what} is kept from an earlier login`);
  }
  return value;
}

/** Where STS is asked: in the region that the user's AWS set-up names; when another region's turn has come, there. */
export function stsRegion(errand: Errand, region: Region, isFirst: boolean): string {
  return isFirst ? (errand.source.region ?? region.awsRegion) : region.awsRegion;
}

function elapsed(from: number): number {
  return Math.round((performance.now() - from) * 10) / 10;
}
