// Read at every run of bssh match, so that it loads nothing; match-memory.ts writes it.
import { readText, type System } from "../system/system.ts";

/** How long a failure counts, in milliseconds: the second run follows at once, but where time-outs are long not that soon. */
export const FAILURE_COUNTS_MS = 60_000;

export const failuresFolder = (state: string) => `${state}/match`;

/** Whether this ssh was told of a failure just now. */
export function hasFailed(system: Pick<System, "read">, state: string, ssh: string, now = Date.now()): boolean {
  try {
    const text = readText(system, `${failuresFolder(state)}/${ssh}`);
    const age = now - Number(text ?? Number.NaN);
    return age >= 0 && age < FAILURE_COUNTS_MS;
  } catch {
    return false;
  }
}
