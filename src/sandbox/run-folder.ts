import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { Failure } from "../failure.ts";

/** The empty folder that Debian's sshd, run as root, shuts itself into; the service makes it when it is started. */
export const RUN_FOLDER = "/run/sshd";

const TRIES = 50;

/**
 * Sees to it that the folder is there as long as the sandbox in `root` is. A sandbox leaves a file with its name in
 * a folder that a sandbox made, so that the janitor of the last one knows to take it away; a folder of the system's is left
 * alone. `when`: whether to make it when it is missing, or only to join the others. Throws Failure when it cannot be made.
 */
export function holdRunFolder(root: string, when: "in any case" | "when a sandbox made it"): void {
  const name = basename(root);
  let isSystems = false;
  for (let tries = 0; tries < TRIES; tries++) {
    const entries = entriesOf();
    if (entries === null) {
      if (when !== "in any case") return;
      // Known to the janitor before there is anything to take away.
      writeFileSync(`${root}/shared`, `${RUN_FOLDER}\n`);
      if (makeWith(name)) return;
    } else if (entries.some((entry) => entry.startsWith("bssh-"))) {
      writeFileSync(`${root}/shared`, `${RUN_FOLDER}\n`);
      if (mark(`${RUN_FOLDER}/${name}`)) return;
    } else {
      // It may be that of a sandbox that is just taking it away: look twice.
      if (isSystems) return;
      isSystems = true;
      Bun.sleepSync(20);
    }
  }
  throw new Failure(`${RUN_FOLDER}, which sshd needs, cannot be made`, `make it: mkdir -m 755 ${RUN_FOLDER}`);
}

function entriesOf(): string[] | null {
  try {
    return readdirSync(RUN_FOLDER);
  } catch {
    return null;
  }
}

/** The folder appears with the file in it, or not at all. */
function makeWith(name: string): boolean {
  const temporary = `${RUN_FOLDER}.${name}`;
  try {
    mkdirSync(temporary, { mode: 0o755, recursive: true });
    writeFileSync(`${temporary}/${name}`, "");
    renameSync(temporary, RUN_FOLDER);
    return true;
  } catch {
    rmSync(temporary, { recursive: true, force: true });
    return false;
  }
}

function mark(path: string): boolean {
  try {
    writeFileSync(path, "");
    return true;
  } catch {
    return false;
  }
}
