import type { Paths } from "../config/settings.ts";
import type { Ssh } from "../ssh/find.ts";

/** The files that ssh is told of for hosts of ours. */
export type IdentityPaths = {
  readonly key: string;
  readonly certificate: string;
  /** Identity files that ssh tries by itself only while none is named. */
  readonly defaults: readonly string[];
};

/** The CA of hosts, as the settings have it; checked, and never keys without patterns. */
export type HostTrust = {
  /** Public keys (`type base64`); none trusts nobody. */
  readonly keys: readonly string[];
  /** Patterns of known_hosts. */
  readonly patterns: readonly string[];
  /** Files that the user's own GlobalKnownHostsFile names for them, which ours goes before; absent or empty: none. */
  readonly others?: readonly string[];
};

export type Order = {
  readonly paths: Pick<Paths, "config" | "sshConfig" | "home">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The ssh that has to accept what is written. */
  readonly ssh: Ssh;
  /** Path by which bssh is run. */
  readonly program: string;
  readonly identity: IdentityPaths;
  readonly hosts: HostTrust;
};
