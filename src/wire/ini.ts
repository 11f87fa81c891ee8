import { Failure, printable } from "../failure.ts";

/** One option of a section, as written: before interpolation, the lines of a continued value joined by newlines. */
export type IniOption = { readonly value: string; readonly line: number };

export type IniSection = { readonly line: number; readonly options: ReadonlyMap<string, IniOption> };

export type Ini = {
  /** What `[DEFAULT]` gives to every section. */
  readonly defaults: ReadonlyMap<string, IniOption>;
  readonly sections: ReadonlyMap<string, IniSection>;
  /** Lines that are no option, header or comment; Python refuses the file for them. */
  readonly strayLines: readonly number[];
};

/** CPython's MAX_INTERPOLATION_DEPTH. */
const MAX_DEPTH = 10;

/**
 * Reads an INI file as CPython's `configparser.ConfigParser` does (3.11, `strict`): option names without regard to case,
 * `=` or `:`, deeper indented lines continue a value, whole-line comments with `#` and `;`, nothing twice. Throws Failure
 * with `NAME:LINE`.
 */
export function parseIni(text: string, name: string): Ini {
  const defaults = new Map<string, IniOption>();
  const sections = new Map<string, IniSection>();
  const strayLines: number[] = [];
  let options: Map<string, IniOption> | null = null;
  let option: string | null = null;
  let indent = 0;
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const value = line.trim();
    const at = index + 1;
    if (value === "" || value.startsWith("#") || value.startsWith(";")) {
      if (value === "" && options !== null && option !== null) append(options, option, "");
      continue;
    }
    const deep = line.length - line.trimStart().length;
    if (options !== null && option !== null && deep > indent) {
      append(options, option, value);
      continue;
    }
    indent = deep;
    const header = /^\[(.+)\]/.exec(value)?.[1];
    if (header !== undefined) {
      if (sections.has(header)) throw wrongIni(name, at, `the section [${printable(header, 60)}] is there already`);
      options = header === "DEFAULT" ? defaults : new Map();
      option = null;
      if (header !== "DEFAULT") sections.set(header, { line: at, options });
      continue;
    }
    if (options === null) throw wrongIni(name, at, "there is no [SECTION] above this line");
    const parts = /^(.*?)\s*[=:]\s*(.*)$/.exec(value);
    const key = parts?.[1]?.toLowerCase() ?? "";
    if (key === "") {
      strayLines.push(at);
      continue;
    }
    if (options.has(key)) throw wrongIni(name, at, `${printable(key, 60)} is there already`);
    options.set(key, { value: parts?.[2] ?? "", line: at });
    option = key;
  }
  for (const map of [defaults, ...[...sections.values()].map((section) => section.options as Map<string, IniOption>)]) {
    for (const [key, entry] of map) map.set(key, { ...entry, value: entry.value.trimEnd() });
  }
  return { defaults, sections, strayLines };
}

/**
 * The value of an option with `%(name)s` put in and `%%` made `%`, as Python's BasicInterpolation; null when neither the
 * section nor `[DEFAULT]` has it. Throws Failure for a lone `%`, an unknown name, and names in a circle.
 */
export function optionOf(ini: Ini, name: string, section: string, key: string): IniOption | null {
  const own = ini.sections.get(section)?.options;
  const find = (wanted: string) => own?.get(wanted) ?? ini.defaults.get(wanted) ?? null;
  const entry = find(key);
  if (entry === null) return null;
  return { line: entry.line, value: interpolate(entry.value, 1) };

  function interpolate(value: string, depth: number): string {
    if (depth > MAX_DEPTH) throw wrongIni(name, entry?.line ?? 1, `${key} names values in a circle`);
    return value.replace(/%(?:%|\(([^)]+)\)s|)/g, (found: string, wanted: string | undefined) => {
      if (found === "%%") return "%";
      if (wanted === undefined) throw wrongIni(name, entry?.line ?? 1, `${key} holds a lone %`, "write %% for it");
      const other = find(wanted.toLowerCase());
      if (other === null) {
        throw wrongIni(name, entry?.line ?? 1, `${key} names ${printable(wanted, 60)}, which is not there`);
      }
      return interpolate(other.value, depth + 1);
    });
  }
}

/** The failure of everything that is wrong with the file. */
export function wrongIni(name: string, line: number, fact: string, next = "correct it and import it again"): Failure {
  return new Failure(`${printable(name)}:${line}: ${fact}`, next, 78);
}

function append(options: Map<string, IniOption>, key: string, value: string): void {
  const entry = options.get(key);
  if (entry !== undefined) options.set(key, { ...entry, value: `${entry.value}\n${value}` });
}
