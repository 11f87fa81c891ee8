// The CA of hosts, as ssh is told of it: lines of a known_hosts file of our own, and where that file is.
import type { SshVersion } from "../ssh/versions.ts";
import type { HostTrust } from "./order.ts";
import { plainFileValue } from "./quoting.ts";

export type KnownHosts = {
  /** Path of our file. */
  readonly path: string;
  /** Patterns of the hosts that it is for. */
  readonly patterns: readonly string[];
  /** Files that the user's own GlobalKnownHostsFile names; empty where ssh's usual two are read. */
  readonly others: readonly string[];
};

const HEAD = "# bssh's own: ";

/** What ssh reads where nothing else is said (ssh_config(5), GlobalKnownHostsFile). */
const DEFAULTS = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2";

/** Whether this is the text of such a file. */
export function isOwnKnownHosts(text: string): boolean {
  return text.startsWith(HEAD);
}

/** The file's text (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): each key is trusted for the patterns and for nothing else. */
export function knownHostsText({ keys, patterns }: HostTrust): string {
  const lines = keys.map((key) => `@cert-authority ${patterns.join(",")} ${key}`);
  return [`${HEAD}\`bssh setup\` writes this file anew, \`bssh setup --undo\` takes it away.`, ...lines, ""].join("\n");
}

/**
 * Lines of our ssh_config by which ssh reads the file, beside all that it reads anyway: the user's known_hosts and the system's.
 *
 * ssh takes the first GlobalKnownHostsFile that it comes to, and ours stands first: it names those that the user's own names as
 * well. (UserKnownHostsFile, which far more people set, is left alone.) The name typed is what the patterns are held against, or,
 * where ssh reads its config a second time (CanonicalizeHostname, Match final), the name it found; an alias, which a HostName of
 * the user's turns into such a name, has the line from the blocks that ask bssh match.
 */
export function hostLines(known: KnownHosts, version: SshVersion): string[] {
  const { patterns } = known;
  return [`Match host "${patterns.join(",")}"`, `  ${knownHostsLine(known, version)}`];
}

/** The line itself: our file beside all that ssh reads anyway. */
export function knownHostsLine({ path, others }: KnownHosts, version: SshVersion): string {
  const read = others.length === 0 ? DEFAULTS : others.map((other) => plainFileValue(other, version)).join(" ");
  return `GlobalKnownHostsFile ${plainFileValue(path, version)} ${read}`;
}
