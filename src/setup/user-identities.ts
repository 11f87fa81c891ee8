// ssh tries its default keys only while no identity file is named. Our file names one, so it names those as well, but not where
// a block of the user's names identity files for hosts that may be ours: ssh would not have tried them there.
// Likewise ssh takes the first GlobalKnownHostsFile alone, so ours names the user's as well.

import { readConfigLine } from "../argv/config-line.ts";
import { includePattern } from "../ssh/included.ts";
import type { System } from "../system/system.ts";
import { isOwnFile } from "./own-file.ts";

export type Reading = {
  readonly system: Pick<System, "glob">;
  readonly readText: (path: string) => string | null;
  readonly home: string;
  readonly sshConfig: string;
  readonly isOurs: (host: string) => boolean;
  /** The pattern behind `isOurs`. */
  readonly domainRegex: string;
};

const MOST_FILES = 64;
/** Deepest Include that ssh itself follows (READCONF_MAX_DEPTH in readconf.c). */
const DEEPEST = 16;

/** Host patterns of a block, in which any one has to match; null for what goes for all hosts, or can't be told. */
type Patterns = readonly string[] | null;

type Block = {
  readonly patterns: Patterns;
  /** True for a block that goes for every host, whatever else is so. */
  readonly always: boolean;
  namesIdentity: boolean;
  readonly hostNames: string[];
  /** Of the first GlobalKnownHostsFile; null when there is none. */
  knownHosts: readonly string[] | null;
};

type Around = Pick<Block, "patterns" | "always">;

type Walk = { readonly reading: Reading; readonly blocks: Block[]; readonly domains: string[]; files: number };

/** Whether ssh's config names identity files for hosts that may be ours. */
export function namesIdentityForOurs(reading: Reading): boolean {
  const walk = readAll(reading);
  return walk.blocks.some(({ namesIdentity, patterns }) => namesIdentity && mayApply(walk, patterns));
}

/** The known_hosts that ssh's config names, beside the user's own one, for hosts that may be ours. */
export type NamedKnownHosts = {
  /** Those that go for every host of ours and can be said again; empty: none do. */
  readonly files: readonly string[];
  /** Those that go for some hosts only, or that only ssh can make sense of. */
  readonly unsaid: readonly string[];
};

/** What GlobalKnownHostsFile says in ssh's config: the first that goes for a host counts. */
export function knownHostsForOurs(reading: Reading): NamedKnownHosts {
  const walk = readAll(reading);
  const unsaid: string[] = [];
  for (const { knownHosts, patterns, always } of walk.blocks) {
    if (knownHosts === null || !mayApply(walk, patterns)) continue;
    if (knownHosts.join() === "none") {
      if (always) break;
      continue;
    }
    if (always && knownHosts.every(isPlainPath)) return { files: knownHosts, unsaid };
    unsaid.push(...knownHosts);
    if (always) break;
  }
  return { files: [], unsaid };
}

/** Whether a path means the same wherever it is said. */
function isPlainPath(path: string): boolean {
  return /^\/[^%$~"\\\0-\x1f\x7f]+$/.test(path);
}

function readAll(reading: Reading): Walk {
  const walk: Walk = { reading, blocks: [], domains: [], files: 0 };
  readFile(walk, reading.sshConfig, `${reading.home}/.ssh`, { patterns: null, always: true }, 0);
  readFile(walk, "/etc/ssh/ssh_config", "/etc/ssh", { patterns: null, always: true }, 0);
  return walk;
}

function mayApply(walk: Walk, patterns: Patterns): boolean {
  return patterns === null || patterns.some((pattern) => mayBeOurs(walk, pattern));
}

function readFile(walk: Walk, path: string, folder: string, around: Around, depth: number): void {
  walk.files += 1;
  if (walk.files > MOST_FILES || depth > DEEPEST) return;
  let text: string | null;
  try {
    text = walk.reading.readText(path);
  } catch {
    // ssh will say so itself.
    return;
  }
  if (text === null || isOwnFile(text)) return;
  let block = openBlock(walk, around.patterns, around.always);
  for (const line of text.split("\n")) {
    const read = readConfigLine(line);
    if (read.kind !== "setting") continue;
    const { key, values } = read;
    if (key === "host") block = openBlock(walk, positive(values), around.always && values.join() === "*");
    else if (key === "match")
      block = openBlock(walk, matchPatterns(values), around.always && /^all$/i.test(values.join()));
    else if (key === "identityfile" || key === "identityfile2") block.namesIdentity = true;
    else if (key === "globalknownhostsfile" || key === "globalknownhostsfile2") block.knownHosts ??= values;
    else if (key === "hostname") block.hostNames.push(...values);
    else if (key === "canonicaldomains") walk.domains.push(...values);
    else if (key === "include") {
      for (const file of values.flatMap((value) => filesOf(walk, value, folder))) {
        readFile(walk, file, folder, block, depth + 1);
      }
    }
  }
}

function openBlock(walk: Walk, patterns: Patterns, always: boolean): Block {
  const block: Block = { patterns, always, namesIdentity: false, hostNames: [], knownHosts: null };
  walk.blocks.push(block);
  return block;
}

function positive(patterns: readonly string[]): string[] {
  return patterns.filter((pattern) => !pattern.startsWith("!"));
}

/** The hosts of a Match line, when it speaks of any. */
function matchPatterns(values: readonly string[]): Patterns {
  for (const [at, value] of values.entries()) {
    const [, list = values[at + 1]] = /^(?:original)?host(?:=(.*))?$/is.exec(value) ?? [null, ""];
    if (list !== undefined && list !== "") return positive(list.split(","));
  }
  return null;
}

function filesOf({ reading }: Walk, value: string, folder: string): string[] {
  // Only ssh itself knows what tokens and variables stand for.
  if (/[%$]|^~(?!\/)/.test(value)) return [];
  return reading.system.glob(includePattern(value, reading.home, folder));
}

/** Whether a host that this pattern matches, or what it is renamed to, may be ours. */
function mayBeOurs(walk: Walk, pattern: string): boolean {
  const { isOurs } = walk.reading;
  if (/[*?]/.test(pattern)) return mayMatchOurs(walk.reading, pattern);
  const names = walk.blocks
    .filter(({ patterns }) => patterns?.includes(pattern))
    .flatMap(({ hostNames }) => hostNames.map((name) => name.replaceAll("%h", pattern)));
  return [pattern, ...names, ...walk.domains.map((domain) => `${pattern}.${domain}`)].some(isOurs);
}

/**
 * False where that can be ruled out: no name of the usual kind that the pattern matches is ours, and the domain that it ends in
 * does not appear in domain_regex.
 */
function mayMatchOurs({ isOurs, domainRegex }: Reading, pattern: string): boolean {
  const samples = ["", "x", "1", "web1", "web1.x"].map((part) => pattern.replaceAll("*", part).replaceAll("?", "1"));
  if (samples.some(isOurs)) return true;
  const labels = /[^*?]*$/.exec(pattern)?.[0].split(".").slice(1) ?? [];
  const regex = domainRegex.toLowerCase();
  return labels.length < 2 || labels.slice(-2).every((label) => regex.includes(label.toLowerCase()));
}
