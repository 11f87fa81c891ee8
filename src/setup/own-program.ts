import { realpathSync } from "node:fs";

/**
 * The path by which bssh is run from now on: that on PATH when it leads to the executable that runs now, since a packager's link
 * stays where it is while what it leads to changes with every version; else the executable's own.
 */
export function ownProgram(executable: string, path: string | undefined): string {
  const found = Bun.which("bssh", { PATH: path ?? "" });
  return found?.startsWith("/") && isSame(found, executable) ? found : executable;
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
