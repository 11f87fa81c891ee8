/** A pattern that Python refuses too, or that ECMAScript cannot say; the message names what in it. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

export type Flags = { ignoreCase: boolean; multiLine: boolean; dotAll: boolean; verbose: boolean };

/** What escapes match, by their letter: classes of characters, and anchors. */
export type Meaning = {
  readonly classes: Readonly<Record<string, string>>;
  readonly anchors: Readonly<Record<string, string>>;
};

/** A pattern being read, and what is known of it so far. */
export type Scan = {
  readonly characters: readonly string[];
  readonly meaning: Meaning;
  at: number;
  groups: number;
  readonly names: Map<string, number>;
  /** Groups that have surely matched when the scan gets here: Python fails on a reference to another, ECMAScript does not. */
  sure: ReadonlySet<number>;
  depth: number;
  /** How many look-behinds are open. */
  behind: number;
};

export function refuse(scan: Scan, what: string): PatternError {
  return new PatternError(`${what} (character ${Math.min(scan.at, scan.characters.length - 1) + 1})`);
}

export function peek(scan: Scan, ahead = 0): string {
  return scan.characters[scan.at + ahead] ?? "";
}

export function take(scan: Scan, text: string): boolean {
  if (![...text].every((character, index) => peek(scan, index) === character)) return false;
  scan.at += text.length;
  return true;
}

export function takeWhile(scan: Scan, allowed: RegExp, limit: number): string {
  let taken = "";
  while (taken.length < limit && allowed.test(peek(scan))) taken += scan.characters[scan.at++];
  return taken;
}

/** Set.intersection, which the Lambda's engine may be too old for. */
export function bothHave(left: ReadonlySet<number>, right: ReadonlySet<number>): Set<number> {
  return new Set([...left].filter((group) => right.has(group)));
}
