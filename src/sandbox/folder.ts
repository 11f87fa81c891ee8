import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { Failure } from "../failure.ts";

/** Everything a sandbox keeps lies in one folder, private to the user, and goes with it. Paths are absolute. */
export type Folder = {
  readonly root: string;
  /** Processes that the janitor will end, a file for each; see start.sh. */
  readonly run: string;
  /** First on COMMAND's PATH: bssh, ssh, scp, sftp. */
  readonly bin: string;
  /** HOME of COMMAND. */
  readonly home: string;
  /** BSSH_HOME of COMMAND. */
  readonly state: string;
  /** Key, certificate, config, lists and log of sshd. */
  readonly server: string;
  /** What the CA's functions are deployed with, for people and for hosts: to change a file is to deploy it. */
  readonly ca: string;
  readonly hostCa: string;
  readonly sshdConfig: string;
  readonly config: string;
  /** bssh's config on the server. */
  readonly hostConfig: string;
  readonly sshConfig: string;
  readonly knownHosts: string;
  readonly agentSocket: string;
  readonly controlSocket: string;
  /** A JSON object a line for every request to STS, KMS and Lambda. */
  readonly requestLog: string;
  /** A JSON object a line for every decision of the CA. */
  readonly caLog: string;
  /** Shell lines that bring another terminal into the sandbox. */
  readonly environment: string;
  /** Shell lines that make of who is in the sandbox the server. */
  readonly hostEnvironment: string;
};

// A path of a unix socket has at most 103 bytes on macOS and 107 on Linux; ssh's ControlPath needs some of them.
const LONGEST_BASE = 60;

/**
 * Where a new sandbox will lie, in TMPDIR or else in /tmp; nothing is made yet. A TMPDIR that is long, relative, or has
 * letters that mean something to a shell, to ssh_config or to sshd_config is passed over. The name cannot be guessed.
 */
export function planFolder(temporary: string | undefined): Folder {
  const wanted = (temporary ?? "").replace(/\/+$/, "");
  const base = /^\/[A-Za-z0-9/._+-]*$/.test(wanted) && wanted.length <= LONGEST_BASE ? wanted : "/tmp";
  return folderAt(`${base}/bssh-${randomBytes(9).toString("base64url").replace(/[-_]/g, "0")}`);
}

/** The paths inside the sandbox's folder `root`. */
export function folderAt(root: string): Folder {
  return {
    root,
    run: `${root}/run`,
    bin: `${root}/bin`,
    home: `${root}/home`,
    state: `${root}/bssh`,
    server: `${root}/sshd`,
    ca: `${root}/ca`,
    hostCa: `${root}/ca-host`,
    sshdConfig: `${root}/sshd/config`,
    config: `${root}/bssh/config.toml`,
    hostConfig: `${root}/sshd/bssh.toml`,
    sshConfig: `${root}/home/.ssh/config`,
    knownHosts: `${root}/home/.ssh/known_hosts`,
    agentSocket: `${root}/agent`,
    controlSocket: `${root}/control`,
    requestLog: `${root}/requests.jsonl`,
    caLog: `${root}/ca.log`,
    environment: `${root}/environment`,
    hostEnvironment: `${root}/host-environment`,
  };
}

/** Makes the folder and the folders in it, 0700 whatever the umask. Throws Failure when it cannot. */
export function makeFolder(folder: Folder): void {
  try {
    for (const path of foldersOf(folder)) {
      mkdirSync(path, { mode: 0o700 });
      chmodSync(path, 0o700);
    }
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new Failure(
      `the sandbox's folder ${folder.root} cannot be made (${reason})`,
      "set TMPDIR to a folder of yours",
    );
  }
}

function foldersOf(folder: Folder): string[] {
  return [
    folder.root,
    folder.run,
    folder.bin,
    folder.home,
    `${folder.home}/.ssh`,
    `${folder.home}/.aws`,
    folder.state,
    folder.server,
    `${folder.server}/sshd_config.d`,
    folder.ca,
    folder.hostCa,
  ];
}
