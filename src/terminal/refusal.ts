// Who was asked and gave no answer isn't asked again at once: tools that connect by themselves would ask without end.
import { printable } from "../failure.ts";
import type { PrivateState } from "./private-state.ts";

export type Refusal = {
  /** Why there was no answer; starts in lower case, no full stop. */
  readonly fact: string;
  /** From 1. */
  readonly secondsLeft: number;
};

const NAME = "refused.json";

/** No memory lasts longer, whatever the file says: the clock may have been wrong when it was written. */
const LONGEST_SECONDS = 3600;

const LONGEST_FACT = 300;

/** Remembers for so many seconds that there was no answer; `now` is in milliseconds since the epoch. A failure is no error. */
export function remember(files: PrivateState, state: string, fact: string, seconds: number, now: number): void {
  if (!(seconds > 0)) return;
  const until = now + Math.min(seconds, LONGEST_SECONDS) * 1000;
  try {
    if (files.prepareFolder(state, "private") !== null) return;
    files.writePrivate(state, NAME, `${JSON.stringify({ until, fact: printable(fact, LONGEST_FACT) })}\n`);
  } catch {}
}

/** The refusal that is still in force; null when there is none, or what is there can't be believed. */
export function recall(files: Pick<PrivateState, "readPrivate">, state: string, now: number): Refusal | null {
  const { text } = files.readPrivate(`${state}/${NAME}`);
  if (text === null) return null;
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof kept !== "object" || kept === null || !("until" in kept) || !("fact" in kept)) return null;
  const { until, fact } = kept;
  if (typeof until !== "number" || typeof fact !== "string") return null;
  const secondsLeft = Math.ceil((until - now) / 1000);
  if (!(secondsLeft > 0 && secondsLeft <= LONGEST_SECONDS)) return null;
  return { fact: printable(fact, LONGEST_FACT), secondsLeft };
}

/** Forgets it: an answer was accepted, or a person asked for one at a terminal. */
export function forget(files: Pick<PrivateState, "removePrivate">, state: string): void {
  files.removePrivate(`${state}/${NAME}`);
}
