// Which region is asked when. Today they have their turns one after the other; what makes a dead one cheap (starting the next
// early, remembering which was down) belongs here as well.
import type { Region } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import { CallFailure } from "./errors.ts";

/** The regions in their turn: the one with `alias` first, the others as configured. Throws Failure for an unknown alias. */
export function regionsInTurn(regions: readonly Region[], alias: string | null): readonly Region[] {
  if (regions.length === 0)
    throw new Failure("the config names no region", "add a [[region]] (see config.example.toml)", 78);
  if (alias === null) return regions;
  const start = regions.find((region) => region.alias.toLowerCase() === alias.toLowerCase());
  if (start === undefined) {
    const known = regions.map((region) => region.alias).join(", ");
    throw new Failure(`there is no region ${printable(alias, 40)}`, `take one of ${known}`, 64);
  }
  return [start, ...regions.filter((region) => region !== start)];
}

/**
 * Tries region after region. Only what another region may cure goes on to the next, and its reason is said then; anything else
 * is thrown at once. When all had their turn, the Failure gives the reason of the last.
 */
export async function inTurn<T>(
  regions: readonly Region[],
  attempt: (region: Region, isFirst: boolean) => Promise<T>,
  say: (line: string) => void,
): Promise<T> {
  for (const [at, region] of regions.entries()) {
    try {
      return await attempt(region, at === 0);
    } catch (error) {
      if (!(error instanceof CallFailure) || !error.elsewhere || regions.length === 1) throw error;
      const next = regions[at + 1];
      if (next === undefined) throw new Failure(`no region gave a certificate: ${error.message}`, error.next);
      say(`${error.message}; trying ${next.awsRegion}`);
    }
  }
  throw new Failure("no region was asked");
}
