import { libcSystem } from "./libc.ts";
import { LIBC_NAMES } from "./libraries.ts";
import type { System } from "./system.ts";

/** The system by its fastest and most faithful way; falls back to node:fs where libc can't be called. */
export async function openSystem(): Promise<System> {
  if (process.platform === "linux") {
    for (const library of LIBC_NAMES) {
      try {
        return libcSystem(library);
      } catch {}
    }
  }
  return (await import("./node.ts")).nodeSystem();
}
