import { accessSync, chmodSync, constants, type Stats, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Failure } from "../failure.ts";
import type { Folder } from "./folder.ts";
import { shellWord } from "./shell-word.ts";

/** No OpenSSH program comes near this size; a bssh, also a copy or another version under ssh's name, is far over it. */
const NOT_SSH_BYTES = 32 << 20;

/** The first program called `name` in the folders of `path` that is not bssh (`program`) itself; null when there is none. */
export function findReal(name: string, path: string, program: string): string | null {
  const own = look(program);
  for (const folder of path.split(":")) {
    if (!folder.startsWith("/")) continue;
    const file = `${folder.replace(/\/+$/, "")}/${name}`;
    const found = look(file);
    if (found === null || !found.isFile() || found.size > NOT_SSH_BYTES) continue;
    if (found.dev === own?.dev && found.ino === own.ino) continue;
    if (isExecutable(file)) return file;
  }
  return null;
}

/**
 * Fills the folder that comes first on COMMAND's PATH: `bssh`, and `ssh`, `scp`, `sftp` that run the person's own with the
 * sandbox's ssh_config in force (ssh takes the home from the password database, not from HOME, and scp and sftp run
 * a compiled-in ssh). What the person says with `-F` or `-S` comes later in the line and wins. Throws Failure when there is
 * no ssh.
 */
export function fillBin(folder: Folder, environment: Record<string, string | undefined>, program: string): void {
  symlinkSync(program, `${folder.bin}/bssh`);
  const path = environment["PATH"] ?? "/usr/bin:/bin";
  const named = environment["BSSH_SSH"];
  const ssh = named?.startsWith("/") ? named : findReal("ssh", path, program);
  if (ssh === null) throw new Failure("no ssh on PATH", "install the OpenSSH client (package openssh-client)");
  const config = `-F "\${BSSH_SSH_CONFIG:-${folder.sshConfig}}"`;
  // A script loses argv[0], in which bssh names what ssh is to run for its jump hosts; only bash can say it again.
  const named0 = `exec -a "$BSSH_HOP" "$0" "$@"`;
  const hop = `[ -n "$BSSH_HOP" ] && command -v bash >/dev/null && exec bash -c '${named0}' ${shellWord(ssh)} ${config} "$@"`;
  writeScript(`${folder.bin}/ssh`, `${hop}\nexec ${shellWord(ssh)} ${config} "$@"`);
  for (const name of ["scp", "sftp"]) {
    const real = findReal(name, path, program);
    if (real !== null)
      writeScript(`${folder.bin}/${name}`, `exec ${shellWord(real)} ${config} -S ${folder.bin}/ssh "$@"`);
  }
}

function writeScript(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o700);
}

/** Null also for what lies in a folder that is closed to the user: a PATH may well name one. */
function look(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
