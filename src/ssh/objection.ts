// Whether something typed or configured speaks against words that bssh would give ssh in addition.
import type { Call } from "../argv/call.ts";
import { endedByDashes, grammarFor, readOptions } from "../argv/ssh-options.ts";

/** What is known of ssh's options; one that is in none of the tables is unknown, and speaks against as well. */
export type Rules = {
  /** Keywords that change nothing, typed or in a file. */
  readonly harmless: ReadonlySet<string>;
  /** Keywords that speak against, typed or in a file, and why. */
  readonly against: Readonly<Record<string, string>>;
  /** Keywords that speak against only where they are typed (in a file they are the same for every login), and why. */
  readonly againstTyped: Readonly<Record<string, string>>;
  /** Typed values of keywords in the tables above that do not speak against, as they switch the thing off. */
  readonly harmlessValues: Readonly<Record<string, RegExp>>;
  /** Option letters that change nothing; `o` is judged by its keyword. */
  readonly harmlessLetters: string;
  /** Option letters that speak against, and why. */
  readonly againstLetters: Readonly<Record<string, string>>;
};

/** Why the words must stay away; null when nothing speaks against them. `mentioned` is what `mentionedKeywords` says. */
export function objection(rules: Rules, call: Call, mentioned: ReadonlySet<string> | null): string | null {
  if (mentioned === null) return "what ssh_config says can't be told";
  for (const letter of typedLetters(call)) {
    const why = rules.againstLetters[letter];
    if (why !== undefined) return `-${letter}: ${why}`;
    if (!rules.harmlessLetters.includes(letter)) return `-${letter} is not known`;
  }
  for (const { key, value } of call.options) {
    if (rules.harmless.has(key) || rules.harmlessValues[key]?.test(value)) continue;
    return `${key}: ${rules.against[key] ?? rules.againstTyped[key] ?? "not known"}`;
  }
  for (const key of mentioned) {
    if (rules.harmless.has(key) || rules.againstTyped[key] !== undefined) continue;
    return `${key} in ssh_config: ${rules.against[key] ?? "not known"}`;
  }
  return null;
}

/**
 * The option letters in front of and behind the destination. `P` and `Z`, which mean different things to different versions of
 * ssh, are read as 9.4 to 10.4 do; tables must not call them harmless, as what follows them may have been misread.
 */
function typedLetters(call: Call): string[] {
  const letters: string[] = [];
  const take = (letter: string): boolean => {
    letters.push(letter);
    return false;
  };
  const grammar = grammarFor(null);
  const first = readOptions(call.words, 0, grammar, take);
  let stop = first;
  if (first.why === "operands" && first.next < call.words.length && !endedByDashes(call.words, first.next)) {
    stop = readOptions(call.words, first.next + 1, grammar, take);
  }
  // A letter that this grammar does not have: it is in no table.
  if (stop.why === "wrong") letters.push("?");
  return letters;
}
