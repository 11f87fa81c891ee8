// How far this machine's clock is from AWS's, as the last answer of AWS showed it. Certificates are judged by AWS's clock: it is
// the one the CA and, as a rule, the servers go by.
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";

/** Differences under this are not kept: HTTP dates have whole seconds, and certificates begin minutes before they are made. */
export const SKEW_FLOOR_MS = 2000;

/** More than a day is a broken clock or a broken file; either way it is measured again. */
const SKEW_CEILING_MS = 86_400_000;

/** The clock was set when it has moved by more than this against the time since boot. */
const SET_MS = 2000;

/**
 * Milliseconds to add to this machine's clock to get AWS's; 0 when none was measured, the clock was set or the machine started
 * since, or the file is damaged.
 */
export function measuredSkew(system: Pick<System, "read">, state: string): number {
  try {
    const text = readText(system, clockFile(state));
    const [, said, then] = /^(-?\d{1,9})(?: (\d{1,15}))?\n?$/.exec(text ?? "") ?? [];
    if (said === undefined) return 0;
    const boot = then === undefined ? null : bootTime(system);
    if (boot !== null && Math.abs(boot - Number(then)) > SET_MS) return 0;
    const skew = Number(said);
    return Math.abs(skew) > SKEW_CEILING_MS ? 0 : skew;
  } catch {
    return 0;
  }
}

/** When the machine was started, by its own clock, in milliseconds since the epoch; null where /proc doesn't tell. */
export function bootTime(system: Pick<System, "read">): number | null {
  try {
    const seconds = /^(\d+\.\d+) /.exec(readText(system, "/proc/uptime") ?? "")?.[1];
    return seconds === undefined ? null : Date.now() - Math.round(Number(seconds) * 1000);
  } catch {
    return null;
  }
}

/**
 * The file that keeps the skew: milliseconds, a space, and when the machine was started by the clock of that time (where that is
 * known). Not there while the clocks agree.
 */
export function clockFile(state: string): string {
  return `${state}/clock-skew`;
}
