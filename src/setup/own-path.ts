import type { Paths } from "../config/settings.ts";

/** Where our own ssh_config lies: beside the user's config. */
export function ownPath({ config }: Pick<Paths, "config">): string {
  return `${config.slice(0, config.lastIndexOf("/"))}/ssh_config`;
}
