// What was learnt in each network is kept for the logins to come, which then ask nobody.
import { readFileSync } from "node:fs";
import type { Network } from "../identity/network.ts";
import {
  findNetwork,
  isSixGone,
  type Learnt,
  MOST_NETWORKS,
  networksFile,
  parseNetworks,
  type Remembered,
  SILENCE_MS,
} from "../identity/networks.ts";
import type { System } from "../system/system.ts";
import { prepareFolder, readPrivate, writePrivate } from "./private-files.ts";

/** What services answered; null for a family that has no address here. */
export type Addresses = { readonly four: string | null; readonly six: string | null };

/** An address that no service confirmed for so long is forgotten. */
export const FALLBACK_MS = 86_400_000;

/** Services that did not answer are left alone for so long, and twice as long each further time. */
const FIRST_SILENCE_MS = 60_000;

/** The kernel's tables, for code that was not handed a System. */
export const machine: Pick<System, "read"> = {
  read(path) {
    try {
      return readFileSync(path);
    } catch {
      return null;
    }
  },
};

/** What is remembered of the network; null when it was never here. */
export function recall(state: string, network: Network | null): Remembered | null {
  return findNetwork(parseNetworks(readPrivate(networksFile(state)).text), network);
}

/**
 * Remembers what the services answered in the network, null for no answer at all (`now`: this machine's clock), and gives what is
 * known of it then. A failure to write costs the next login a question to the services.
 */
export function remember(state: string, network: Network | null, found: Addresses | null, now: number): Remembered {
  const list = parseNetworks(readPrivate(networksFile(state)).text);
  const before = findNetwork(list, network);
  const entry: Remembered = {
    id: network?.id ?? "",
    mac: network?.mac ?? before?.mac ?? null,
    four: learnt(found?.four, before?.four, now),
    six: learnt(found?.six, before === null || isGone(before, network) ? null : before.six, now),
    asked: found === null ? (before?.asked ?? 0) : now,
    silent: found === null ? nextSilence(before, now) : null,
  };
  try {
    const others = list.filter((other) => other !== before).slice(1 - MOST_NETWORKS);
    const text = `${JSON.stringify({ networks: [...others, entry] })}\n`;
    if (prepareFolder(state, "readable") === null) writePrivate(state, "networks.json", text);
  } catch {}
  return entry;
}

function learnt(found: string | null | undefined, before: Learnt | null | undefined, now: number): Learnt | null {
  if (typeof found === "string") return { address: found, at: now };
  return before !== null && before !== undefined && now - before.at < FALLBACK_MS && before.at <= now ? before : null;
}

function isGone(before: Remembered, network: Network | null): boolean {
  return network !== null && (!network.hasSix || isSixGone(before, network));
}

function nextSilence(before: Remembered | null, now: number): Remembered["silent"] {
  const ms = Math.min(SILENCE_MS, (before?.silent?.ms ?? FIRST_SILENCE_MS / 2) * 2);
  return { until: now + ms, ms };
}
