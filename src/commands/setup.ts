import { domainOf } from "../config/domain.ts";
import { loadConfig } from "../config/load.ts";
import { pathsOf } from "../config/paths.ts";
import { Failure, printable } from "../failure.ts";
import { identityFiles } from "../identity/files.ts";
import { ownProgram } from "../setup/own-program.ts";
import { shellTrouble } from "../setup/shell.ts";
import { setUpSshConfig, takeAwaySshConfig } from "../setup/ssh-config.ts";
import { knownHostsForOurs, type NamedKnownHosts, namesIdentityForOurs } from "../setup/user-identities.ts";
import { defaultIdentities } from "../ssh/defaults.ts";
import { findSsh } from "../ssh/find.ts";
import { say } from "../terminal/say.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
Writes a file of its own for ssh, ssh_config beside bssh's config, and puts an Include of it at the top of ~/.ssh/config
(BSSH_SSH_CONFIG names another). From then on ssh itself, and whatever runs it (scp, sftp, git, rsync), asks bssh match
and has a certificate for hosts of ours. Where the config names the CA of your hosts ([hosts]), ssh trusts it for their names
by a known_hosts of our own, beside the user's and what GlobalKnownHostsFile names at the time; without setup it does not, bssh in front of ssh changes nothing there. ssh has
to accept the result, else everything is taken back. This version sets up nothing but ssh's files. Run it again after bssh or the key has moved, or when a default key of ssh's has come or gone
(~/.ssh/id_*: ssh forgets those where another is named, so they are named as well); done twice it changes nothing.

Options:
  --undo   takes the Include and the file away; what else is in ~/.ssh/config stays, byte for byte

Example:
  $ bssh setup
  $ ssh web1.example.com
`;

export const OPTIONS = { undo: "flag" } as const;

const NO_KNOWN_HOSTS: NamedKnownHosts = { files: [], unsaid: [] };

/** `bssh setup [--undo]`. Throws Failure, and everything is then as it was. */
export async function setup(call: CommandCall): Promise<number> {
  const { flags, rest } = parseWords("setup", call.words, OPTIONS);
  if (rest.length > 0) throw usage("setup", "bssh setup takes no words beside its options");
  if (flags.has("undo")) return undo(call);
  const config = loadConfig(call.environment, call.readText);
  const { paths, settings } = config;
  if (config.files.length === 0) {
    throw new Failure(
      `there is no config at ${printable(paths.config)}`,
      "get your organisation's: bssh config import URL",
    );
  }
  const { key, certificate } = identityFiles(settings.identityFile);
  const reading = {
    system: call.system,
    readText: call.readText,
    home: paths.home,
    sshConfig: paths.sshConfig,
    isOurs: domainOf(config),
    domainRegex: settings.domainRegex ?? "",
  };
  const named = namesIdentityForOurs(reading);
  const knownHosts = settings.hostCaKeys.length === 0 ? NO_KNOWN_HOSTS : knownHostsForOurs(reading);
  const trouble = shellTrouble(call.system, call.environment["SHELL"]);
  const done = setUpSshConfig({
    paths,
    environment: trouble === null ? call.environment : { ...call.environment, SHELL: "/bin/sh" },
    ssh: findSsh(call.system, call.environment),
    program: ownProgram(call.program, call.environment["PATH"]),
    hosts: { keys: settings.hostCaKeys, patterns: settings.hostPatterns, others: knownHosts.files },
    identity: {
      key,
      certificate,
      defaults: named ? [] : defaultIdentities(call.system, paths.home).filter((path) => path !== key),
    },
  });
  if (trouble !== null) say(trouble);
  if (knownHosts.unsaid.length > 0) {
    const files = knownHosts.unsaid.map((path) => printable(path, 200)).join(", ");
    say(
      `your ssh config names ${files} by GlobalKnownHostsFile, which ssh does not read for hosts of ours any more; name it by UserKnownHostsFile instead`,
    );
  }
  const shown = { own: printable(done.own), user: printable(done.user) };
  if (!done.changed) {
    call.out(`${shown.user} includes ${shown.own} already; nothing was changed`);
    return 0;
  }
  call.out(`wrote ${shown.own}, which ${shown.user} now includes at its top`);
  call.out("ssh, scp, sftp, git and rsync see to the certificate for hosts of ours by themselves from now on");
  if (done.known !== null) {
    const patterns = settings.hostPatterns.join(", ");
    call.out(
      `ssh takes the certificates of hosts called ${patterns} for their fingerprints (${printable(done.known)})`,
    );
  }
  call.out(
    "next: put alias ssh=bssh into your shell's start-up file, for what ssh_config alone can't do (bssh --help)",
  );
  return 0;
}

function undo(call: CommandCall): number {
  const paths = pathsOf(call.environment);
  const taken = takeAwaySshConfig(paths);
  const user = printable(paths.sshConfig);
  if (taken === "as it was") call.out(`${user} is as it was before bssh setup`);
  else if (taken === "something") call.out(`${user} includes nothing of bssh's any more`);
  else call.out(`${user} includes nothing of bssh's; nothing was changed`);
  return 0;
}
