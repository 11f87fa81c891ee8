// What a login needs of the config, kept as it was read when the last certificate was issued: reading TOML and turning
// Python's pattern into ours takes longer than all the rest of a login with a valid certificate. It counts only as long as
// the files that it was made from, the place they have, and this executable are the same.
import { hostTest, type Patterns } from "./host-test.ts";
import { type Environment, pathsOf } from "./paths.ts";
import type { Config, Paths, Settings } from "./settings.ts";

/** The settings that a login with a valid certificate asks for. */
export const WARM_FIELDS = [
  "domainRegex",
  "required",
  "identityFile",
  "typedIdentity",
  "agent",
  "principals",
  "caKeys",
  "allowSha1",
  "renewMarginSeconds",
  "renewInBackground",
  "fixedIp",
  "ipUrls",
  "dialer",
  "shareConnections",
] as const satisfies readonly (keyof Settings)[];

/** As much of the config as the way to ssh takes. */
export type WarmConfig = {
  /** All of it, where it was read and not kept. */
  readonly whole: Config | null;
  readonly settings: Pick<Settings, (typeof WARM_FIELDS)[number]>;
  /** True when `BLESS_IDENTITYFILE` names the identity; it then goes before `-i`. */
  readonly isIdentityNamed: boolean;
  readonly paths: Paths;
  /** Whether `domain_regex` matches a host. Throws Failure (78) when the pattern can't be translated. */
  readonly isOurs: (host: string) => boolean;
};

/** The kept file's content, as JSON. */
export type Kept = {
  /** Of the executable that wrote it. */
  readonly build: string;
  readonly home: string;
  /** Path and SHA-256 of the text of both config files, the system's first; null for a file that was not there. */
  readonly files: readonly (readonly [path: string, digest: string | null])[];
  readonly settings: WarmConfig["settings"];
  readonly patterns: Patterns | null;
};

/** Variables that go before the files: with one of them set nothing is kept and nothing kept is used. */
export const VARIABLES = ["BLESS_IDENTITYFILE", "BLESSFIXEDIP", "BLESSIPCACHELIFETIME"] as const;

declare const BSSH_BUILD: string | undefined;

/** Digest of the sources that this executable was made from; null when it was not compiled by `npm run build`. */
export const BUILD: string | null = typeof BSSH_BUILD === "string" ? BSSH_BUILD : null;

/** The kept config, or null when there is none, or anything at all has changed since. Never throws. */
export function keptConfig(
  environment: Environment,
  readText: (path: string) => string | null,
  build = BUILD,
): WarmConfig | null {
  if (build === null || hasVariables(environment)) return null;
  try {
    const paths = pathsOf(environment);
    const text = readText(keptFile(paths.state));
    if (text === null) return null;
    const kept: Kept = JSON.parse(text);
    if (kept.build !== build || kept.home !== paths.home) return null;
    const [system, user] = kept.files;
    if (!isSame(system, paths.systemConfig, readText) || !isSame(user, paths.config, readText)) return null;
    // A file that BSSH_CONFIG names must be there.
    if (user?.[1] === null && (environment["BSSH_CONFIG"] ?? "") !== "") return null;
    const { settings, patterns } = kept;
    if (!hasShape(settings)) return null;
    const isOurs = patterns === null ? () => false : testOf(patterns);
    return { whole: null, settings, isIdentityNamed: false, paths, isOurs };
  } catch {
    return null;
  }
}

function hasShape(settings: WarmConfig["settings"]): boolean {
  const { domainRegex, identityFile, principals, caKeys, renewMarginSeconds, fixedIp, agent, ipUrls } = settings;
  const flags = ["required", "typedIdentity", "allowSha1", "renewInBackground", "dialer", "shareConnections"] as const;
  const texts = (list: unknown) => Array.isArray(list) && !list.some((item) => typeof item !== "string");
  return (
    (domainRegex === null || typeof domainRegex === "string") &&
    flags.every((flag) => typeof settings[flag] === "boolean") &&
    (agent === "on" || agent === "off" || agent === "confirm") &&
    typeof identityFile === "string" &&
    texts(principals) &&
    texts(caKeys) &&
    texts(ipUrls) &&
    typeof renewMarginSeconds === "number" &&
    (fixedIp === null || typeof fixedIp === "string")
  );
}

export function hasVariables(environment: Environment): boolean {
  return VARIABLES.some((name) => (environment[name] ?? "") !== "");
}

/** The file that the config is kept in, in the private state. */
export function keptFile(state: string): string {
  return `${state}/config.json`;
}

/** SHA-256 of a file's text, in hex; null for no file. */
export function digestOf(text: string | null): string | null {
  return text === null ? null : new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

function isSame(kept: Kept["files"][number] | undefined, path: string, readText: (path: string) => string | null) {
  return kept?.[0] === path && kept[1] === digestOf(readText(path));
}

function testOf({ plain, unicode }: Patterns): (host: string) => boolean {
  return hostTest(new RegExp(plain.source, plain.flags), () => new RegExp(unicode.source, unicode.flags));
}
