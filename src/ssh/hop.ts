// Links that lead to this executable, whatever its own name is: one named ssh, which ssh runs for its jump hosts when it stands
// in argv[0], and one named bssh, by which its commands can be called.
import { mkdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { hopLink, ownLink } from "./become.ts";

/** Makes or mends the links in the private state. Throws what the system throws. */
export function makeLinks(state: string): void {
  for (const path of [hopLink(state), ownLink(state)]) makeLink(path);
}

function makeLink(path: string): void {
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
