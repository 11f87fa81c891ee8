import type { Paths } from "../config/settings.ts";
import type { Ssh } from "../ssh/find.ts";

/** The files that ssh is told of for hosts of ours. */
export type IdentityPaths = {
  readonly key: string;
  readonly certificate: string;
  /** Identity files that ssh tries by itself only while none is named. */
  readonly defaults: readonly string[];
};

export type Order = {
  readonly paths: Pick<Paths, "config" | "sshConfig" | "home">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The ssh that has to accept what is written. */
  readonly ssh: Ssh;
  /** Path by which bssh is run. */
  readonly program: string;
  readonly identity: IdentityPaths;
};
