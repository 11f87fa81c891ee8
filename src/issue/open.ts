// What an order begins with: the cache, the clock, the user's own credentials and the way to AWS.
import { readFileSync } from "node:fs";
import type { Settings } from "../config/settings.ts";
import { Failure } from "../failure.ts";
import { measuredSkew } from "../identity/clock.ts";
import { keepSkew } from "../identity/clock-store.ts";
import { openCache } from "./cache.ts";
import { makeClients, readKnobs } from "./clients.ts";
import { findSource } from "./credentials.ts";
import { checkTls, endpointFor } from "./endpoint.ts";
import type { Clock, Errand } from "./errand.ts";
import { type Keys, readStsKeys } from "./keys.ts";
import type { Order, Step } from "./order.ts";
import { isReadableByOthers, readPrivate } from "./private-files.ts";
import { readProfiles } from "./profiles.ts";
import { makeQuestioner } from "./question.ts";
import { makeTransport } from "./transport.ts";

/** From here on the person is told. */
const SKEW_TOLD_MS = 60_000;

/** Another tool's session that ends within this time counts as gone. */
const MARGIN_MS = 60_000;

/** Gets everything ready; asks nobody. `close()` must be called at the end. Throws Failure. */
export async function openErrand(order: Order): Promise<Errand & { close(): void }> {
  const { settings, environment, say, trace, now } = order;
  if (settings.function === null) throw new Failure("the config names no CA", "set function in [lambda]", 78);
  checkTls(environment);
  // Before a code is spent on the way to one that can't be used.
  for (const service of ["STS", "KMS", "LAMBDA"]) endpointFor(service, environment);
  const cache = openCache({ state: order.state, useOld: order.useCaches, now, note: say, trace });
  const { clock, closeClock } = openClock(order);
  const [handler, profiles] = await Promise.all([import("./aws/handler.ts"), readProfiles(environment)]);
  const foreign = order.useCaches ? foreignSession(settings, clock, say, trace) : null;
  const source = findSource(settings, environment, profiles, foreign);
  trace(`credentials: ${source.name}, region ${source.region ?? "of the CA"}`);
  const transport = makeTransport(handler, { ...settings, environment, caBundle: source.caBundle });
  const knobs = readKnobs(environment, profiles.get(source.profile ?? "") ?? {});
  const clients = makeClients({ environment, profile: source.profile, knobs, clock, transport });
  const steps: Step[] = [];
  const close = () => {
    closeClock();
    transport.destroy();
  };
  return { order, cache, source, clients, transport, clock, steps, questioner: makeQuestioner(order), close };
}

/** The clock, as an earlier login measured it. Closing keeps what this one measured, and tells when it is much. */
function openClock({ state, now, say }: Order): { clock: Clock; closeClock(): void } {
  const before = measuredSkew({ read: readOrNull }, state);
  const clock: Clock = { skewMs: before, now: () => now() + clock.skewMs };
  const closeClock = () => {
    const { skewMs } = clock;
    const size = Math.abs(skewMs);
    if (size >= SKEW_TOLD_MS) {
      const amount = amountOf(size);
      say(
        `this machine's clock is ${amount} ${skewMs > 0 ? "slow" : "fast"}; bssh allows for it, other programs may not`,
      );
    }
    keepSkew(state, before, skewMs);
  };
  return { clock, closeClock };
}

function readOrNull(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** A time of at least a minute, in the unit that a person would take. */
function amountOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes === 1) return "a minute";
  if (minutes < 120) return `${minutes} minutes`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`;
}

/** The session that another tool keeps in `mfa_cache`, while it is good. */
function foreignSession(
  settings: Settings,
  clock: Clock,
  say: (line: string) => void,
  trace: (line: string) => void,
): { readonly keys: Keys; readonly file: string } | null {
  const file = settings.mfaCache;
  if (file === null) return null;
  const { text, strange } = readPrivate(file, { readable: true });
  if (strange !== null) say(`${file} is not used: it ${strange}`);
  if (text === null) return null;
  const keys = readStsKeys(parseJson(text));
  if (keys === null || (keys.ends ?? 0) - MARGIN_MS <= clock.now()) {
    trace(`${file}: ${keys === null ? "holds no session" : "its session has ended"}`);
    return null;
  }
  if (isReadableByOthers(file)) say(`others can read the AWS session in ${file}; chmod 600 it`);
  return { keys, file };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
