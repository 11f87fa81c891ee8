// The ssh_config part of `bssh setup`: a file of our own beside the config, and an Include of it at the top of the user's.
import { Failure, printable } from "../failure.ts";
import { sshVersion } from "../ssh/resolve.ts";
import { hasTrait, readVersion, type SshVersion } from "../ssh/versions.ts";
import { askSsh } from "./check.ts";
import { isOwnKnownHosts, knownHostsText } from "./known-hosts.ts";
import type { Order } from "./order.ts";
import { isOwnFile, ownFile } from "./own-file.ts";
import { ownKnownHosts, ownPath } from "./own-path.ts";
import { lookAt, type Place, put } from "./place.ts";
import { includeLine, lineNaming, type Own, withInclude, withoutInclude } from "./user-file.ts";

export type SetUp = {
  readonly changed: boolean;
  /** Our file, and the user's that includes it. */
  readonly own: string;
  readonly user: string;
  /** Our known_hosts; null where no CA of hosts is configured. */
  readonly known: string | null;
};

/**
 * Writes both files and has ssh judge them; what ssh doesn't accept is taken back. Done twice it changes nothing. Throws
 * Failure; everything is then as it was.
 */
export function setUpSshConfig(order: Order): SetUp {
  const { paths, ssh, environment } = order;
  const version = versionOf(order);
  const own = lookAt(ownPath(paths));
  const user = lookAt(paths.sshConfig);
  if (own.path === user.path) {
    throw new Failure(
      `${printable(user.path)} is the file that setup writes for itself`,
      "name your own ssh_config with BSSH_SSH_CONFIG",
    );
  }
  const known = knownHostsOf(order);
  const { keys, patterns, others = [] } = order.hosts;
  const hosts = keys.length === 0 ? null : { path: known.place.path, patterns, others };
  const texts = {
    own: Buffer.from(ownFile(order.program, order.identity, version, hosts)).toString("latin1"),
    user: withInclude(user.text, ownOf(paths, own), user.foldersToMake),
  };
  const done = { own: own.path, user: user.path, known: hosts?.path ?? null };
  if (own.text === texts.own && user.text === texts.user && known.place.text === known.wanted) {
    return { ...done, changed: false };
  }
  let isKnownWritten = false;
  put(own, texts.own);
  try {
    if (known.place.text !== known.wanted) put(known.place, known.wanted, 0);
    isKnownWritten = known.place.text !== known.wanted;
    putUser(user, texts.user, own.path);
    const { refusal, readOwn } = askSsh(ssh, user.path, own.path, environment);
    if (refusal === null && readOwn) return { ...done, changed: true };
    put(user, user.text);
    const before = user.text === null ? null : askSsh(ssh, user.path, own.path, environment).refusal;
    if (before !== null) {
      throw new Failure(`ssh refuses ${printable(user.path)} as it is: ${before}`, "mend it and run bssh setup again");
    }
    throw new Failure(
      `ssh ${refusal === null ? "did not read" : "refused"} what was written, and it was taken back${refusal === null ? "" : `: ${refusal}`}`,
      "please report it, with the output of ssh -V",
    );
  } catch (error) {
    put(own, own.text);
    if (isKnownWritten) put(known.place, known.place.text);
    throw error;
  }
}

/** Our known_hosts as it is and as it is to be (null: not there). Throws Failure for a file of that name that is not ours. */
function knownHostsOf({ paths, hosts }: Pick<Order, "paths" | "hosts">): { place: Place; wanted: string | null } {
  const place = lookAt(ownKnownHosts(paths));
  if (place.text === null || isOwnKnownHosts(place.text)) {
    return { place, wanted: hosts.keys.length === 0 ? null : knownHostsText(hosts) };
  }
  if (hosts.keys.length === 0) return { place, wanted: place.text };
  throw new Failure(`${printable(place.path)} is there and not bssh's`, "move it away: setup writes its own there");
}

/** What `takeAwaySshConfig` found: our Include as setup puts it, something else of ours, or nothing. */
export type TakenAway = "as it was" | "something" | "nothing";

/** Takes our Include and our file away. Throws Failure; everything is then as it was. */
export function takeAwaySshConfig(paths: Order["paths"]): TakenAway {
  const own = lookAt(ownPath(paths));
  const user = lookAt(paths.sshConfig);
  const includer = ownOf(paths, own);
  const without = user.text === null ? null : withoutInclude(user.text, includer);
  const line = without === null ? null : lineNaming(without.text, includer);
  if (line !== null) {
    throw new Failure(
      `${printable(user.path)} includes ${printable(own.path)} in a line that isn't setup's: ${printable(Buffer.from(line, "latin1").toString(), 100)}`,
      "take that out and run bssh setup --undo again",
    );
  }
  const isIncluded = without !== null && without.text !== user.text;
  const isGone = isIncluded && without.folders !== null && without.text === "";
  if (isGone) put(user, null, without.folders ?? 0);
  else if (isIncluded) put(user, without.text);
  const known = lookAt(ownKnownHosts(paths));
  if (known.text !== null && isOwnKnownHosts(known.text)) put(known, null, 0);
  // Our folder was made as well where only the system has a config.
  if (own.text !== null) put(own, null, /\/bssh\/[^/]*$/.test(own.path) ? 1 : 0);
  if (isIncluded && withInclude(isGone ? null : without.text, includer, without.folders ?? 0) === user.text) {
    return "as it was";
  }
  return isIncluded || own.text !== null ? "something" : "nothing";
}

function ownOf({ home }: Order["paths"], own: Place): Own {
  const isStale = (path: string) => {
    try {
      return isOwnFile(lookAt(path).text ?? "");
    } catch {
      return false;
    }
  };
  return { path: own.path, home, isStale };
}

function versionOf({ ssh }: Order): SshVersion {
  const line = sshVersion(ssh);
  const version = readVersion(line);
  if (version === null) {
    throw new Failure(`${ssh.path} does not say that it is OpenSSH`, "name the real ssh with BSSH_SSH");
  }
  if (!hasTrait(version, "include") || !hasTrait(version, "matchExec")) {
    throw new Failure(`${printable(line ?? "", 40)} knows no Include`, "use OpenSSH 7.3 or later");
  }
  return version;
}

/** A file that can't be written, as one that a tool of the user's keeps, leaves them a line to add there. */
function putUser(user: Place, text: string, own: string): void {
  try {
    put(user, text);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.message, `see to that, or put this at its top where it is made: ${includeLine(own)}`);
  }
}
