// What was learnt in the networks this machine was in. Read on the way to ssh; written by the cold path alone
// (issue/network-memory.ts).
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";
import { addressBits } from "./address.ts";
import { type Network, networkOf } from "./network.ts";

/** An address, and when a service named it (this machine's clock, milliseconds since the epoch). */
export type Learnt = { readonly address: string; readonly at: number };

export type Remembered = {
  /** Of `Network`; empty for wherever the network can't be told. */
  readonly id: string;
  readonly mac: string | null;
  readonly four: Learnt | null;
  readonly six: Learnt | null;
  /** When a service answered last; milliseconds since the epoch. */
  readonly asked: number;
  /** No service answered: none is asked again before `until`, which came `ms` after that. Null when the last try was answered. */
  readonly silent: { readonly until: number; readonly ms: number } | null;
};

/** Networks that are remembered; the one that was left alone longest goes first. */
export const MOST_NETWORKS = 32;

/** The longest time that silent services are left alone. */
export const SILENCE_MS = 3_600_000;

const LARGEST = 64 * 1024;

/** The file that networks are remembered in, in the private state. */
export function networksFile(state: string): string {
  return `${state}/networks.json`;
}

/**
 * What a file's text tells of networks (with `id`: of those alone), the latest last; damaged entries are left out, a damaged
 * text holds none.
 */
export function parseNetworks(text: string | null, id: string | null = null): Remembered[] {
  if (text === null || text.length > LARGEST) return [];
  try {
    const list: unknown = JSON.parse(text)?.networks;
    if (!Array.isArray(list)) return [];
    return list.slice(-MOST_NETWORKS).flatMap((item: unknown) => {
      if (id !== null && (item as Remembered | null)?.id !== id) return [];
      const entry = asRemembered(item);
      return entry === null ? [] : [entry];
    });
  } catch {
    return [];
  }
}

function asRemembered(item: unknown): Remembered | null {
  if (typeof item !== "object" || item === null) return null;
  const { id, mac, four, six, asked, silent } = item as Record<keyof Remembered, unknown>;
  if (typeof id !== "string" || id.length > 1000 || !isTime(asked)) return null;
  if (mac !== null && (typeof mac !== "string" || mac.length > 64)) return null;
  const { until, ms } = (silent ?? {}) as Record<string, unknown>;
  return {
    id,
    mac,
    four: asLearnt(four, 32),
    six: asLearnt(six, 128),
    asked,
    silent: isTime(until) && isTime(ms) && ms <= SILENCE_MS ? { until, ms } : null,
  };
}

function asLearnt(item: unknown, width: number): Learnt | null {
  if (typeof item !== "object" || item === null) return null;
  const { address, at } = item as Record<keyof Learnt, unknown>;
  if (typeof address !== "string" || address.length > 64 || !isTime(at)) return null;
  return addressBits(address)?.width === width ? { address, at } : null;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/**
 * What is remembered of a network. Hardware addresses tell networks apart that are the same otherwise; where one isn't known, it is
 * taken for the network seen last of those it may be. Null when it was never here.
 */
export function findNetwork(list: readonly Remembered[], network: Network | null): Remembered | null {
  const here = list.filter(({ id }) => id === (network?.id ?? ""));
  const mac = network?.mac ?? null;
  if (mac === null) return here.at(-1) ?? null;
  return here.findLast((entry) => entry.mac === mac) ?? here.findLast((entry) => entry.mac === null) ?? null;
}

/**
 * True when the IPv6 address learnt here was the machine's own and isn't any more: temporary addresses (RFC 8981) are changed
 * while the network stays the same.
 */
export function isSixGone({ six }: Remembered, network: Network): boolean {
  const bits = six === null ? null : addressBits(six.address);
  if (bits === null) return false;
  const hex = bits.value.toString(16).padStart(32, "0");
  return !network.ownSix.includes(hex) && network.ownSix.some((own) => own.slice(0, 16) === hex.slice(0, 16));
}

/** The addresses learnt in a network, IPv4 first. */
export function addressesOf({ four, six }: Pick<Remembered, "four" | "six">): string[] {
  return [four, six].flatMap((learnt) => (learnt === null ? [] : [learnt.address]));
}

/**
 * The machine's public addresses as far as they are known without asking anybody: those learnt in this network; "other network"
 * where they have yet to be learnt; null where the network can't be told, or no service answered just now. Never throws.
 */
export function addressesHere(
  system: Pick<System, "read">,
  state: string,
  now: number,
): readonly string[] | "other network" | null {
  const network = networkOf(system);
  if (network === null) return null;
  const entry = findNetwork(readNetworks(system, state, network.id), network);
  if (entry === null) return "other network";
  const addresses = isSixGone(entry, network) ? [] : addressesOf(entry);
  if (addresses.length > 0) return addresses;
  return isSilent(entry, now) ? null : "other network";
}

/** True while services that did not answer are left alone. */
export function isSilent({ silent }: Remembered, now: number): boolean {
  return silent !== null && silent.until > now && silent.until - now <= SILENCE_MS;
}

function readNetworks(system: Pick<System, "read">, state: string, id: string): Remembered[] {
  try {
    return parseNetworks(readText(system, networksFile(state)), id);
  } catch {
    return [];
  }
}
