// Who answers the questions of one errand: `mfa_command`, the person at the terminal or in a window, or anybody who runs
// `bssh mfa`. And what is remembered of a question that nobody answered.
import { closeSync } from "node:fs";
import type { Settings } from "./config/settings.ts";
import { Failure } from "./failure.ts";
import { CallFailure } from "./issue/errors.ts";
import { ASKING_CODE, AT_IT } from "./issue/holder.ts";
import type { Question } from "./issue/order.ts";
import * as files from "./issue/private-files.ts";
import type { Environment } from "./story.ts";
import { askCommand, openTerminal } from "./terminal/ask.ts";
import { openPending, type Pending } from "./terminal/pending.ts";
import { type Answer, askPerson } from "./terminal/person.ts";
import { forget, recall, remember } from "./terminal/refusal.ts";
import { say } from "./terminal/say.ts";

export type Person = {
  /** Where the person can be asked. */
  readonly reach: "nobody" | "terminal" | "window";
  /** Throws Failure when a question was refused a moment ago, and this process has no terminal to ask again at. */
  checkRefusal(): void;
  /** Null when nobody can be asked or the person declined. Throws Failure. */
  ask(question: Question, doing: (what: string) => void): Promise<string | null>;
  /** The passphrase of the private key at `path`; null when nobody can be asked. */
  passphrase(path: string): Promise<string | null>;
  /** Ends the errand: whoever answered elsewhere hears what came of it, and a refusal is remembered. */
  finish(failure: Failure | null): void;
};

export type Asking = {
  readonly environment: Environment;
  readonly config: {
    readonly settings: Pick<Settings, "mfaCommand" | "questionSeconds" | "refusalSeconds">;
    readonly paths: { readonly state: string };
  };
  readonly mayAsk: boolean;
  readonly background?: boolean;
  readonly inWindow?: boolean;
  readonly exitOnSignal?: boolean;
};

const WHY: Readonly<Record<"declined" | "timeout", string>> = {
  declined: "the question for an MFA code was declined",
  timeout: "the question for an MFA code was not answered",
};

export function makePerson(order: Asking): Person {
  const { environment, config, background = false, inWindow = false, exitOnSignal = false } = order;
  const { mfaCommand, questionSeconds, refusalSeconds } = config.settings;
  const { state } = config.paths;
  const reach = background || !order.mayAsk ? "nobody" : !inWindow && hasTerminal() ? "terminal" : "window";
  let pending: Pending | null = null;
  let last: Answer | null = null;

  const askHere = async (text: string, secret: boolean, signal?: AbortSignal): Promise<string | null> => {
    last = await askPerson(
      { text, secret, ...(signal === undefined ? {} : { signal }) },
      {
        environment,
        pending,
        limitMs: questionSeconds * 1000,
        useTerminal: reach === "terminal",
        useDialog: reach === "window",
        ending: exitOnSignal ? "status" : "signal",
        say,
      },
    );
    return last.answer;
  };

  return {
    reach,
    checkRefusal() {
      if (reach !== "window" || inWindow) return;
      const refusal = recall(files, state, Date.now());
      if (refusal === null) return;
      const next = "run bssh login in a terminal";
      throw new Failure(`${refusal.fact}, and nobody is asked again for ${refusal.secondsLeft} seconds`, next);
    },
    async ask({ text, kind, signal }, doing) {
      if (background) return null;
      const isProgram = kind === "code" && mfaCommand !== null;
      if (!isProgram && reach === "nobody") return null;
      doing(isProgram ? "waiting for mfa_command" : ASKING_CODE);
      try {
        if (isProgram) return await askCommand(mfaCommand, environment);
        pending ??= openPending({ state, files, environment });
        return await askHere(text, kind === "code", signal);
      } finally {
        doing(AT_IT);
      }
    },
    passphrase: async (path) => (reach === "nobody" ? null : askHere(`passphrase for ${path}`, true)),
    finish(failure) {
      pending?.finish({ good: failure === null, sentence: failure?.sentence ?? null });
      if (failure === null) forget(files, state);
      else if (reach !== "nobody") {
        const why = last !== null && last.answer === null ? last.why : null;
        if (why === "declined" || why === "timeout") remember(files, state, WHY[why], refusalSeconds, Date.now());
        else if (failure instanceof CallFailure && failure.trouble === "code") {
          remember(files, state, failure.message, refusalSeconds, Date.now());
        }
      }
    },
  };
}

function hasTerminal(): boolean {
  const tty = openTerminal();
  if (tty !== null) closeSync(tty);
  return tty !== null;
}
