import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { bootTime, clockFile, SKEW_FLOOR_MS } from "./clock.ts";
import { replaceFile } from "./store.ts";

/**
 * Keeps the skew that was measured (milliseconds to add to this machine's clock) when it differs from the one kept before; forgets
 * it when the clocks agree again. A failure to write costs nothing but a check made by the wrong clock.
 */
export function keepSkew(state: string, before: number, skewMs: number): void {
  try {
    if (Math.abs(skewMs) < SKEW_FLOOR_MS) {
      rmSync(clockFile(state), { force: true });
    } else if (Math.abs(skewMs - before) >= SKEW_FLOOR_MS) {
      mkdirSync(state, { recursive: true, mode: 0o700 });
      const boot = bootTime({ read: (path) => readFileSync(path) });
      replaceFile(clockFile(state), `${Math.round(skewMs)}${boot === null ? "" : ` ${boot}`}\n`, 0o600);
    }
  } catch {}
}
