import { nearest } from "../config/nearest.ts";
import { Failure, printable } from "../failure.ts";

/** A long option of a command: whether it takes a value, as `--name VALUE` or `--name=VALUE`. */
export type OptionTable = Readonly<Record<string, "flag" | "value">>;

export type Parsed = {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
};

/**
 * Reads the words of a command of ours. Options are long; everything else is kept in order. Throws Failure with status 64
 * (EX_USAGE) for options that aren't in the table, naming the nearest, and for missing or repeated values.
 */
export function parseWords(command: string, words: readonly string[], table: OptionTable): Parsed {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    const [name = "", ...after] = word.replace(/^--?/, "").split("=");
    const attached = after.length > 0 ? after.join("=") : null;
    const kind = word.startsWith("--") && Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === undefined) throw unknownOption(command, word, Object.keys(table));
    if (flags.has(name) || values.has(name)) throw usage(command, `--${name} is given twice`);
    if (kind === "flag") {
      if (attached !== null) throw usage(command, `--${name} takes no value`);
      flags.add(name);
      continue;
    }
    const value = attached ?? words[++at];
    if (value === undefined) throw usage(command, `--${name} wants a value`);
    values.set(name, value);
  }
  return { flags, values, rest };
}

/** The failure of a command that was called wrongly. */
export function usage(command: string, fact: string): Failure {
  return new Failure(fact, `see bssh ${command} --help`, 64);
}

function unknownOption(command: string, word: string, known: readonly string[]): Failure {
  const near = nearest(word.replace(/^-+/, "").split("=")[0] ?? "", known);
  const fact = `bssh ${command} has no option ${printable(word, 60)}`;
  return near === null ? usage(command, fact) : new Failure(fact, `did you mean --${near}?`, 64);
}
