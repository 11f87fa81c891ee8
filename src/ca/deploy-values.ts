/** Values of options by their kinds. Errors name the place and quote no value. */
import type { Given, Lookup, Section } from "./deploy-options.ts";

export type Values = {
  readonly given: (section: Section, name: string) => Given | null;
  /** Null when it is empty. */
  readonly text: (section: Section, name: string) => string | null;
  /** As RawConfigParser.getboolean. */
  readonly flag: (section: Section, name: string) => boolean;
  readonly whole: (section: Section, name: string, least: number, most?: number) => number;
  readonly choice: <T extends string>(section: Section, name: string, words: readonly T[]) => T;
  /** Separated by commas, the space around them dropped. */
  readonly list: (section: Section, name: string, entry: RegExp) => readonly string[];
};

/** A hundred years, in seconds. */
const MOST = 3_155_760_000;
const MAX_TEXT = 1024;

export function makeValues({ find }: Lookup): Values {
  function need(section: Section, name: string): Given {
    const given = find(section, name);
    if (given === null) throw new Error(`[${section}] ${name} is missing`);
    return given;
  }
  return {
    given: find,
    text(section, name) {
      const given = find(section, name);
      if (given === null || given.value === "") return null;
      if (given.value.length > MAX_TEXT || /[\p{Cc}]/u.test(given.value)) throw new Error(`${given.place} is no name`);
      return given.value;
    },
    flag(section, name) {
      const { value, place } = need(section, name);
      const word = value.toLowerCase();
      if (["1", "yes", "true", "on"].includes(word)) return true;
      if (["0", "no", "false", "off"].includes(word)) return false;
      throw new Error(`${place} is neither True nor False`);
    },
    whole(section, name, least, most = MOST) {
      const { value, place } = need(section, name);
      const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw new Error(`${place} is no whole number from ${least} to ${most}`);
    },
    choice(section, name, words) {
      const { value, place } = need(section, name);
      const word = words.find((known) => known === value.toLowerCase());
      if (word === undefined) throw new Error(`${place} is none of ${words.join(", ")}`);
      return word;
    },
    list(section, name, entry) {
      const given = find(section, name);
      const entries = (given?.value ?? "")
        .split(",")
        .map((word) => word.trim())
        .filter((word) => word !== "");
      if (entries.every((word) => entry.test(word))) return entries;
      throw new Error(`${given?.place} has an entry that is not of its kind`);
    },
  };
}
