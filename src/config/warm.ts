import { domainOf, patternsOf } from "./domain.ts";
import { BUILD, digestOf, hasVariables, type Kept, WARM_FIELDS, type WarmConfig } from "./kept.ts";
import type { Environment } from "./paths.ts";
import type { Config } from "./settings.ts";

/** As much of a config that was read as the way to ssh takes. */
export function warmOf(config: Config): WarmConfig {
  let test: ((host: string) => boolean) | null = null;
  return {
    settings: config.settings,
    whole: config,
    isIdentityNamed: config.origins.identityFile.kind === "environment",
    paths: config.paths,
    isOurs: (host) => {
      test ??= domainOf(config);
      return test(host);
    },
  };
}

/**
 * Text of the file that keeps a config for the next logins; null when it is not to be kept: a variable goes before the
 * files, the pattern can't be translated, or this executable is not a built one.
 */
export function keptText(config: Config, environment: Environment, build = BUILD): string | null {
  if (build === null || hasVariables(environment)) return null;
  const { settings, paths, texts } = config;
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
