import { type Flags, type Meaning, peek, refuse, type Scan, take, takeWhile } from "./pattern-scan.ts";

export const END = "(?![\\s\\S])";

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92 };

const UNICODE = meaning(
  "\\p{Nd}",
  "\\p{L}\\p{N}_",
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
);
/** The same for a host of ASCII alone: RegExp takes 0.1 ms to put a class of Unicode together. */
const ASCII = meaning("0-9", "A-Za-z0-9_", "\\t-\\r\\x1c-\\x20");

export function meaningFor(host: "ascii" | "unicode"): Meaning {
  return host === "ascii" ? ASCII : UNICODE;
}

function meaning(digit: string, word: string, space: string): Meaning {
  const isWord = `[${word}]`;
  return {
    classes: {
      d: `[${digit}]`,
      D: `[^${digit}]`,
      w: isWord,
      W: `[^${word}]`,
      s: `[${space}]`,
      S: `[^${space}]`,
    },
    anchors: {
      A: "^",
      Z: END,
      b: `(?:(?<=${isWord})(?!${isWord})|(?<!${isWord})(?=${isWord}))`,
      // In empty text it does not hold: CPython before 3.14.
      B: `(?!^${END})(?:(?<=${isWord})(?=${isWord})|(?<!${isWord})(?!${isWord}))`,
    },
  };
}

/** After the backslash: an escape that stands for one character, inside a class as outside. */
export function escapedCharacter(scan: Scan): number {
  const letter = peek(scan);
  if (letter === "") throw refuse(scan, "a backslash at the end");
  if (/[0-9]/.test(letter)) throw refuse(scan, "an octal escape");
  if (letter === "N") throw refuse(scan, "a character by its Unicode name (\\N)");
  const simple = SIMPLE_ESCAPES[letter];
  const digits = { x: 2, u: 4, U: 8 }[letter];
  if (digits !== undefined) {
    scan.at++;
    const hex = takeWhile(scan, /^[0-9a-fA-F]$/, digits);
    const code = Number.parseInt(hex, 16);
    if (hex.length < digits || code > 0x10ffff)
      throw refuse(scan, `\\${letter} without its ${digits} hexadecimal digits`);
    return code;
  }
  if (simple === undefined && /[A-Za-z]/.test(letter)) throw refuse(scan, `\\${letter}, which Python does not know`);
  scan.at++;
  return simple ?? letter.codePointAt(0) ?? 0;
}

/** A character that stands for itself. Python's lower case of U+0130 and U+0131 is i as well, ECMAScript's is not. */
export function literal(scan: Scan, code: number, flags: Flags): string {
  if (!flags.ignoreCase) return codeSource(code);
  if (isDottedI(code)) throw refuse(scan, "a Turkish i where case is ignored");
  return code === 0x49 || code === 0x69 ? "[iI\\u0130\\u0131]" : codeSource(code);
}

function isDottedI(code: number): boolean {
  return code === 0x130 || code === 0x131;
}

function codeSource(code: number): string {
  const text = String.fromCodePoint(code);
  return /^[A-Za-z0-9_]$/.test(text) ? text : `\\u{${code.toString(16)}}`;
}

export function characterClass(scan: Scan, flags: Flags): string {
  let source = take(scan, "^") ? "[^" : "[";
  for (let isFirst = true; isFirst || peek(scan) !== "]"; isFirst = false) {
    const low = classMember(scan);
    if (peek(scan) !== "-" || peek(scan, 1) === "]") {
      source += typeof low === "string" ? low : classRange(scan, low, low, flags);
      continue;
    }
    scan.at++;
    const high = classMember(scan);
    if (typeof low === "string" || typeof high === "string") throw refuse(scan, "a range that ends in a class");
    if (high < low) throw refuse(scan, "a range that runs backwards");
    source += classRange(scan, low, high, flags);
  }
  scan.at++;
  return `${source}]`;
}

/** A character's code, or the source of a class such as `\d`. */
function classMember(scan: Scan): number | string {
  const next = scan.characters[scan.at++];
  if (next === undefined) throw refuse(scan, "a [ that is not closed");
  if (next !== "\\") return next.codePointAt(0) ?? 0;
  const letter = peek(scan);
  if (letter === "b") {
    scan.at++;
    return 8;
  }
  const set = scan.meaning.classes[letter];
  if (set === undefined) return escapedCharacter(scan);
  scan.at++;
  return set;
}

function classRange(scan: Scan, low: number, high: number, flags: Flags): string {
  const source = low === high ? codeSource(low) : `${codeSource(low)}-${codeSource(high)}`;
  if (!flags.ignoreCase) return source;
  const holds = (code: number) => low <= code && code <= high;
  if (holds(0x130) || holds(0x131)) throw refuse(scan, "a Turkish i where case is ignored");
  return holds(0x49) || holds(0x69) ? `${source}\\u0130\\u0131` : source;
}
