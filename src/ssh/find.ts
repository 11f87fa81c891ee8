import { Failure } from "../failure.ts";
import type { System } from "../system/system.ts";

/** The program that this process will become. */
export type Ssh = {
  readonly path: string;
  /** True when it is a script (`#!`), which may well run bssh again. */
  readonly script: boolean;
};

/** No OpenSSH comes near this size, and every bssh, linked or copied or of another version, carries Bun and is far over it. */
const NOT_SSH_BYTES = 32 << 20;

/** At most this many scripts named ssh may lead back to bssh before it says so. */
const MOST_ROUNDS = 8;

/**
 * The real ssh: `BSSH_SSH` when it is set, else the first `ssh` on PATH that is a program and not a bssh. Throws Failure
 * when there is none, or when a script of that name only leads back to bssh.
 */
export function findSsh(system: System, environment: Readonly<Record<string, string | undefined>>): Ssh {
  const named = environment["BSSH_SSH"];
  if (named !== undefined && named !== "") {
    const ssh = named.includes("/") ? candidate(system, named) : onPath(system, named, environment["PATH"]);
    if (ssh === null) {
      throw new Failure("BSSH_SSH does not name a program that is ssh", "set it to the path of the real ssh", 255);
    }
    return ssh;
  }
  const ssh = onPath(system, "ssh", environment["PATH"]);
  if (ssh === null) {
    throw new Failure("no ssh on PATH beside bssh itself", "install the OpenSSH client, or name it with BSSH_SSH", 255);
  }
  return ssh;
}

function onPath(system: System, name: string, path: string | undefined): Ssh | null {
  // Without PATH execvp(3) looks in /bin and /usr/bin.
  for (const folder of (path ?? "/bin:/usr/bin").split(":")) {
    const ssh = candidate(system, folder === "" ? `./${name}` : `${folder}/${name}`);
    if (ssh !== null) return ssh;
  }
  return null;
}

function candidate(system: System, path: string): Ssh | null {
  if (!system.may(path, "execute")) return null;
  const head = system.peek(path);
  // A program that may be run but not read can't be looked into; a folder can't be either.
  if (head === null) return isFolder(system, path) || system.may(path, "read") ? null : { path, script: false };
  // Nothing in it, like a pipe or an empty file: no program.
  if (head.magic.length < 2) return null;
  return head.size > NOT_SSH_BYTES ? null : { path, script: head.magic === "#!" };
}

function isFolder(system: System, path: string): boolean {
  return system.may(`${path}/.`, "execute");
}

/**
 * What becoming `ssh` adds to the environment. `BLESS_COMPLETE=1` tells a bssh further down that the certificate has been
 * seen to. When a script stands between and that bssh finds the same script again, `BSSH_ROUND` counts, so that a circle
 * ends: throws Failure after eight rounds.
 */
export function addedEnvironment(
  ssh: Ssh,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  if ((environment["BLESS_COMPLETE"] ?? "") === "") return { BLESS_COMPLETE: "1" };
  if (!ssh.script) return {};
  const round = Number.parseInt(environment["BSSH_ROUND"] ?? "0", 10) + 1;
  if (!(round <= MOST_ROUNDS)) {
    throw new Failure(`${ssh.path} runs bssh again`, "name the real ssh with BSSH_SSH", 255);
  }
  return { BSSH_ROUND: String(round) };
}
