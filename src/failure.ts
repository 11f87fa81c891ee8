/**
 * A failure that a person is told about: what is the case, and what to do next.
 *
 * Rooms throw it (or return null where "not there" is no error); `main.ts` alone prints it and ends the process, as the
 * one line `bssh: FACT; NEXT`. Both parts start in lower case and have no full stop. They never hold a secret, and
 * whatever they quote from outside has passed `printable()`.
 */
export class Failure extends Error {
  readonly next: string;
  /** Exit status of a command that fails so: 1, or one of sysexits.h (64 usage, 78 config). */
  readonly status: number;

  constructor(fact: string, next = "", status = 1) {
    super(fact);
    this.name = "Failure";
    this.next = next;
    this.status = status;
  }

  /** The whole line without the `bssh: ` in front. */
  get sentence(): string {
    return this.next === "" ? this.message : `${this.message}; ${this.next}`;
  }
}

/** What is no failure is a mistake of ours: a sentence for the person, without the stack. */
export function mistake(error: unknown): Failure {
  const kind = error instanceof Error ? error.name : typeof error;
  return new Failure(`a mistake in bssh itself (${kind})`, "please report it, with what BLESSDEBUG=1 says", 70);
}

/** Text from outside made fit for a terminal: control and bidirectional characters become `?`, at most `limit` characters. */
export function printable(text: string, limit = 300): string {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g, "?");
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}
