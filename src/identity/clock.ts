// How far this machine's clock is from AWS's, as the last answer of AWS showed it. Certificates are judged by AWS's clock: it is
// the one the CA and, as a rule, the servers go by.
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";

/** Differences under this are not kept: HTTP dates have whole seconds, and certificates begin minutes before they are made. */
export const SKEW_FLOOR_MS = 2000;

/** More than a day is a broken clock or a broken file; either way it is measured again. */
const SKEW_CEILING_MS = 86_400_000;

/** Milliseconds to add to this machine's clock to get AWS's; 0 when none was measured or the file is damaged. */
export function measuredSkew(system: Pick<System, "read">, state: string): number {
  try {
    const text = readText(system, clockFile(state));
    if (text === null || !/^-?\d{1,9}\n?$/.test(text)) return 0;
    const skew = Number(text);
    return Math.abs(skew) > SKEW_CEILING_MS ? 0 : skew;
  } catch {
    return 0;
  }
}

/** The file that keeps the skew: one decimal number of milliseconds. Not there while the clocks agree. */
export function clockFile(state: string): string {
  return `${state}/clock-skew`;
}
