import { readText, type System } from "../system/system.ts";

/** Private memory in kB that a proxy may hold before it starts to carry bytes; carrying takes some 300 kB more. */
const MOST_KB = 2600;

/**
 * True when the way here has filled the memory of this process, which it would keep for as long as the connection lasts:
 * reading the config takes megabytes, and the clients of AWS tens of them. Null when the system doesn't tell.
 */
export function isHeavy(system: Pick<System, "read">): boolean | null {
  try {
    // proc(5), smaps_rollup: what is written to and nobody else's.
    const found = /^Private_Dirty:\s+(\d+) kB/m.exec(readText(system, "/proc/self/smaps_rollup") ?? "");
    return found === null ? null : Number(found[1]) > MOST_KB;
  } catch {
    return null;
  }
}
