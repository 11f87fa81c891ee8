// The user's ssh_config with our Include at its top, and without. Texts are bytes (latin1): whatever the file holds stays.
import { readConfigLine } from "../argv/config-line.ts";
import { includePattern } from "../ssh/included.ts";
import { includeValue } from "./quoting.ts";

const MARK = "# The next line is bssh's; bssh setup --undo takes both away.";

/** The first line of a file that was made for our Include, with so many folders for it. */
function madeMark(folders: number): string {
  const them = folders === 0 ? "" : ` and ${folders === 1 ? "the folder" : `the ${folders} folders`} above it`;
  return `# bssh setup made this file${them}. The next line is bssh's; bssh setup --undo takes both away.`;
}

const MADE = new RegExp(
  `^${RegExp.escape(madeMark(0)).replace("file", "file(?: and the (?:folder|(\\d{1,3}) folders) above it)?")}$`,
);

/** Our own file, as the user's may name it. */
export type Own = {
  readonly path: string;
  /** What `~/` and relative paths (`~/.ssh`) start from. */
  readonly home: string;
  /** Whether a file that setup may once have included is one of ours: bssh's config may have moved since. */
  readonly isStale: (path: string) => boolean;
};

export type Without = {
  readonly text: string;
  /** How many folders were made for the file when it was made for our Include; null when it was there before. */
  readonly folders: number | null;
};

/** The text with the Include of `own` first, and nowhere else. `null` is a file that isn't there, nor `folders` above it. */
export function withInclude(text: string | null, own: Own, folders = 0): string {
  const rest = text === null ? { text: "", folders } : withoutInclude(text, own);
  const mark = rest.folders !== null && rest.text === "" ? madeMark(rest.folders) : MARK;
  return `${mark}\n${bytesOf(includeLine(own.path))}\n${rest.text}`;
}

/**
 * The text without our comments, and without the lines that include our file and nothing else, however they are written.
 * What else stands below a comment of ours is the user's and stays.
 */
export function withoutInclude(text: string, own: Own): Without {
  let folders: number | null = null;
  let isMarked = false;
  const kept = (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).filter((line) => {
    const bare = line.trim();
    const made = MADE.exec(bare);
    if (made !== null) folders ??= Number(made[1] ?? (bare === madeMark(1) ? 1 : 0));
    const wasMarked = isMarked;
    isMarked = made !== null || bare === MARK;
    return !isMarked && !isOurs(line, own) && !(wasMarked && isStale(bare, own));
  });
  return { text: kept.join(""), folders };
}

/** The first line that names our file among others or by a pattern; null when there is none. */
export function lineNaming(text: string, own: Own): string | null {
  const path = bytesOf(own.path);
  const names = (value: string) => {
    // Braces are plain characters to glob(7).
    const pattern = absolute(value, own).replace(/[{}]/g, "\\$&");
    return absolute(value, own) === path || new Bun.Glob(pattern).match(path);
  };
  return (
    text
      .split("\n")
      .find((line) => included(line).some(names))
      ?.trim() ?? null
  );
}

/** What a person would write by hand. */
export function includeLine(own: string): string {
  return `Include ${includeValue(own)}`;
}

function isOurs(line: string, own: Own): boolean {
  const [value, ...more] = included(line);
  if (value === undefined || more.length > 0) return false;
  return absolute(value, own) === bytesOf(own.path) || value === included(bytesOf(includeLine(own.path)))[0];
}

/** Written as setup writes it, and of a file that setup wrote at another place. */
function isStale(line: string, own: Own): boolean {
  const [, path] = /^Include "(\/[^"\\*?[]*\/ssh_config)"$/.exec(line) ?? [];
  return path !== undefined && own.isStale(Buffer.from(path, "latin1").toString());
}

function included(line: string): readonly string[] {
  if (!/include/i.test(line)) return [];
  const read = readConfigLine(line);
  return read.kind === "setting" && read.key === "include" ? read.values : [];
}

function absolute(value: string, own: Own): string {
  const home = bytesOf(own.home);
  return includePattern(value, home, `${home}/.ssh`);
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}
