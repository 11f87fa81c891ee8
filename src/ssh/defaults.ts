// ssh tries ~/.ssh/id_* only while no identity file is named anywhere. Naming our key would take that chance away, so the
// default files that are there are named as well, unless the user's configuration names identity files for this host.
// Asking `ssh -G` for that costs a process; reading the configuration's Host blocks does not.
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";

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

/**
 * Whether the configuration names an identity file for this host: true and false are certain; null means that only ssh can
 * tell (Match blocks, canonical names, tokens in an Include, files that can't be read).
 */
export function namesIdentity(system: System, scene: Scene): boolean | null {
  const walk: Walk = { system, scene, files: 0 };
  const user = scene.userConfig === null ? false : fileNames(walk, scene.userConfig, `${scene.home}/.ssh`, 0);
  if (user !== false || !scene.withSystemConfig) return user;
  return fileNames(walk, "/etc/ssh/ssh_config", "/etc/ssh", 0);
}

type Walk = { readonly system: System; readonly scene: Scene; files: number };

function fileNames(walk: Walk, path: string, folder: string, depth: number): boolean | null {
  walk.files += 1;
  if (walk.files > MOST_FILES || depth > DEEPEST) return null;
  let text: string | null;
  try {
    text = readText(walk.system, path);
  } catch {
    return null;
  }
  if (text === null) return false;
  // The common case, a file with none of these words, costs one search.
  if (!/identityfile|include|canonicalizehostname/i.test(text)) return false;
  return textNames(walk, text, folder, depth);
}

function textNames(walk: Walk, text: string, folder: string, depth: number): boolean | null {
  let block: "in" | "out" | "unsure" = "in";
  let unsure = false;
  for (const line of text.split("\n")) {
    const [, key = "", rest = ""] = /^[ \t]*"?([A-Za-z]+)"?[ \t]*=?[ \t]*(.*?)[ \t\r\f]*$/.exec(line) ?? [];
    switch (key.toLowerCase()) {
      case "host":
        block = hostMatches(rest, walk.scene.host) ? "in" : "out";
        break;
      case "match":
        block = /^all$/i.test(rest) ? "in" : "unsure";
        break;
      case "canonicalizehostname":
        // The file is then read a second time with another name.
        if (!/^no$/i.test(rest)) unsure = true;
        break;
      case "identityfile":
        if (block === "in") return true;
        if (block === "unsure") unsure = true;
        break;
      case "include": {
        if (block === "out") break;
        const named = includeNames(walk, rest, folder, depth);
        if (named === true && block === "in") return true;
        if (named !== false) unsure = true;
        break;
      }
    }
  }
  return unsure ? null : false;
}

function includeNames(walk: Walk, value: string, folder: string, depth: number): boolean | null {
  if (/[%$\\']/.test(value)) return null;
  let unsure = false;
  for (const [, quoted, bare] of value.matchAll(/"([^"]*)"|([^\s"]+)/g)) {
    const word = quoted ?? bare ?? "";
    if (word.startsWith("#")) break;
    const pattern = word.startsWith("~/")
      ? walk.scene.home + word.slice(1)
      : word.startsWith("/")
        ? word
        : `${folder}/${word}`;
    for (const file of walk.system.glob(pattern)) {
      const named = fileNames(walk, file, folder, depth + 1);
      if (named === true) return true;
      if (named === null) unsure = true;
    }
  }
  return unsure ? null : false;
}

/** ssh_config(5), PATTERNS: any pattern matches and no negated one does. */
function hostMatches(patterns: string, host: string): boolean {
  let matched = false;
  for (const [, quoted, bare] of patterns.matchAll(/"([^"]*)"|([^\s"]+)/g)) {
    const word = quoted ?? bare ?? "";
    if (word.startsWith("#")) break;
    const negated = word.startsWith("!");
    const source = (negated ? word.slice(1) : word)
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    if (!new RegExp(`^${source}$`, "s").test(host)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}
