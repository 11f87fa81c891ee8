// At the top of the user's ssh_config, where bssh match is called from, ssh knows a host by the name typed alone: a HostName of
// a Host block comes later. Asking `ssh -G` costs a process, so it is asked only where a block for that name may rename it.
import { findSsh } from "../ssh/find.ts";
import { includePattern } from "../ssh/included.ts";
import { resolveWords } from "../ssh/resolve.ts";
import { readText } from "../system/system.ts";
import type { CommandCall } from "./call.ts";
import type { CallingSsh } from "./calling-ssh.ts";

const MOST_FILES = 32;

export type Renaming = {
  readonly home: string;
  /** The user's ssh_config. */
  readonly sshConfig: string;
  /** Our own file, in which there is no HostName. */
  readonly own: string;
};

/** HostName by ssh's config files; null when they have none for this name. */
export function renamed(call: CommandCall, ssh: CallingSsh | null, typed: string, renaming: Renaming): string | null {
  const named = ssh?.configFile ?? null;
  const files =
    named === null ? [renaming.sshConfig, "/etc/ssh/ssh_config"] : named.toLowerCase() === "none" ? [] : [named];
  const walk = { call, typed, renaming, files: 0 };
  if (!files.some((file) => mayRename(walk, file))) return null;
  const words = ssh?.words ?? ["--", typed];
  const name = resolveWords(findSsh(call.system, call.environment), words, call.environment)?.get("hostname")?.[0];
  return name === typed ? null : (name ?? null);
}

type Walk = {
  readonly call: CommandCall;
  readonly typed: string;
  readonly renaming: Renaming;
  files: number;
};

/** False is certain: the file, and those it includes, name no HostName for the name typed. */
function mayRename(walk: Walk, path: string): boolean {
  walk.files += 1;
  if (walk.files > MOST_FILES) return true;
  let text: string | null;
  try {
    text = readText(walk.call.system, path);
  } catch {
    return true;
  }
  if (text === null || !/hostname|include/i.test(text)) return false;
  let active = true;
  for (const line of text.split("\n")) {
    const [, key = "", value = ""] = /^\s*"?(\w+)"?\s*=?\s*(.*?)\s*$/s.exec(line) ?? [];
    switch (key.toLowerCase()) {
      case "host":
        active = value.split(/\s+/).some((pattern) => mayMatch(pattern, walk.typed));
        break;
      case "match":
        active = true;
        break;
      case "hostname":
        if (active) return true;
        break;
      case "include":
        if (active && includesRenaming(walk, value)) return true;
        break;
    }
  }
  return false;
}

function includesRenaming(walk: Walk, value: string): boolean {
  const { home, own } = walk.renaming;
  return value.split(/\s+/).some((word) => {
    const plain = word.replace(/^"(.*)"$/, "$1");
    if (plain === own) return false;
    if (!/^[\w./*+,@~-]+$/.test(plain) || /^~(?!\/)/.test(plain)) return true;
    return walk.call.system.glob(includePattern(plain, home, `${home}/.ssh`)).some((file) => mayRename(walk, file));
  });
}

/** Whether a pattern of a Host line may match; true for what is written in an unusual way. */
function mayMatch(pattern: string, name: string): boolean {
  if (pattern.startsWith("!")) return false;
  if (!/^[\w.*?:%-]+$/.test(pattern)) return true;
  const source = pattern
    .replace(/[.%:-]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(name);
}
