// What differs between versions of ssh in what its config can say, in one table. That Match exec runs before any identity is
// read, so that what it fetches counts, is the same in all of them (6.5 to 10.5); what counts of a proxy's doing, and
// differs, stands in proxy/visibility.ts.

export type SshVersion = readonly [major: number, minor: number];

/** What can be said, and the first version that understands it. */
const SAYINGS = {
  /** A condition that runs a command. */
  matchExec: [6, 5],
  /** `Include`, without which there is no file of our own. */
  include: [7, 3],
  /** A backslash before `"` and `\` in quotes: argv_split() reads the values. */
  escapes: [8, 7],
} as const satisfies Readonly<Record<string, SshVersion>>;

export type Saying = keyof typeof SAYINGS;

/** Version of an OpenSSH by the line of `ssh -V`; null for another ssh. */
export function readVersion(line: string | null): SshVersion | null {
  const [, major, minor] = /^OpenSSH_(?:[A-Za-z_]+_)?(\d{1,4})\.(\d{1,4})/.exec(line ?? "") ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

/** Whether this version's config can say it. */
export function canSay(version: SshVersion, saying: Saying): boolean {
  const [major, minor] = SAYINGS[saying];
  return version[0] > major || (version[0] === major && version[1] >= minor);
}
