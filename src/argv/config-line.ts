/** One `-o` word as readconf.c reads it. */
export type ConfigLine =
  /** Nothing in it: empty, a comment, or an opening quote with nothing that closes it. */
  | { readonly kind: "nothing" }
  /** ssh ends with an error: no value after the keyword, or a value with an unclosed quote. */
  | { readonly kind: "refused" }
  | {
      readonly kind: "setting";
      /** Keyword in lower case. */
      readonly key: string;
      /** Values, unquoted, a trailing comment left out. */
      readonly values: readonly string[];
      /** What follows the keyword, as typed, for the keywords that take the rest of the line as it is. */
      readonly rest: string;
    };

const BLANKS = " \t\r\n";

/** Reads `Key=value`, `Key value`, `key = "v a l u e" # comment`, … (process_config_line_depth() in readconf.c, 8.7 and later). */
export function readConfigLine(text: string): ConfigLine {
  let end = text.length;
  while (end > 1 && (BLANKS.includes(text.charAt(end - 1)) || text.charAt(end - 1) === "\f")) end--;

  let cut = cutKeyword(text.slice(0, end));
  // A blank or "=" in front gives an empty first keyword; ssh then looks once more.
  if (cut !== null && cut.keyword === "") cut = cut.rest === null ? null : cutKeyword(cut.rest);
  if (cut === null || cut.keyword === "" || cut.keyword.startsWith("#")) return { kind: "nothing" };

  const rest = cut.rest === null ? "" : cut.rest.slice(skipBlanks(cut.rest, 0));
  if (rest === "") return { kind: "refused" };
  const values = splitValues(rest);
  return values === null ? { kind: "refused" } : { kind: "setting", key: cut.keyword.toLowerCase(), values, rest };
}

type Cut = { readonly keyword: string; readonly rest: string | null };

/** strdelim() in misc.c: up to a blank, one `=`, or the end of a quoted part; null when a quote is not closed. */
function cutKeyword(text: string): Cut | null {
  let at = 0;
  while (at < text.length && !' \t\r\n"='.includes(text.charAt(at))) at++;
  if (at === text.length) return { keyword: text, rest: null };
  if (text[at] === '"') {
    const close = text.indexOf('"', at + 1);
    if (close < 0) return null;
    const keyword = text.slice(0, at) + text.slice(at + 1, close);
    return { keyword, rest: text.slice(skipBlanks(text, close + 1)) };
  }
  let from = skipBlanks(text, at + 1);
  if (text[at] !== "=" && text[from] === "=") from = skipBlanks(text, from + 1);
  return { keyword: text.slice(0, at), rest: text.slice(from) };
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && BLANKS.includes(text.charAt(at))) at++;
  return at;
}

/** argv_split() in misc.c, with comments: null when a quote is not closed. */
function splitValues(text: string): string[] | null {
  const values: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === " " || text[at] === "\t") at++;
    if (at >= text.length || text[at] === "#") return values;
    let value = "";
    let quote = "";
    for (; at < text.length; at++) {
      const char = text.charAt(at);
      const next = text.charAt(at + 1);
      if (char === "\\" && (next === "'" || next === '"' || next === "\\" || (quote === "" && next === " "))) {
        value += next;
        at++;
      } else if (quote === "" && (char === " " || char === "\t")) {
        break;
      } else if (quote === "" && (char === '"' || char === "'")) {
        quote = char;
      } else if (quote !== "" && char === quote) {
        quote = "";
      } else {
        value += char;
      }
    }
    if (quote !== "") return null;
    values.push(value);
  }
}
