// How the last attempt failed, for those who waited for it: a thousand of them don't ask a dead CA, or the person, a thousand
// times.
import { randomBytes } from "node:crypto";
import { Failure, printable } from "../failure.ts";
import { readPrivate, removePrivate, writePrivate } from "./private-files.ts";

const NAME = "issuing.failed.json";

/** Longest part of a sentence that is shared, in characters. */
const LONGEST = 2000;

export type SharedFailure = {
  /** Another one for each attempt: no clock tells whether an attempt ended before or after somebody came. */
  readonly id: string;
  /** What the attempt was for. */
  readonly about: string;
  readonly failure: Failure;
};

/** The failure below the folder `state`; null when the last attempt has not left one that can be read. */
export function readFailure(state: string): SharedFailure | null {
  const { text } = readPrivate(`${state}/${NAME}`);
  if (text === null) return null;
  try {
    const kept = (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
    const { id, about, fact, next, status } = kept;
    if (typeof id !== "string" || typeof about !== "string") return null;
    if (typeof fact !== "string" || typeof next !== "string") return null;
    if (typeof status !== "number" || !Number.isInteger(status) || status < 1 || status > 255) return null;
    return { id, about, failure: new Failure(printable(fact, LONGEST), printable(next, LONGEST), status) };
  } catch {
    return null;
  }
}

/** Throws what the system throws. */
export function writeFailure(state: string, about: string, failure: Failure): void {
  const { message, next, status } = failure;
  const kept = { id: randomBytes(12).toString("hex"), about, fact: message, next, status, at: Date.now() };
  writePrivate(state, NAME, JSON.stringify(kept));
}

export function forgetFailure(state: string): void {
  removePrivate(`${state}/${NAME}`);
}
