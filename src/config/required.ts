import type { ReadText } from "./load.ts";
import { type Environment, pathsOf } from "./paths.ts";

/**
 * Whether a config that can't be read as a whole says `required = true`, the user's before the system's. Never throws: without
 * a home there is no config.
 */
export function saysRequired(environment: Environment, readText: ReadText): boolean {
  try {
    const { config, systemConfig } = pathsOf(environment);
    for (const path of [config, systemConfig]) {
      const said = /^[ \t]*required[ \t]*=[ \t]*(true|false)\b/m.exec(readText(path) ?? "")?.[1];
      if (said !== undefined) return said === "true";
    }
  } catch {}
  return false;
}
