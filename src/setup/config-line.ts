export type ConfigLine = {
  /** Keyword in lower case; "" when there is none. */
  readonly key: string;
  /** Values up to a comment, unquoted. */
  readonly values: readonly string[];
};

const NOTHING: ConfigLine = { key: "", values: [] };

/** A word, parts of which may be in quotes; a backslash goes before quotes and backslashes (argv_split() in misc.c). */
const WORD = /[ \t]*((?:"(?:\\["'\\]|[^"])*"|'(?:\\["'\\]|[^'])*'|\\["'\\ ]|[^ \t"'])+)/y;
const PART = /"((?:\\["'\\]|[^"])*)"|'((?:\\["'\\]|[^'])*)'|\\([ ])|(\\["'\\]|[^"'])/g;

/** Reads a line of the user's ssh_config; one that ssh would refuse has nothing in it. */
export function readLine(line: string): ConfigLine {
  const [head, key] = /^[ \t\r]*"?([a-z]\w*)"?(?:[ \t]*=|(?=[ \t"]))[ \t]*/i.exec(line) ?? [];
  if (head === undefined || key === undefined) return NOTHING;
  const text = line.slice(head.length).replace(/[ \t\r\n\f]+$/, "");
  const values: string[] = [];
  for (WORD.lastIndex = 0; WORD.lastIndex < text.length; ) {
    const [, word] = WORD.exec(text) ?? [];
    if (word === undefined) return NOTHING;
    if (word.startsWith("#")) break;
    values.push(
      word.replace(PART, (_part, double?: string, single?: string, blank?: string, plain?: string) =>
        (double ?? single ?? blank ?? plain ?? "").replace(/\\(["'\\])/g, "$1"),
      ),
    );
  }
  return { key: key.toLowerCase(), values };
}
