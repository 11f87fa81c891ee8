// Commands whose first word is another command: `bssh ca sign`, `bssh host enroll`.
import { nearest } from "../config/nearest.ts";
import { Failure, printable } from "../failure.ts";
import type { CommandCall } from "./call.ts";
import { helpOf } from "./help.ts";
import type { Entry } from "./table.ts";
import { usage } from "./words.ts";

/** What each word can be. */
export type SubWords = Readonly<Record<string, Entry>>;

/** The help of such a command: its words, each with its summary, and the examples. */
export function helpOfWords(words: SubWords, ...examples: readonly string[]): string {
  const width = Math.max(...Object.keys(words).map((name) => name.length)) + 2;
  const lines = Object.entries(words).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
  return ["", "Words:", ...lines, "", "Each has its own --help.", "", "Example:", ...examples, ""].join("\n");
}

/** Runs the word that the call begins with, or shows its help. Throws Failure, with status 64 for a word that is none of these. */
export async function runWord(command: string, known: SubWords, call: CommandCall): Promise<number> {
  const [name, ...words] = call.words;
  if (name === undefined) throw usage(command, `bssh ${command} wants a word: ${Object.keys(known).join(", ")}`);
  const entry = Object.hasOwn(known, name) ? known[name] : undefined;
  if (entry === undefined) {
    const near = nearest(name, Object.keys(known));
    const fact = `bssh ${command} has no word ${printable(name, 60)}`;
    throw near === null ? usage(command, fact) : new Failure(fact, `did you mean bssh ${command} ${near}?`, 64);
  }
  const door = await entry.open();
  if (words.includes("--help")) {
    call.out(helpOf(`${command} ${name}`, entry, door.help));
    return 0;
  }
  return await door.run({ ...call, words });
}
