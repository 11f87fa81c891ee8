// What differs between versions of ssh, beside the options (argv/ssh-options.ts), in one table. That Match exec runs before any
// identity is read, so that what it fetches counts, is the same in all of them (6.5 to 10.5).

export type SshVersion = readonly [major: number, minor: number];

/** Each trait, and the first version that has it. */
const TRAITS = {
  /** A condition of Match that runs a command. */
  matchExec: [6, 5],
  /** `Include`, without which there is no file of our own. */
  include: [7, 3],
  /** A backslash before `"` and `\` in quotes: argv_split() reads the values. */
  escapes: [8, 7],
  /** Identity and certificate files are read before the connection is made (commit 29f1b46e0), not after. */
  readsFilesFirst: [10, 5],
} as const satisfies Readonly<Record<string, SshVersion>>;

export type Trait = keyof typeof TRAITS;

/** Version of an OpenSSH by the line of `ssh -V`; null for another ssh. */
export function readVersion(line: string | null): SshVersion | null {
  const [, major, minor] = /^OpenSSH_(?:[A-Za-z_]+_)?(\d{1,4})\.(\d{1,4})/.exec(line ?? "") ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

/** Whether this version has it. */
export function hasTrait(version: SshVersion, trait: Trait): boolean {
  const [major, minor] = TRAITS[trait];
  return version[0] > major || (version[0] === major && version[1] >= minor);
}

/** How ssh gets the connection from its ProxyCommand: through two pipes, or as a descriptor (ProxyUseFdpass). */
export type Way = "pipes" | "descriptor";

/**
 * Whether ssh still reads the files of a certificate that its proxy makes while it waits, by the line of its `ssh -V`. With pipes
 * "connected" is as soon as the proxy was started; with a descriptor it is once that has come. Of an ssh that doesn't tell its
 * version the least is expected. The agent is asked at authentication, in every version.
 */
export function seesFilesOfProxy(line: string | null, way: Way): boolean {
  const version = readVersion(line);
  return way === "descriptor" && version !== null && !hasTrait(version, "readsFilesFirst");
}
