/**
 * The line (from 1) of every key in a TOML document that smol-toml has read without an error: keys as `a.b`, tables of
 * arrays as `region[0]`. What stands inside an inline table or an array has no line of its own; `lineOf` gives that of
 * the nearest key around it.
 */
export function linesOf(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  const scan = { text, at: 0, line: 1 };
  let table = "";
  for (;;) {
    skipBlank(scan);
    if (scan.at >= text.length) return lines;
    const line = scan.line;
    if (text[scan.at] === "[") {
      const isArray = text[scan.at + 1] === "[";
      scan.at += isArray ? 2 : 1;
      table = path(readKey(scan, "]"), "", counts);
      scan.at += isArray ? 2 : 1;
      if (isArray) {
        const index = counts.get(table) ?? 0;
        counts.set(table, index + 1);
        table = `${table}[${index}]`;
      }
      put(lines, table, line);
    } else {
      put(lines, path(readKey(scan, "="), table, counts), line);
      scan.at++;
      skipValue(scan);
    }
  }
}

/** Line of `key`, or of the nearest key around it; 1 when there is none. */
export function lineOf(lines: ReadonlyMap<string, number>, key: string): number {
  for (const part of partsOf(key)) {
    const line = lines.get(part);
    if (line !== undefined) return line;
  }
  return 1;
}

/** `a.b[0].c`, `a.b[0]`, `a.b`, `a`; a key that is longer than any of ours stands alone. */
function* partsOf(key: string): Generator<string> {
  yield key;
  let rest = key.length > MAX_KEY ? "" : key;
  while (rest !== "") {
    rest = rest.slice(0, Math.max(rest.lastIndexOf("."), rest.lastIndexOf("["), 0));
    if (rest !== "") yield rest;
  }
}

const MAX_KEY = 200;

/** No setting lies deeper; a file made to be slow may. */
const MAX_PARTS = 4;

type Scan = { readonly text: string; at: number; line: number };

/** Notes the line of a key and of those around it that a dotted key brings into being. */
function put(lines: Map<string, number>, key: string, line: number): void {
  for (const part of partsOf(key)) if (!lines.has(part)) lines.set(part, line);
}

/** Full path of a key under `table`; a part that is an array of tables means its last table. */
function path(parts: readonly string[], table: string, counts: ReadonlyMap<string, number>): string {
  let whole = table;
  for (const [index, part] of parts.slice(0, MAX_PARTS).entries()) {
    whole = whole === "" ? part : `${whole}.${part}`;
    const count = index < parts.length - 1 ? counts.get(whole) : undefined;
    if (count !== undefined) whole = `${whole}[${count - 1}]`;
  }
  return whole;
}

function readKey(scan: Scan, end: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (; scan.at < scan.text.length && scan.text[scan.at] !== end; scan.at++) {
    const character = scan.text[scan.at] ?? "";
    if (character === '"' || character === "'") {
      const from = scan.at + 1;
      skipString(scan);
      const quoted = scan.text.slice(from, scan.at - 1);
      part += character === '"' ? unescaped(quoted) : quoted;
      scan.at--;
    } else if (character === ".") {
      parts.push(part);
      part = "";
    } else if (character !== " " && character !== "\t") part += character;
  }
  return [...parts, part];
}

/** A key in double quotes; TOML's escapes are JSON's but for a few that no key of ours has. */
function unescaped(quoted: string): string {
  try {
    return quoted.includes("\\") ? String(JSON.parse(`"${quoted}"`)) : quoted;
  } catch {
    return quoted;
  }
}

function skipBlank(scan: Scan): void {
  for (; scan.at < scan.text.length; scan.at++) {
    const character = scan.text[scan.at] ?? "";
    if (character === "#") skipComment(scan);
    if (scan.text[scan.at] === "\n") scan.line++;
    else if (scan.at < scan.text.length && !" \t\r\ufeff".includes(character)) return;
  }
}

function skipComment(scan: Scan): void {
  while (scan.at < scan.text.length && scan.text[scan.at] !== "\n") scan.at++;
}

function skipValue(scan: Scan): void {
  for (let depth = 0; scan.at < scan.text.length; ) {
    const character = scan.text[scan.at] ?? "";
    if (character === "\n" && depth === 0) return;
    if (character === '"' || character === "'") skipString(scan);
    else if (character === "#") skipComment(scan);
    else {
      if (character === "\n") scan.line++;
      if (character === "[" || character === "{") depth++;
      if (character === "]" || character === "}") depth--;
      scan.at++;
    }
  }
}

function skipString(scan: Scan): void {
  const quote = scan.text[scan.at] ?? "";
  const isLong = scan.text.startsWith(quote.repeat(3), scan.at);
  const end = isLong ? quote.repeat(3) : quote;
  scan.at += end.length;
  while (scan.at < scan.text.length && !scan.text.startsWith(end, scan.at)) {
    if (scan.text[scan.at] === "\\" && quote === '"') scan.at++;
    if (scan.text[scan.at] === "\n") scan.line++;
    scan.at++;
  }
  scan.at += end.length;
  // A long string may end in one or two quotes of its own.
  while (isLong && scan.text[scan.at] === quote) scan.at++;
}
