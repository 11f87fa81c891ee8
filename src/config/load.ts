import { printable } from "../failure.ts";
import { lineOf, linesOf } from "./lines.ts";
import { type Environment, pathsOf } from "./paths.ts";
import { SCHEMA, type Setting } from "./schema.ts";
import type { Config, Origin, Paths, Settings } from "./settings.ts";
import { readSource, type Source, wrongConfig } from "./source.ts";

/** Text of a file, or null when there is none; throws when it cannot be read. */
export type ReadText = (path: string) => string | null;

/** Where a setting is from that is not its default: the file, or the variable's name. */
type Giver = Source | string;

const FIELDS = Object.keys(SCHEMA) as (keyof Settings)[];

/** The settings that a variable goes before. */
const VARIED: readonly (keyof Settings)[] = ["identityFile", "fixedIp", "ipCacheSeconds"];

/**
 * The settings: the system's file, the user's over it, the environment over both; all of it checked and frozen. A user's
 * file that is not there is fine unless `BSSH_CONFIG` names it. Throws Failure (78) that names place and remedy. Whether
 * `domain_regex` can be translated is found by `domainOf`, since that need not be known for every call.
 */
export function loadConfig(environment: Environment, readText: ReadText, lookUpHome?: () => string | null): Config {
  const paths = pathsOf(environment, lookUpHome);
  const texts = new Map<string, string | null>();
  const sources = sourcesOf(paths, readText, environment["BSSH_CONFIG"], texts);
  const givers = new Map<keyof Settings, Giver>();
  const settings = {} as Record<keyof Settings, unknown>;
  for (const field of FIELDS) settings[field] = SCHEMA[field].fallback;
  settings.identityFile = SCHEMA.identityFile.fallback.replace("~", paths.home);
  for (const source of sources) {
    for (const [field, value] of source.values) {
      settings[field] = value;
      givers.set(field, source);
    }
  }
  for (const field of VARIED) {
    const variable = SCHEMA[field].variable ?? "";
    const text = environment[variable];
    if (text === undefined || text === "") continue;
    settings[field] = fromVariable(SCHEMA[field], variable, text, paths.home);
    givers.set(field, variable);
  }
  checkHosts(settings as Settings, () => placeOf(originOf("hostCaKeys", givers.get("hostCaKeys"), new Map())));
  let origins: Config["origins"] | null = null;
  return Object.freeze({
    settings: Object.freeze(settings) as Settings,
    /** Looked up when first asked for: a login seldom does. */
    get origins() {
      origins ??= originsOf(givers);
      return origins;
    },
    files: Object.freeze(sources.map((source) => source.path)),
    texts,
    paths,
  });
}

/** Keys that are trusted for no host are a mistake; keys trusted for every host would be a worse one. */
function checkHosts({ hostCaKeys, hostPatterns }: Settings, place: () => string): void {
  if (hostCaKeys.length === 0 || hostPatterns.length > 0) return;
  const next = 'name the hosts that they are trusted for in patterns under [hosts], such as "*.corp.example"';
  throw wrongConfig(place(), "hosts.ca_keys has no hosts.patterns beside it", next);
}

/** `FILE:LINE`, the variable's name, or `default`. */
export function placeOf(origin: Origin): string {
  if (origin.kind === "file") return `${printable(origin.path)}:${origin.line}`;
  return origin.kind === "environment" ? origin.name : "default";
}

function sourcesOf(
  paths: Paths,
  readText: ReadText,
  named: string | undefined,
  texts: Map<string, string | null>,
): Source[] {
  const sources: Source[] = [];
  for (const path of new Set([paths.systemConfig, paths.config])) {
    const text = textOf(path, readText);
    texts.set(path, text);
    if (text !== null) sources.push(readSource(path, text, paths.home));
    else if (path === paths.config && named !== undefined && named !== "") {
      throw wrongConfig(printable(path), "there is no such file", "correct BSSH_CONFIG or unset it");
    }
  }
  return sources;
}

function textOf(path: string, readText: ReadText): string | null {
  try {
    return readText(path);
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    const reason = typeof code === "string" ? ` (${printable(code, 40)})` : "";
    throw wrongConfig(printable(path), `the file cannot be read${reason}`, "make it a file that you may read");
  }
}

function fromVariable(setting: Setting<unknown>, variable: string, text: string, home: string): unknown {
  const given = setting.fromText === undefined ? text : setting.fromText(text, () => process.cwd());
  return setting.read(given, {
    home,
    wrong: (problem, wanted = setting.wanted) => {
      throw wrongConfig(variable, `the variable ${problem}`, `give ${wanted}, or unset it`);
    },
  });
}

function originsOf(givers: ReadonlyMap<keyof Settings, Giver>): Config["origins"] {
  const maps = new Map<Source, ReadonlyMap<string, number>>();
  const origins = {} as Record<keyof Settings, Origin>;
  for (const field of FIELDS) origins[field] = originOf(field, givers.get(field), maps);
  return Object.freeze(origins);
}

function originOf(
  field: keyof Settings,
  from: Giver | undefined,
  maps: Map<Source, ReadonlyMap<string, number>>,
): Origin {
  if (from === undefined) return Object.freeze({ kind: "default" });
  if (typeof from === "string") return Object.freeze({ kind: "environment", name: from });
  return Object.freeze({
    kind: "file",
    path: from.path,
    /** Found when asked for: only the kind is wanted on the way to ssh. */
    get line() {
      const map = maps.get(from) ?? linesOf(from.text);
      maps.set(from, map);
      return lineOf(map, field === "regions" ? "region[0]" : SCHEMA[field].key);
    },
  });
}
