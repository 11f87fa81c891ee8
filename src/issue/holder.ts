// Who is at it now, as the one who has the lock wrote it into the lock file.
import { readFileSync } from "node:fs";
import { printable } from "../failure.ts";
import { type Lock, openLock } from "./lock.ts";

/** The process that has the lock. `pid` is 0 when it has not said so (yet). */
export type Holder = { readonly pid: number; readonly doing: string };

/** What a holder does while a question to the person is open. */
export const ASKING_CODE = "asking for an MFA code";

/** What a holder does while it asks for the passphrase of a key. */
export const ASKING_PASSPHRASE = "asking for a passphrase";

/** True while a question to a person is open, which can be answered elsewhere. */
export function isAsking({ doing }: Holder): boolean {
  return doing === ASKING_CODE || doing === ASKING_PASSPHRASE;
}

/** What a holder does unless it says otherwise. */
export const AT_IT = "asking for a certificate";

/** Longest description of what is being done, in characters. */
const LONGEST = 100;

export function lockPath(state: string): string {
  return `${state}/issuing.lock`;
}

/** Who has the lock below the folder `state` now; null when nobody has it. Waits for nothing and makes no file. */
export function heldBy(state: string): Holder | null {
  const lock = openLock(lockPath(state), false);
  if ("why" in lock) return null;
  try {
    return lock.isFree() ? null : readHolder(lock);
  } finally {
    lock.close();
  }
}

/** Whether a process is stopped, as by Ctrl-Z; false where /proc doesn't tell. */
export function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
  } catch {
    return false;
  }
}

/** Only for who has the lock. */
export function writeHolder(lock: Lock, doing: string): void {
  lock.write(JSON.stringify({ pid: process.pid, doing: printable(doing, LONGEST) }));
}

/** Only worth something while the lock is not free. */
export function readHolder(lock: Lock): Holder {
  const unknown = { pid: 0, doing: AT_IT };
  try {
    const { pid, doing } = (JSON.parse(lock.read()) ?? {}) as { readonly pid?: unknown; readonly doing?: unknown };
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1 || typeof doing !== "string") return unknown;
    return { pid, doing: printable(doing, LONGEST) };
  } catch {
    return unknown;
  }
}
