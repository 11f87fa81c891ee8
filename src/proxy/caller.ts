// What called this proxy, for who has no libc open yet.
import type { System } from "../system/system.ts";
import { callerOf, isSsh, wantsDescriptor } from "./descriptors.ts";
import { openLibc } from "./libc.ts";

/** True when ssh waits for a descriptor instead of bytes. */
export function asksForDescriptor(system: Pick<System, "read">): boolean {
  const libc = openLibc();
  return libc !== null && wantsDescriptor(libc, system);
}

/** Path of the ssh that called, null when it can't be told or is none. */
export function callerProgram(system: Pick<System, "read">): string | null {
  const libc = openLibc();
  const caller = libc === null ? null : callerOf(libc, system);
  return caller !== null && isSsh(caller) ? caller.path : null;
}
