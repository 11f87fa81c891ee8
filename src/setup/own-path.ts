import type { Paths } from "../config/settings.ts";

/** Where our own ssh_config lies: beside the user's config. */
export function ownPath({ config }: Pick<Paths, "config">): string {
  return `${folderOf(config)}/ssh_config`;
}

/** Where our own known_hosts lies: there as well. */
export function ownKnownHosts({ config }: Pick<Paths, "config">): string {
  return `${folderOf(config)}/known_hosts`;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
