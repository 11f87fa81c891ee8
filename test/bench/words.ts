// What `npm run bench` is told on its command line.

/** Parts in the order in which they are measured, and what each is. */
export const PARTS = {
  start: "what bssh adds to the start of a program, and what it does before ssh",
  login: "whole logins by every road, beside plain ssh",
  cold: "from a key and no cache to a certificate",
  agent: "loading an agent, and one that hangs",
  proxy: "bytes through bssh proxy, beside nc, and what stays in memory",
  fleet: "a thousand warm logins, beside as many of plain ssh",
  flight: "a thousand cold logins, and a holder of the lock that is killed",
  ca: "the CA's function in plain Node.js: its first certificate and each one more, beside ssh-keygen -s",
} as const;

export type Part = keyof typeof PARTS;

export type Words = {
  readonly json: boolean;
  /** Rounds of the shortest measurements; the others have a part of them. */
  readonly runs: number;
  readonly parts: readonly Part[];
};

/** Rounds when nobody says how many. */
const ROUNDS = 100;

const NAMES = Object.keys(PARTS) as Part[];

export const HELP = [
  "npm run bench -- [--rounds N] [--only PART]... [--json]",
  "",
  "What bssh costs, beside plain ssh on the same machine in the same minutes; about four of them.",
  "",
  `  --rounds N   rounds of the shortest measurements (${ROUNDS}); the others have a part of them. --runs is the same`,
  "  --only PART  measures that part alone; may be given again",
  "  --json       prints all figures as one object",
  "",
  "Parts:",
  ...NAMES.map((name) => `  ${name.padEnd(8)}${PARTS[name]}`),
];

/** Null when they can't be understood. */
export function readWords(words: readonly string[]): Words | "help" | null {
  let [json, runs] = [false, ROUNDS];
  const only = new Set<Part>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === "--help") return "help";
    if (word === "--json") json = true;
    else if (word === "--runs" || word === "--rounds") {
      const value = words[++at] ?? "";
      if (!/^[1-9][0-9]{0,4}$/.test(value)) return null;
      runs = Number(value);
    } else if (word === "--only") {
      const part = NAMES.find((name) => name === words[at + 1]);
      if (part === undefined) return null;
      only.add(part);
      at += 1;
    } else return null;
  }
  return { json, runs, parts: NAMES.filter((name) => only.size === 0 || only.has(name)) };
}
