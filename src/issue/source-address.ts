// Where the certificate may be used from: the user's public addresses and the bastions'.
import { isIP } from "node:net";
import type { Settings } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import { addressBits } from "../identity/address.ts";
import { type Network, networkOf } from "../identity/network.ts";
import { addressesOf, isSilent, isSixGone, type Remembered } from "../identity/networks.ts";
import type { System } from "../system/system.ts";
import { askServices } from "./address-service.ts";
import type { Environment } from "./endpoint.ts";
import { type Addresses, machine, recall, remember } from "./network-memory.ts";
import type { Step } from "./order.ts";

export type { Addresses } from "./network-memory.ts";

/** What the CA is told. */
export type SourceAddress = {
  /** The user's own address, BLESS's `bastion_user_ip`: IPv4 where there is one. */
  readonly own: string;
  /** What the certificate is bound to, BLESS's `bastion_ips`: addresses and networks, commas, no spaces. */
  readonly bound: string;
};

/** Everywhere: for users whose organisation binds to no address. */
const ANYWHERE = "0.0.0.0/0,::/0";

export type LearnOrder = {
  readonly settings: Pick<Settings, "fixedIp" | "ipUrls">;
  readonly environment: Environment;
  /** The private folder that networks are remembered in. */
  readonly state: string;
  readonly trace: (line: string) => void;
  /** File with more CA certificates to trust; that of `AWS_CA_BUNDLE` when not given, null for none. */
  readonly caBundle?: string | null;
  /** Milliseconds since the epoch, by this machine's clock; Date.now when not given. */
  readonly now?: () => number;
  /** Where the kernel's tables are read; the machine's own when not given. */
  readonly system?: Pick<System, "read">;
};

export type AddressOrder = LearnOrder & {
  readonly settings: Pick<Settings, "fixedIp" | "ipUrls" | "ipCacheSeconds" | "bastionIps">;
  readonly caBundle: string | null;
  readonly now: () => number;
  /** False: the services are asked whatever is remembered. */
  readonly useCaches: boolean;
  readonly steps: Step[];
  readonly say: (line: string) => void;
};

/**
 * Learns the public addresses of this network and remembers them; what an earlier login has learnt meanwhile is taken as it is.
 * Needs no credentials, takes 4 s at most, never throws. Null when addresses aren't looked up, or no service answers: that is
 * remembered too, and none is asked again for a while.
 */
export async function learnAddresses(order: LearnOrder): Promise<Addresses | null> {
  const { settings, state, system = machine, now = Date.now } = order;
  if (settings.fixedIp !== null || settings.ipUrls.length === 0) return null;
  const network = networkOf(system);
  const before = network === null ? null : recall(state, network);
  if (before !== null && network !== null && !isSixGone(before, network) && addressesOf(before).length > 0) {
    return { four: before.four?.address ?? null, six: before.six?.address ?? null };
  }
  if (before !== null && isSilent(before, now())) return null;
  return (await lookUp(order, [])).found;
}

/**
 * The user's own addresses: fixed, remembered, or asked for. Without an address service the certificate is bound to the bastions
 * alone; without bastions too, to nothing. When no service answers, the last known addresses of this network serve, else the
 * bastions; throws Failure when there are none either: a silent service must not unbind the certificate.
 */
export async function sourceAddress(order: AddressOrder): Promise<SourceAddress> {
  const { fixedIp, ipUrls, ipCacheSeconds, bastionIps } = order.settings;
  if (fixedIp !== null) {
    if (isNetwork(fixedIp)) return bind([fixedIp], bastionIps);
    throw new Failure(`fixed_ip (or BLESSFIXEDIP) is no address: ${printable(fixedIp, 60)}`, "correct it", 78);
  }
  if (ipUrls.length === 0) return bindToBastions(bastionIps);
  const recent = order.useCaches ? recall(order.state, networkOf(order.system ?? machine)) : null;
  if (recent !== null && isWithin(recent.asked, order.now(), ipCacheSeconds * 1000)) {
    const known = addressesOf(recent);
    if (known.length > 0) {
      order.steps.push({ what: "public address", where: "kept", cached: true, ms: 0 });
      return bind(known, bastionIps);
    }
  }
  const { found, entry } = await lookUp(order, order.steps);
  const known = found === null && !order.useCaches ? [] : addressesOf(entry);
  if (known.length > 0) {
    if (found === null) order.say("no address service answers; the certificate is bound to the last address known");
    return bind(known, bastionIps);
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

/** Asks, and remembers the answer for the network in which it was asked; `entry` is what is known here then. */
async function lookUp(
  order: LearnOrder,
  steps: Step[],
): Promise<{ readonly found: Addresses | null; readonly entry: Pick<Remembered, "four" | "six"> }> {
  const { settings, environment, state, trace, system = machine, now = Date.now } = order;
  const { caBundle = environment["AWS_CA_BUNDLE"] || null } = order;
  const from = networkOf(system);
  const hasSix = from?.hasSix ?? true;
  const found = await askServices({ ipUrls: settings.ipUrls, environment, caBundle, hasSix, steps, trace });
  // By now the neighbour table has the gateway. In between the machine may have moved.
  const network = networkOf(system);
  if (isSame(from, network)) return { found, entry: remember(state, network, found, now()) };
  const learnt = (address: string | null) => (address === null ? null : { address, at: now() });
  return { found, entry: { four: learnt(found?.four ?? null), six: learnt(found?.six ?? null) } };
}

function isSame(before: Network | null, after: Network | null): boolean {
  if (before === null || after === null) return before === after;
  return before.id === after.id && (before.mac === null || after.mac === null || before.mac === after.mac);
}

function isWithin(then: number, now: number, ms: number): boolean {
  return then <= now && now - then < ms;
}

/** True for one IPv4 or IPv6 address, or one network with its prefix length. */
export function isNetwork(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/** Both lists hold the same addresses, in whatever order, however often and however written. */
export function sameAddresses(left: string, right: string): boolean {
  const sorted = (list: string) => [...new Set(list.split(",").map(plainly))].sort().join(",");
  return sorted(left) === sorted(right);
}

/** IPv6 has many ways to write one address. */
function plainly(network: string): string {
  const [address = "", prefix] = network.split("/");
  const bits = addressBits(address);
  if (bits === null || !isNetwork(network)) return network;
  return `${bits.value.toString(16)}/${bits.width}/${Number(prefix ?? bits.width)}`;
}

/** True for a list that holds nothing back. */
export function isAnywhere(list: string): boolean {
  return list === ANYWHERE;
}

function bind(own: readonly string[], bastionIps: readonly string[]): SourceAddress {
  return { own: own[0] ?? "", bound: [...new Set([...own, ...bastionIps])].join(",") };
}

function bindToBastions(bastionIps: readonly string[]): SourceAddress {
  const [first] = bastionIps;
  return first === undefined ? { own: "0.0.0.0/0", bound: ANYWHERE } : { own: first, bound: bastionIps.join(",") };
}
