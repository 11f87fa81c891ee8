import { libcSystem } from "./libc.ts";
import type { System } from "./system.ts";

/** The system by its fastest and most faithful way; falls back to node:fs where libc can't be called. */
export async function openSystem(): Promise<System> {
  if (process.platform === "linux") {
    // glibc first, then musl under its own name.
    for (const library of ["libc.so.6", `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`]) {
      try {
        return libcSystem(library);
      } catch {}
    }
  }
  return (await import("./node.ts")).nodeSystem();
}
