// What this machine's public addresses are, asked of services on the internet (`ip_urls`): by IPv4 and by IPv6, side by side.
import type { ClientRequest, IncomingMessage } from "node:http";
import type { LookupFunction } from "node:net";
import { addressBits } from "../identity/address.ts";
import { checkEndpoint, type Environment, isLoopback, proxyEnvironment } from "./endpoint.ts";
import type { Addresses } from "./network-memory.ts";
import type { Step } from "./order.ts";
import { readBundle } from "./transport.ts";

export type Inquiry = {
  readonly ipUrls: readonly string[];
  readonly environment: Environment;
  /** File with more CA certificates to trust; null for none. */
  readonly caBundle: string | null;
  /** Whether the services are asked by IPv6 too. */
  readonly hasSix: boolean;
  readonly steps: Step[];
  readonly trace: (line: string) => void;
};

type Family = 4 | 6;

/** For one service, the search for its address included. */
const SERVICE_MS = 2000;

/** For all services together. */
const TOTAL_MS = 4000;

/** How long one family waits for the other: a machine may have a route for IPv6 that leads nowhere. */
const OTHER_FAMILY_MS = 1000;

const ANSWER_LENGTH = 64;

/** Asks the services of each family in their order until one answers. Null when none does. */
export async function askServices(inquiry: Inquiry): Promise<Addresses | null> {
  const limit = new AbortController();
  let ending = setTimeout(() => limit.abort(), TOTAL_MS);
  const found: Record<Family, string | null> = { 4: null, 6: null };
  const ask = async (family: Family) => {
    found[family] = await askFamily(inquiry, family, limit.signal);
    if (found[family] === null) return;
    clearTimeout(ending);
    ending = setTimeout(() => limit.abort(), OTHER_FAMILY_MS);
  };
  try {
    await Promise.all(inquiry.hasSix ? [ask(4), ask(6)] : [ask(4)]);
  } finally {
    clearTimeout(ending);
  }
  return found[4] === null && found[6] === null ? null : { four: found[4], six: found[6] };
}

async function askFamily(inquiry: Inquiry, family: Family, signal: AbortSignal): Promise<string | null> {
  for (const url of inquiry.ipUrls) {
    if (signal.aborted) return null;
    if (!URL.canParse(url) || !mayReach(new URL(url).hostname, family)) continue;
    const { host } = new URL(url);
    const from = performance.now();
    const answer = await askService(
      inquiry,
      new URL(url),
      family,
      AbortSignal.any([signal, AbortSignal.timeout(SERVICE_MS)]),
    );
    const ms = Math.round((performance.now() - from) * 10) / 10;
    const what = `public address by IPv${family}`;
    inquiry.trace(`${what} from ${host}: ${answer === null ? "no answer" : "answered"} after ${ms} ms`);
    if (answer === null) continue;
    inquiry.steps.push({ what: "public address", where: host, cached: false, ms });
    return answer;
  }
  return null;
}

/** False for an address of the other family. */
function mayReach(hostname: string, family: Family): boolean {
  const bits = addressBits(hostname.replace(/^\[|\]$/g, ""));
  return bits === null || (bits.width === 32) === (family === 4);
}

/** The address of this family that one service answers with; null for any other outcome. Redirects are not followed. */
async function askService(inquiry: Inquiry, url: URL, family: Family, signal: AbortSignal): Promise<string | null> {
  try {
    checkEndpoint(url.protocol, url.hostname);
    const isOutside = !isLoopback(url.hostname);
    const ca = inquiry.caBundle === null || !isOutside ? null : readBundle(inquiry.caBundle);
    // A proxy chooses the family itself; what comes back is then of either.
    const byProxy = isOutside && proxyEnvironment(inquiry.environment) !== null;
    const text = byProxy ? await fetchStart(url, ca, signal) : await getStart(url, family, ca, signal);
    const address = text.trim().replace(/^::ffff:(?=\d+\.)/i, "");
    const bits = addressBits(address);
    return bits !== null && (bits.width === 32) === (family === 4) ? address : null;
  } catch {
    return null;
  }
}

async function fetchStart(url: URL, ca: string | null, signal: AbortSignal): Promise<string> {
  const answer = await fetch(url, { signal, redirect: "error", ...(ca === null ? {} : { tls: { ca: [ca] } }) });
  if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status}`);
  const reader = answer.body.getReader();
  let text = "";
  try {
    while (text.length < ANSWER_LENGTH) {
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder("latin1").decode(value.subarray(0, ANSWER_LENGTH));
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  return text.slice(0, ANSWER_LENGTH);
}

/** The first characters of the answer, asked for by that family alone and on a connection of its own. */
async function getStart(url: URL, family: Family, ca: string | null, signal: AbortSignal): Promise<string> {
  const [{ lookup }, http, https, tls] = await Promise.all([
    import("node:dns"),
    import("node:http"),
    import("node:https"),
    import("node:tls"),
  ]);
  const only: LookupFunction = (name, options, done) => lookup(name, { ...options, family }, done);
  const options = {
    agent: false as const,
    family,
    lookup: only,
    signal,
    headers: { accept: "text/plain", "user-agent": "bssh" },
    // An environment that switches the checks of TLS off is nothing to us.
    rejectUnauthorized: true,
    ...(ca === null ? {} : { ca: [...tls.rootCertificates, ca] }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  signal.addEventListener("abort", () => reject(new Error("too late")));
  const hear = (answer: IncomingMessage) => {
    let text = "";
    const stop = (request: ClientRequest) => {
      resolve(text.slice(0, ANSWER_LENGTH));
      request.destroy();
    };
    if (answer.statusCode !== 200) {
      reject(new Error(`HTTP ${answer.statusCode}`));
      request.destroy();
      return;
    }
    answer.setEncoding("latin1");
    answer.on("data", (part: string) => {
      text += part.slice(0, ANSWER_LENGTH);
      if (text.length >= ANSWER_LENGTH) stop(request);
    });
    answer.on("end", () => stop(request));
    answer.on("error", reject);
  };
  const request = (url.protocol === "https:" ? https : http).get(url, options, hear);
  request.on("error", reject);
  return promise;
}
