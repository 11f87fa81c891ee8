import { Failure, printable } from "../failure.ts";
import type { Order } from "./order.ts";

/** Gives a code for the device; `refused` is why the last one was no good. Throws Failure when there is none to be had. */
export type AskCode = (device: string, refused?: Failure) => Promise<string>;

/** Asks the person, and knows which codes were used up. */
export type Questioner = {
  readonly code: AskCode;
  /** Index of the line chosen, or null. */
  choice(text: string, count: number): Promise<number | null>;
  /** Says that a code never left this machine and may be used again. */
  unsent(code: string): void;
  /** Gives up a question that is open; others may follow. */
  abandon(): void;
  /** True while a question is open. */
  isOpen(): boolean;
};

/** Questions to a person when their codes are refused. A program is asked once: it would answer the same again. */
const QUESTIONS = 3;

/** One questioner serves one order: what a person was asked in one region counts in the next. */
export function makeQuestioner(order: Pick<Order, "ask" | "settings">): Questioner {
  let abandoned = new AbortController();
  const isProgram = order.settings.mfaCommand !== null;
  const most = isProgram ? 1 : QUESTIONS;
  const used = new Set<string>();
  let spare: string | null = null;
  let asked = 0;
  let open = false;

  const ask = async (text: string, kind: "code" | "choice", attempt: number, attemptsLeft: number) => {
    open = true;
    try {
      return await order.ask({ text, kind, attempt, attemptsLeft, signal: abandoned.signal });
    } finally {
      open = false;
    }
  };

  return {
    async code(device, refused) {
      if (spare !== null) {
        const code = spare;
        spare = null;
        return code;
      }
      let failure = refused;
      while (asked < most) {
        asked += 1;
        const text = failure === undefined ? `MFA code (${device})` : `${failure.message}; next MFA code (${device})`;
        const { signal } = abandoned;
        const answer = await ask(text, "code", asked, most - asked);
        if (answer === null) {
          if (signal.aborted) asked -= 1; // not the person's doing
          break;
        }
        const code = answer.replace(/\s/g, "");
        if (!/^\d{6}$/.test(code))
          failure = isProgram
            ? new Failure("what mfa_command printed is no MFA code", "run it by hand to see what it says")
            : new Failure("that is no MFA code", "give the six digits that the device shows");
        else if (used.has(code))
          failure = new Failure("that MFA code was used already", "wait for the next code and try again");
        else {
          used.add(code);
          return code;
        }
      }
      if (failure !== undefined) throw failure;
      const next = isProgram ? "see why mfa_command gives none" : "run bssh login in a terminal, or set mfa_command";
      throw new Failure("a second factor is needed, and no MFA code was given", next);
    },
    async choice(text, count) {
      if (isProgram) return null;
      for (let attempt = 1; attempt <= QUESTIONS; attempt++) {
        const answer = await ask(text, "choice", attempt, QUESTIONS - attempt);
        if (answer === null) return null;
        const number = /^\s*\d{1,2}\s*$/.test(answer) ? Number(answer) : 0;
        if (number >= 1 && number <= count) return number - 1;
      }
      return null;
    },
    unsent(code) {
      spare = code;
    },
    abandon() {
      abandoned.abort();
      abandoned = new AbortController();
    },
    isOpen: () => open,
  };
}

/** A device as a person knows it: the last part of its ARN, or its serial number. */
export function showDevice(serial: string): string {
  return printable(serial.slice(serial.lastIndexOf("/") + 1) || serial, 80);
}
