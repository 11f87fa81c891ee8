// ssh tries ~/.ssh/id_* only while no identity file is named anywhere. Naming our key would take that chance away, so the
// default files that are there are named as well, unless the user's configuration names identity files for this host.
// Asking `ssh -G` for that costs a process; reading the configuration's Host blocks does not.
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";
import { includePattern } from "./included.ts";

/** Default identity files in ssh's own order (readconf.c, fill_default_options; 9.2 to 10.5). */
const DEFAULT_NAMES = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];

const MOST_FILES = 64;
const DEEPEST = 16;

export type Scene = {
  readonly home: string;
  /** The user's ssh_config, or the `-F` word; null for `-F none`. */
  readonly userConfig: string | null;
  /** False when `-F` was given: ssh then leaves the system's file out. */
  readonly withSystemConfig: boolean;
  /** Host as typed: what `Host` lines are matched against. */
  readonly host: string;
};

/** The default identity files that are there, in the order in which ssh tries them. */
export function defaultIdentities(system: System, home: string): string[] {
  return DEFAULT_NAMES.map((name) => `${home}/.ssh/${name}`).filter((path) => system.may(path, "read"));
}

/** Those of `present` (default identity files) that are among `tried`, the identity files as `ssh -G` prints them. */
export function triedDefaults(present: readonly string[], tried: readonly string[]): string[] {
  const names = tried.map((path) => (path.startsWith("~/.ssh/") ? path.slice(7) : ""));
  return names.every((name) => DEFAULT_NAMES.includes(name))
    ? present.filter((path) => names.some((name) => path.endsWith(`/.ssh/${name}`)))
    : [];
}

/**
 * Whether the configuration names an identity file for this host: true and false are certain; null means that only ssh can
 * tell (Match blocks, canonical names, tokens in an Include, unusual quotes, files that can't be read).
 */
export function namesIdentity(system: System, scene: Scene): boolean | null {
  const walk: Walk = { system, scene, files: 0, again: false };
  const user = scene.userConfig === null ? false : fileNames(walk, scene.userConfig, `${scene.home}/.ssh`, 0, true);
  const named =
    user === false && scene.withSystemConfig ? fileNames(walk, "/etc/ssh/ssh_config", "/etc/ssh", 0, true) : user;
  return named === false && walk.again ? null : named;
}

type Walk = {
  readonly system: System;
  readonly scene: Scene;
  files: number;
  /** Set when ssh may read everything a second time, with HostName in the place of the name typed. */
  again: boolean;
};

/** `active` is false for what an Include brings into a block of other hosts: no block in it counts. */
function fileNames(walk: Walk, path: string, folder: string, depth: number, active: boolean): boolean | null {
  walk.files += 1;
  if (walk.files > MOST_FILES || depth > DEEPEST) return null;
  let text: string | null;
  try {
    text = readText(walk.system, path);
  } catch {
    return null;
  }
  if (text === null) return false;
  // The common case, a file with none of these words, costs one search. A quote may stand within a keyword.
  if (!/identityfile|include|canonicalizehostname|final|"/i.test(text)) return false;
  return textNames(walk, text, folder, depth, active);
}

function textNames(walk: Walk, text: string, folder: string, depth: number, active: boolean): boolean | null {
  let block: "in" | "out" | "unsure" = active ? "in" : "out";
  let unsure = false;
  for (const line of text.split("\n")) {
    const { key, value } = cutLine(line);
    switch (key) {
      case null:
        return null;
      case "host": {
        const matches = hostMatches(value, walk.scene.host);
        if (matches === null) return null;
        block = active && matches ? "in" : "out";
        break;
      }
      case "match":
        if (/final/i.test(value)) walk.again = true;
        block = !active ? "out" : /^all$/i.test(value) ? "in" : "unsure";
        break;
      case "canonicalizehostname":
        if (!/^no$/i.test(value)) walk.again = true;
        break;
      case "identityfile":
      case "identityfile2":
        if (block === "in") return true;
        if (block === "unsure") unsure = true;
        break;
      case "include": {
        const named = includeNames(walk, value, folder, depth, block !== "out");
        if (named === true && block === "in") return true;
        if (named !== false) unsure = true;
        break;
      }
    }
  }
  return unsure ? null : false;
}

function includeNames(walk: Walk, value: string, folder: string, depth: number, active: boolean): boolean | null {
  const words = simpleWords(value);
  if (words === null) return null;
  let unsure = false;
  for (const word of words) {
    if (/[%$]|^~(?!\/)/.test(word)) return null;
    for (const file of walk.system.glob(includePattern(word, walk.scene.home, folder))) {
      const named = fileNames(walk, file, folder, depth + 1, active);
      if (named === true) return true;
      if (named === null) unsure = true;
    }
  }
  return unsure ? null : false;
}

/** ssh_config(5), PATTERNS: any pattern matches and no negated one does. Null when the patterns are written in an unusual way. */
function hostMatches(patterns: string, host: string): boolean | null {
  const words = simpleWords(patterns);
  if (words === null) return null;
  let matched = false;
  for (const word of words) {
    const negated = word.startsWith("!");
    const source = (negated ? word.slice(1) : word)
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*+/g, ".*")
      .replaceAll("?", ".");
    if (!new RegExp(`^${source}$`, "s").test(host)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** Keyword in lower case ("" for none, null when it is written in an unusual way) and what follows it; strdelim() in misc.c. */
function cutLine(line: string): { readonly key: string | null; readonly value: string } {
  const [, key = "", delimiter = "", rest = ""] = /^[ \t\r]*([^ \t\r"=#]*)([ \t\r"=#]?)(.*)$/s.exec(line) ?? [];
  if (key === "" && (delimiter === "#" || delimiter === "")) return { key: "", value: "" };
  if (key === "" || delimiter === '"' || delimiter === "#") return { key: null, value: "" };
  const value = delimiter === "=" ? rest.replace(/^[ \t\r]+/, "") : rest.replace(/^[ \t\r]*=?[ \t\r]*/, "");
  return { key: key.toLowerCase(), value: value.replace(/[ \t\r\f]+$/, "") };
}

/**
 * Words of a value, bare or whole in double quotes, up to a comment. Null for other quotes, backslashes, and characters that
 * ssh takes as bytes: argv_split() in misc.c has rules of its own for these, and they differ by version.
 */
function simpleWords(value: string): string[] | null {
  const words: string[] = [];
  const next = /[ \t]*(?:"([^"]*)"|([^ \t"]+))(?=[ \t]|$)/y;
  if (/[^\t -~]|['\\]/.test(value)) return null;
  while (next.lastIndex < value.length) {
    const found = next.exec(value);
    if (found === null) return null;
    const [, quoted, bare = ""] = found;
    if (quoted === undefined && bare.startsWith("#")) return words;
    words.push(quoted ?? bare);
  }
  return words;
}
