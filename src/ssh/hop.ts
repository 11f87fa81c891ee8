// A link named ssh that leads to this executable: ssh runs it for its jump hosts when it stands in argv[0].
import { mkdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { hopLink } from "./become.ts";

/** Makes or mends the link in the private state. Throws what the system throws. */
export function makeHopLink(state: string): void {
  const path = hopLink(state);
  if (targetOf(path) === process.execPath) return;
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  const beside = `${path}.${process.pid}`;
  try {
    unlinkSync(beside);
  } catch {}
  symlinkSync(process.execPath, beside);
  renameSync(beside, path);
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
