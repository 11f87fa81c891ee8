import { type OptionTable, type Parsed, parseWords, usage } from "../words.ts";

/** As an OptionTable; a `list` may be given several times. */
export type ListTable = Readonly<Record<string, "flag" | "value" | "list">>;

export type ParsedLists = Parsed & {
  /** Values of an option that may be given several times, in order. */
  readonly list: (name: string) => readonly string[];
};

/** As parseWords, with options that may be given several times. */
export function parseLists(command: string, words: readonly string[], table: ListTable): ParsedLists {
  const lists = new Map<string, string[]>();
  const others: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const [, name = "", attached] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === "list") {
      const value = attached ?? words[++at];
      if (value === undefined) throw usage(command, `--${name} wants a value`);
      lists.set(name, [...(lists.get(name) ?? []), value]);
    } else if (kind === "value" && attached === undefined) others.push(word, ...words.slice(++at, at + 1));
    else others.push(word);
  }
  const single: OptionTable = Object.fromEntries(
    Object.entries(table).map(([name, kind]) => [name, kind === "list" ? "value" : kind]),
  );
  return { ...parseWords(command, others, single), list: (name) => lists.get(name) ?? [] };
}
