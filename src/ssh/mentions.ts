// Which keywords ssh_config mentions at all, in whatever block: what nobody mentions is in force for no host, and that can be
// told without a process of ssh's.
import { readConfigLine } from "../argv/config-line.ts";
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";
import { includePattern } from "./included.ts";

const MOST_FILES = 64;
/** Deepest Include that ssh itself follows (READCONF_MAX_DEPTH in readconf.c). */
const DEEPEST = 16;

export type ConfigFiles = {
  readonly home: string;
  /** The user's ssh_config, or the `-F` word; null for `-F none`. */
  readonly userConfig: string | null;
  /** False when `-F` was given: ssh then leaves the system's file out. */
  readonly withSystemConfig: boolean;
};

/**
 * Keywords, in lower case, of all lines of all files that ssh would read, `include`, `host` and `match` among them. Null when
 * that can't be told: an Include with tokens, a file that can't be read, too many of them, a keyword or a host name written
 * in an unusual way.
 */
export function mentionedKeywords(system: System, config: ConfigFiles): ReadonlySet<string> | null {
  const walk: Walk = { system, home: config.home, keywords: new Set(), files: 0 };
  const whole =
    (config.userConfig === null || readFile(walk, config.userConfig, `${config.home}/.ssh`, 0)) &&
    (!config.withSystemConfig || readFile(walk, "/etc/ssh/ssh_config", "/etc/ssh", 0));
  return whole ? walk.keywords : null;
}

/**
 * False when no file that ssh would read has the word in it (a keyword, in lower case): certain, and a search for each file is
 * all that it costs. True when it stands anywhere, or when that can't be told.
 */
export function mayMention(system: System, config: ConfigFiles, keyword: string): boolean {
  const walk: Search = { system, home: config.home, word: new RegExp(keyword, "i"), files: 0 };
  return (
    (config.userConfig !== null && fileMay(walk, config.userConfig, `${config.home}/.ssh`, 0)) ||
    (config.withSystemConfig && fileMay(walk, "/etc/ssh/ssh_config", "/etc/ssh", 0))
  );
}

type Search = { readonly system: System; readonly home: string; readonly word: RegExp; files: number };

/** A quote within a keyword hides it from the search. */
const QUOTED_KEYWORD = /^[ \t\r]*[^ \t\r\n#="]*"/m;

function fileMay(walk: Search, path: string, folder: string, depth: number): boolean {
  walk.files += 1;
  if (walk.files > MOST_FILES || depth > DEEPEST) return true;
  let text: string | null;
  try {
    text = readText(walk.system, path);
  } catch {
    return true;
  }
  if (text === null) return false;
  if (walk.word.test(text) || QUOTED_KEYWORD.test(text)) return true;
  if (!/include/i.test(text)) return false;
  const lines = text.match(INCLUDE) ?? [];
  return lines.some((line) => {
    const paths = includedPaths(walk, line, folder);
    return paths === null || paths.some((included) => fileMay(walk, included, folder, depth + 1));
  });
}

type Walk = {
  readonly system: System;
  readonly home: string;
  readonly keywords: Set<string>;
  files: number;
};

/** Up to the first blank or `=` of a line that is no comment: what strdelim() in misc.c cuts off where no quote is in it. */
const KEYWORD = /^[ \t\r]*([^ \t\r\n#][^ \t\r\n=]*)/gm;
const INCLUDE = /^[ \t\r]*include(?![^ \t\r\n=]).*$/gim;
const HOST_NAME = /^[ \t\r]*hostname[ \t=].*$/gim;
/** A quote in a host name would reach the shell that ssh runs a ProxyCommand with. */
const PLAIN_HOST_NAME = /^\s*hostname[\s=]+"?[\w.:%-]*"?\s*$/i;

/** Takes in the keywords of a file and of what it includes; false when they can't all be told. */
function readFile(walk: Walk, path: string, folder: string, depth: number): boolean {
  walk.files += 1;
  if (walk.files > MOST_FILES || depth > DEEPEST) return false;
  let text: string | null;
  try {
    text = readText(walk.system, path);
  } catch {
    return false;
  }
  if (text === null) return true;
  for (const [, keyword = ""] of text.matchAll(KEYWORD)) {
    if (keyword.startsWith("=") || keyword.includes('"')) return false;
    walk.keywords.add(keyword.toLowerCase());
  }
  if (walk.keywords.has("hostname")) {
    for (const [line] of text.matchAll(HOST_NAME)) if (!PLAIN_HOST_NAME.test(line)) return false;
  }
  if (!walk.keywords.has("include")) return true;
  for (const [line] of text.matchAll(INCLUDE)) if (!readIncluded(walk, line, folder, depth)) return false;
  return true;
}

function readIncluded(walk: Walk, text: string, folder: string, depth: number): boolean {
  const paths = includedPaths(walk, text, folder);
  return paths?.every((path) => readFile(walk, path, folder, depth + 1)) === true;
}

/** The files that an Include line names; null when that can't be told. */
function includedPaths(walk: Pick<Walk, "system" | "home">, text: string, folder: string): string[] | null {
  const line = readConfigLine(text);
  // ssh ends with an error where a quote is not closed or nothing follows the keyword.
  if (line.kind !== "setting") return null;
  const paths: string[] = [];
  for (const word of line.values) {
    // Tokens are a matter of ssh's version, as are characters that it takes as bytes.
    if (/[%$\\]|^~(?!\/)|[^ -~]/.test(word)) return null;
    paths.push(...walk.system.glob(includePattern(word, walk.home, folder)));
  }
  return paths;
}
