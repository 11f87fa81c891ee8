/**
 * Which option letters an ssh has, and which of them take a value: the getopt string of ssh.c. It is the same from 8.1
 * to 9.3; in 9.4 `P` (until then a flag without effect) became `-P tag`; 10.5 added the flag `Z`.
 */
export type Grammar = {
  /** Letters that take a value, attached (`-p22`) or as the next word. */
  readonly valued: string;
  /** Letters that stand alone. */
  readonly flags: string;
};

const VALUED = "BDEFIJLOQRSWbceilmopw";
const FLAGS = "1246ACGKMNTVXYafgknqstvxy";

const UP_TO_9_3: Grammar = { valued: VALUED, flags: `${FLAGS}P` };
const FROM_9_4: Grammar = { valued: `${VALUED}P`, flags: FLAGS };
const FROM_10_5: Grammar = { valued: `${VALUED}P`, flags: `${FLAGS}Z` };

/** The letters that mean different things to different versions. */
const CONTESTED = "PZ";

/**
 * The grammar of the ssh that prints `version` for `ssh -V`, as in `OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19` or
 * `OpenSSH_for_Windows_9.5p2`. Null, or a text that names no OpenSSH version, stands for the rules of 9.4 to 10.4.
 */
export function grammarFor(version: string | null): Grammar {
  return version === null ? FROM_9_4 : grammarOf(version);
}

function grammarOf(version: string): Grammar {
  const found = /OpenSSH_(?:[A-Za-z_]+_)?(\d+)\.(\d+)/.exec(version);
  if (found === null) return FROM_9_4;
  const major = Number(found[1]);
  const minor = Number(found[2]);
  if (major < 9 || (major === 9 && minor < 4)) return UP_TO_9_3;
  return major > 10 || (major === 10 && minor >= 5) ? FROM_10_5 : FROM_9_4;
}

/**
 * True when the words hold an option whose meaning depends on the version of ssh, so that `ssh -V` has to be asked
 * before they can be read. Everything in front of that option means the same to every version.
 */
export function needsVersion(words: readonly string[]): boolean {
  // Nearly all command lines end here. (A loop, as the first use of an array's own methods takes 0.1 ms in Bun.)
  for (const word of words)
    if (word.startsWith("-") && (word.includes("P") || word.includes("Z"))) return meetsContested(words);
  return false;
}

function meetsContested(words: readonly string[]): boolean {
  let contested = false;
  const take = (letter: string): boolean => {
    contested = CONTESTED.includes(letter);
    return contested || letter === "V" || letter === "Q" || letter === "1";
  };
  const first = readOptions(words, 0, FROM_10_5, take);
  if (first.why === "operands" && first.next < words.length && !endedByDashes(words, first.next)) {
    readOptions(words, first.next + 1, FROM_10_5, take);
  }
  return contested;
}

/** Where reading options stopped: at operands (`next` is the index of the first), at a wrong option, or because `take` said so. */
export type Stop = { readonly why: "operands" | "wrong" | "taken"; readonly next: number };

/**
 * Reads options from `words[from]` as the BSD getopt inside OpenSSH does, and hands each to `take`, which answers true to
 * stop. `value` is empty for flags. A `-` that ends a bundle (`-v-`) makes the whole bundle an operand, as it does there.
 */
export function readOptions(
  words: readonly string[],
  from: number,
  grammar: Grammar,
  take: (letter: string, value: string) => boolean,
): Stop {
  let next = from;
  for (;;) {
    const word = words[next];
    if (word === undefined || word.length < 2 || word[0] !== "-") return { why: "operands", next };
    if (word === "--") return { why: "operands", next: next + 1 };
    for (let at = 1; at < word.length; at++) {
      const letter = word.charAt(at);
      if (grammar.flags.includes(letter)) {
        if (take(letter, "")) return { why: "taken", next };
        continue;
      }
      if (!grammar.valued.includes(letter)) {
        const operand = letter === "-" && at > 1 && at + 1 === word.length;
        return { why: operand ? "operands" : "wrong", next };
      }
      const value = at + 1 < word.length ? word.slice(at + 1) : words[++next];
      if (value === undefined) return { why: "wrong", next };
      if (take(letter, value)) return { why: "taken", next };
      break;
    }
    next++;
  }
}

/**
 * Whether ssh takes the operands at `next` for announced by `--`. It only looks at the word before them, so that `--` as
 * the value of the last option (`-b -- host -p 22`) counts as well.
 */
export function endedByDashes(words: readonly string[], next: number): boolean {
  return next > 0 && words[next - 1] === "--";
}
