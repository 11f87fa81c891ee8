import { domainOf, patternsOf } from "./domain.ts";
import { BUILD, digestOf, hasVariables, type Kept, WARM_FIELDS, type WarmConfig } from "./kept.ts";
import { loadConfig } from "./load.ts";
import type { Environment } from "./paths.ts";
import type { Config } from "./settings.ts";

/** As much of a config that was read as the way to ssh takes. */
export function warmOf(config: Config): WarmConfig {
  let test: ((host: string) => boolean) | null = null;
  return {
    settings: config.settings,
    isIdentityNamed: config.origins.identityFile.kind === "environment",
    paths: config.paths,
    isOurs: (host) => {
      test ??= domainOf(config);
      return test(host);
    },
  };
}

/**
 * Text of the file that keeps the config for the next logins; null when there is nothing to keep: a variable goes before the
 * files, the pattern can't be translated, or this executable is not a built one. The files are read anew, so that what is kept
 * is what they hold. Throws Failure as `loadConfig` does.
 */
export function keptText(
  environment: Environment,
  readText: (path: string) => string | null,
  build = BUILD,
): string | null {
  if (build === null || hasVariables(environment)) return null;
  const texts = new Map<string, string | null>();
  const { settings, paths } = loadConfig(environment, (path) => {
    const text = readText(path);
    texts.set(path, text);
    return text;
  });
  const patterns = settings.domainRegex === null ? null : patternsOf(settings.domainRegex);
  if (settings.domainRegex !== null && patterns === null) return null;
  const kept: Kept = {
    build,
    home: paths.home,
    files: [paths.systemConfig, paths.config].map((path) => [path, digestOf(texts.get(path) ?? null)] as const),
    settings: Object.fromEntries(WARM_FIELDS.map((field) => [field, settings[field]])) as WarmConfig["settings"],
    patterns,
  };
  return `${JSON.stringify(kept)}\n`;
}
