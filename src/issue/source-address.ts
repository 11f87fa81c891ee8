// Where the certificate may be used from: the user's public address and the bastions'.
import { isIP } from "node:net";
import type { Settings } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import { asText, type Cache, type Kind } from "./cache.ts";
import { checkEndpoint, type Environment, isLoopback } from "./endpoint.ts";
import type { Clock } from "./errand.ts";
import type { Step } from "./order.ts";
import { readBundle } from "./transport.ts";

/** What the CA is told. */
export type SourceAddress = {
  /** The user's own address, BLESS's `bastion_user_ip`. */
  readonly own: string;
  /** What the certificate is bound to, BLESS's `bastion_ips`: addresses and networks, commas, no spaces. */
  readonly bound: string;
};

const ADDRESS: Kind<string> = {
  name: "address",
  marginMs: 0,
  parse: (value) => {
    const text = asText(value, 64);
    return text !== null && isIP(text) !== 0 ? text : null;
  },
};

/** An answer is older than `ip_cache_seconds` but better than none for so long. */
const FALLBACK_MS = 86_400_000;

/** Everywhere: for users whose organisation binds to no address. */
const ANYWHERE = "0.0.0.0/0,::/0";

const LIMIT_MS = 2000;
const ANSWER_LENGTH = 40;

export type AddressOrder = {
  readonly settings: Pick<Settings, "fixedIp" | "ipUrls" | "ipCacheSeconds" | "bastionIps">;
  readonly environment: Environment;
  readonly caBundle: string | null;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly steps: Step[];
  readonly say: (line: string) => void;
  readonly trace: (line: string) => void;
};

/**
 * The user's own address: fixed, kept, or asked for. Without an address service the certificate is bound to the bastions alone;
 * without bastions too, to nothing. When no service answers, the last known address serves, else the bastions; throws Failure
 * when there are none either: a silent service must not unbind the certificate.
 */
export async function sourceAddress(order: AddressOrder): Promise<SourceAddress> {
  const { fixedIp, ipUrls, bastionIps } = order.settings;
  if (fixedIp !== null) {
    if (isNetwork(fixedIp)) return bind(fixedIp, bastionIps);
    throw new Failure(`fixed_ip (or BLESSFIXEDIP) is no address: ${printable(fixedIp, 60)}`, "correct it", 78);
  }
  if (ipUrls.length === 0) return bindToBastions(bastionIps);
  const recent = order.cache.read(ADDRESS, ["recent"], order.clock.now());
  if (recent !== null) {
    order.steps.push({ what: "public address", where: "kept", cached: true, ms: 0 });
    return bind(recent, bastionIps);
  }
  const found = await lookUp(order);
  if (found !== null) {
    const now = order.clock.now();
    order.cache.keep(ADDRESS, ["recent"], found, now + order.settings.ipCacheSeconds * 1000);
    order.cache.keep(ADDRESS, ["last"], found, now + FALLBACK_MS);
    return bind(found, bastionIps);
  }
  const last = order.cache.read(ADDRESS, ["last"], order.clock.now());
  if (last !== null) {
    order.say("no address service answers; the certificate is bound to the last address known");
    return bind(last, bastionIps);
  }
  if (bastionIps.length > 0) {
    order.say("no address service answers; the certificate is good by way of the bastions only");
    return bindToBastions(bastionIps);
  }
  throw new Failure(
    "your public address can't be found: no service in ip_urls answers",
    "correct ip_urls, or set fixed_ip",
  );
}

/** True for one IPv4 or IPv6 address, or one network with its prefix length. */
export function isNetwork(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/** Both lists hold the same addresses, in whatever order and however often. */
export function sameAddresses(left: string, right: string): boolean {
  const sorted = (list: string) => [...new Set(list.split(","))].sort().join(",");
  return sorted(left) === sorted(right);
}

/** True for a list that holds nothing back. */
export function isAnywhere(list: string): boolean {
  return list === ANYWHERE;
}

function bind(own: string, bastionIps: readonly string[]): SourceAddress {
  return { own, bound: [...new Set([own, ...bastionIps])].join(",") };
}

function bindToBastions(bastionIps: readonly string[]): SourceAddress {
  const [first] = bastionIps;
  return first === undefined ? { own: "0.0.0.0/0", bound: ANYWHERE } : { own: first, bound: bastionIps.join(",") };
}

async function lookUp(order: AddressOrder): Promise<string | null> {
  for (const url of order.settings.ipUrls) {
    const from = performance.now();
    const { host, address } = await askService(url, order.caBundle);
    const ms = Math.round((performance.now() - from) * 10) / 10;
    order.trace(`public address from ${host}: ${address === null ? "no answer" : "answered"} after ${ms} ms`);
    if (address === null) continue;
    order.steps.push({ what: "public address", where: host, cached: false, ms });
    return address;
  }
  return null;
}

/** Asks one service: its answer's first 40 characters must be an address. Null for any other outcome. */
async function askService(url: string, caBundle: string | null): Promise<{ host: string; address: string | null }> {
  if (!URL.canParse(url)) return { host: "an unreadable address", address: null };
  const { protocol, hostname, host } = new URL(url);
  try {
    checkEndpoint(protocol, hostname);
    const tls = caBundle === null || isLoopback(hostname) ? {} : { tls: { ca: [readBundle(caBundle)] } };
    const answer = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS), redirect: "error", ...tls });
    if (!answer.ok || answer.body === null) return { host, address: null };
    const text = (await readStart(answer.body)).slice(0, ANSWER_LENGTH).trim();
    return { host, address: isIP(text) === 0 ? null : text };
  } catch {
    return { host, address: null };
  }
}

async function readStart(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
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
  return text;
}
