import type { WarmConfig } from "./config/kept.ts";
import { measuredSkew } from "./identity/clock.ts";
import type { Wanted } from "./identity/fresh.ts";
import { addressesHere } from "./identity/networks.ts";
import { isImported } from "./imported.ts";
import type { System } from "./system/system.ts";

/** What the certificate must be, by the settings and by AWS's clock. */
export function wantedOf(system: System, config: Pick<WarmConfig, "settings" | "paths">): Wanted {
  return {
    principals: config.settings.principals,
    caKeys: config.settings.caKeys,
    renewMarginSeconds: config.settings.renewMarginSeconds,
    allowSha1: config.settings.allowSha1,
    addresses: knownAddresses(system, config),
    now: Date.now() + measuredSkew(system, config.paths.state),
    isByHand: (certificate) => isImported(system, config.paths.state, certificate),
  };
}

/** What is still good enough where no other certificate is to be had: to its very end, and where the network can't be judged. */
export function lastResort(wanted: Wanted): Wanted {
  const addresses = wanted.addresses === "other network" ? null : wanted.addresses;
  return { ...wanted, addresses, renewMarginSeconds: 0 };
}

function knownAddresses(system: System, { settings, paths }: Pick<WarmConfig, "settings" | "paths">) {
  const { fixedIp, ipUrls } = settings;
  if (fixedIp !== null) return fixedIp.includes("/") ? null : [fixedIp];
  return ipUrls.length === 0 ? null : addressesHere(system, paths.state, Date.now());
}

/** Where the trouble with an agent is noted, in the private state: what it was, a space, the socket. It is said once. */
export function troubleNote(state: string): string {
  return `${state}/agent-trouble`;
}
