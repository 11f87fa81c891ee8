import { characterClass, END, escapedCharacter, literal, meaningFor } from "./pattern-characters.ts";
import { bothHave, type Flags, peek, refuse, type Scan, take, takeWhile } from "./pattern-scan.ts";

/**
 * Python's regular expressions of text (module `re`, CPython 3.11) turned into ECMAScript's, for use with the flag `v`.
 *
 * What means the same is copied, what differs is written out (`\A \Z $ ^ . \d \w \s \b`, flags, `{,n}`, named groups), and
 * what cannot be said in ECMAScript, or is an error in Python, is refused by throwing `PatternError`.
 * https://docs.python.org/3/library/re.html#regular-expression-syntax
 *
 * Gives source and flags for `RegExp`; the source matches at the start only, as `re.match` does,
 * and means the same only for hosts of the kind it was made for.
 */
export function translatePattern(pattern: string, host: "ascii" | "unicode"): { source: string; flags: string } {
  const scan: Scan = {
    characters: Array.from(pattern),
    meaning: meaningFor(host),
    at: 0,
    groups: 0,
    names: new Map(),
    sure: new Set(),
    depth: 0,
    behind: 0,
  };
  const flags: Flags = { ignoreCase: false, multiLine: false, dotAll: false, verbose: false };
  const whole = alternatives(scan, flags);
  if (scan.at < scan.characters.length) throw refuse(scan, "a ) that closes nothing");
  return { source: `^(?:${whole.source})`, flags: flags.ignoreCase ? "vi" : "v" };
}

/** Translated source and the least and most characters that it matches. */
type Part = { readonly source: string; readonly least: number; readonly most: number };

type Item = Part & { readonly kind: "once" | "anchor" | "repeat" | "look"; readonly sureBefore: ReadonlySet<number> };

const MAX_DEPTH = 100;

function alternatives(scan: Scan, flags: Flags): Part {
  if (++scan.depth > MAX_DEPTH) throw refuse(scan, `more than ${MAX_DEPTH} groups inside each other`);
  const before = scan.sure;
  const parts = [sequence(scan, flags, scan.depth === 1)];
  let sure = scan.sure;
  while (take(scan, "|")) {
    scan.sure = before;
    parts.push(sequence(scan, flags, false));
    sure = bothHave(sure, scan.sure);
  }
  scan.sure = sure;
  scan.depth--;
  return {
    source: parts.map((part) => part.source).join("|"),
    least: Math.min(...parts.map((part) => part.least)),
    most: Math.max(...parts.map((part) => part.most)),
  };
}

function sequence(scan: Scan, flags: Flags, atStart: boolean): Part {
  const items: Item[] = [];
  for (let next = peek(scan); next !== "" && next !== "|" && next !== ")"; next = peek(scan)) {
    if (flags.verbose && skipVerbose(scan)) continue;
    const sureBefore = scan.sure;
    if (next === "(") {
      const group = readGroup(scan, flags, atStart && items.length === 0);
      if (group !== null) items.push({ ...group, sureBefore });
    } else if (next === "*" || next === "+" || next === "?" || (next === "{" && isRepeat(scan))) {
      items.push(repeated(scan, items.pop()));
    } else items.push({ ...single(scan, flags), sureBefore });
  }
  return {
    source: items.map((item) => item.source).join(""),
    least: items.reduce((sum, item) => sum + item.least, 0),
    most: items.reduce((sum, item) => sum + item.most, 0),
  };
}

function skipVerbose(scan: Scan): boolean {
  if (/[ \t\n\r\v\f]/.test(peek(scan))) scan.at++;
  else if (peek(scan) === "#") while (peek(scan) !== "" && scan.characters[scan.at++] !== "\n");
  else return false;
  return true;
}

function single(scan: Scan, flags: Flags): Omit<Item, "sureBefore"> {
  const next = scan.characters[scan.at++] ?? "";
  if (next === "^") return anchor(flags.multiLine ? "(?<![^\\n])" : "^");
  if (next === "$") return anchor(flags.multiLine ? "(?![^\\n])" : `(?=\\n?${END})`);
  if (next === ".") return once(flags.dotAll ? "[\\s\\S]" : "[^\\n]");
  if (next === "[") return once(characterClass(scan, flags));
  if (next === "\\") return escaped(scan, flags);
  return once(literal(scan, next.codePointAt(0) ?? 0, flags));
}

function once(source: string): Omit<Item, "sureBefore"> {
  return { source, least: 1, most: 1, kind: "once" };
}

function anchor(source: string): Omit<Item, "sureBefore"> {
  return { source, least: 0, most: 0, kind: "anchor" };
}

function escaped(scan: Scan, flags: Flags): Omit<Item, "sureBefore"> {
  const letter = peek(scan);
  const fixed = scan.meaning.anchors[letter];
  if (fixed !== undefined) {
    scan.at++;
    return anchor(fixed);
  }
  const set = scan.meaning.classes[letter];
  if (set !== undefined) {
    scan.at++;
    return once(set);
  }
  if (/[1-9]/.test(letter)) return numberedReference(scan);
  return once(literal(scan, escapedCharacter(scan), flags));
}

function numberedReference(scan: Scan): Omit<Item, "sureBefore"> {
  const digits = takeWhile(scan, /^[0-9]$/, 3);
  if (digits.length === 3 && /^[0-7]{3}$/.test(digits)) throw refuse(scan, "an octal escape");
  if (digits.length === 3) scan.at--;
  return reference(scan, Number(digits.slice(0, 2)));
}

function reference(scan: Scan, group: number): Omit<Item, "sureBefore"> {
  if (group > scan.groups) throw refuse(scan, "a reference to a group that is not there");
  if (scan.behind > 0) throw refuse(scan, "a reference inside a look-behind");
  if (!scan.sure.has(group)) throw refuse(scan, "a reference to a group that may not have matched");
  return { source: `(?:\\${group})`, least: 0, most: Number.POSITIVE_INFINITY, kind: "once" };
}

/** True when the `{` here begins a repeat; in Python any other `{` stands for itself. */
function isRepeat(scan: Scan): boolean {
  const rest = scan.characters.slice(scan.at, scan.at + 80).join("");
  return /^\{(\d+(,\d*)?|,\d*)\}/.test(rest);
}

function repeated(scan: Scan, item: Item | undefined): Item {
  if (item === undefined || item.kind === "anchor") throw refuse(scan, "a repeat of nothing");
  if (item.kind === "repeat") throw refuse(scan, "a repeat of a repeat");
  const { least, most, source } = repeatCount(scan);
  const lazy = take(scan, "?") ? "?" : "";
  if (peek(scan) === "+") throw refuse(scan, "a possessive repeat");
  // A group that is repeated keeps other text in Python than in ECMAScript.
  scan.sure = item.sureBefore;
  return {
    // ECMAScript repeats no look-around under the flag v.
    source: `${item.kind === "look" ? `(?:${item.source})` : item.source}${source}${lazy}`,
    least: item.least * least,
    most: most === 0 || item.most === 0 ? 0 : item.most * most,
    kind: "repeat",
    sureBefore: item.sureBefore,
  };
}

function repeatCount(scan: Scan): { least: number; most: number; source: string } {
  const sign = scan.characters[scan.at++];
  if (sign === "*") return { least: 0, most: Number.POSITIVE_INFINITY, source: "*" };
  if (sign === "+") return { least: 1, most: Number.POSITIVE_INFINITY, source: "+" };
  if (sign === "?") return { least: 0, most: 1, source: "?" };
  const low = takeWhile(scan, /^[0-9]$/, 80);
  const isSpan = take(scan, ",");
  const high = isSpan ? takeWhile(scan, /^[0-9]$/, 80) : low;
  scan.at++;
  const least = Number(low);
  const most = high === "" ? Number.POSITIVE_INFINITY : Number(high);
  if (least > 65_535 || (Number.isFinite(most) && most > 65_535))
    throw refuse(scan, "a repeat of more than 65535 times");
  if (most < least) throw refuse(scan, "a repeat whose least is more than its most");
  return { least, most, source: `{${least},${Number.isFinite(most) ? most : ""}}` };
}

/** A group of any kind; null for one that matches nothing by itself, a comment or flags for the whole. */
function readGroup(scan: Scan, flags: Flags, atStart: boolean): Omit<Item, "sureBefore"> | null {
  scan.at++;
  if (!take(scan, "?")) return capture(scan, flags, null);
  if (take(scan, "P<")) return capture(scan, flags, groupName(scan, ">"));
  if (take(scan, "P=")) return namedReference(scan);
  if (take(scan, ":")) return { ...closed(scan, flags, "(?:"), kind: "once" };
  if (take(scan, "#")) return skipComment(scan);
  for (const kind of ["=", "!", "<=", "<!"]) if (take(scan, kind)) return lookAround(scan, flags, kind);
  if (peek(scan) === "(") throw refuse(scan, "a conditional group");
  if (peek(scan) === ">") throw refuse(scan, "an atomic group");
  if (/^[A-Za-z-]$/.test(peek(scan)) && peek(scan) !== "P") return flagGroup(scan, flags, atStart);
  throw refuse(scan, "a group of a kind that Python does not know");
}

function closed(scan: Scan, flags: Flags, opening: string): Part {
  const part = alternatives(scan, { ...flags });
  if (!take(scan, ")")) throw refuse(scan, "a ( that is not closed");
  return { ...part, source: `${opening}${part.source})` };
}

function capture(scan: Scan, flags: Flags, name: string | null): Omit<Item, "sureBefore"> {
  const number = ++scan.groups;
  if (name !== null && scan.names.has(name)) throw refuse(scan, "a group name that is there already");
  if (name !== null) scan.names.set(name, number);
  const part = closed(scan, flags, "(");
  scan.sure = new Set([...scan.sure, number]);
  return { ...part, kind: "once" };
}

function groupName(scan: Scan, end: string): string {
  const name = takeWhile(scan, /^[A-Za-z0-9_]$/, 256);
  if (!/^[A-Za-z_]/.test(name) || !take(scan, end))
    throw refuse(scan, "a group name that is not letters, digits and _");
  return name;
}

function namedReference(scan: Scan): Omit<Item, "sureBefore"> {
  const name = groupName(scan, ")");
  return reference(scan, scan.names.get(name) ?? Number.POSITIVE_INFINITY);
}

function skipComment(scan: Scan): null {
  while (peek(scan) !== "" && peek(scan) !== ")") scan.at++;
  if (!take(scan, ")")) throw refuse(scan, "a comment that is not closed");
  return null;
}

function lookAround(scan: Scan, flags: Flags, kind: string): Omit<Item, "sureBefore"> {
  const before = scan.sure;
  const isBehind = kind.startsWith("<");
  if (isBehind) scan.behind++;
  const part = closed(scan, flags, `(?${kind}`);
  if (isBehind) scan.behind--;
  if (isBehind && part.least !== part.most) throw refuse(scan, "a look-behind without a fixed width");
  if (kind !== "=") scan.sure = before;
  return { source: part.source, least: 0, most: 0, kind: "look" };
}

const FLAGS: Readonly<Record<string, keyof Flags>> = { i: "ignoreCase", m: "multiLine", s: "dotAll", x: "verbose" };

/** `(?ims)` for the whole, `(?i-s:…)` for a part. */
function flagGroup(scan: Scan, flags: Flags, atStart: boolean): Omit<Item, "sureBefore"> | null {
  const inner = { ...flags };
  const setAll = (letters: string, value: boolean) => {
    for (const letter of letters) {
      const flag = FLAGS[letter];
      if (flag !== undefined) inner[flag] = value;
      else if (letter !== "u" || !value) throw refuse(scan, `the flag ${letter}`);
    }
  };
  const on = takeWhile(scan, /^[A-Za-z]$/, 16);
  setAll(on, true);
  if (take(scan, ")")) {
    if (!atStart) throw refuse(scan, "flags for the whole pattern that do not stand at its start");
    Object.assign(flags, inner);
    return null;
  }
  if (take(scan, "-")) {
    const off = takeWhile(scan, /^[A-Za-z]$/, 16);
    if (off === "" || [...off].some((letter) => on.includes(letter)))
      throw refuse(scan, "flags that contradict each other");
    setAll(off, false);
  }
  if (!take(scan, ":")) throw refuse(scan, "flags that are not closed");
  const sign = inner.ignoreCase === flags.ignoreCase ? "(?:" : inner.ignoreCase ? "(?i:" : "(?-i:";
  return { ...closed(scan, inner, sign), kind: "once" };
}
