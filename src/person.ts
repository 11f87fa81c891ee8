// Who answers the questions of one errand: `mfa_command`, the person at the terminal or in a window, or anybody who runs
// `bssh mfa`. And what is remembered of a question that nobody answered.
import { closeSync } from "node:fs";
import type { Settings } from "./config/settings.ts";
import { Failure, printable } from "./failure.ts";
import { CallFailure } from "./issue/errors.ts";
import { ASKING_CODE, ASKING_PASSPHRASE, AT_IT } from "./issue/holder.ts";
import type { Question } from "./issue/order.ts";
import * as files from "./issue/private-files.ts";
import type { Environment } from "./story.ts";
import { askCommand, openTerminal } from "./terminal/ask.ts";
import { openPending, type Pending } from "./terminal/pending.ts";
import { askPerson, DIALOG_MS } from "./terminal/person.ts";
import { forget, recall, remember } from "./terminal/refusal.ts";
import { say } from "./terminal/say.ts";

export type Person = {
  /** Where the person can be asked. */
  readonly reach: "nobody" | "terminal" | "window";
  /** Throws Failure when a question was refused a moment ago, and this process has no terminal to ask again at. */
  checkRefusal(): void;
  /** Null when nobody can be asked. Throws Failure, also when there was no answer. */
  ask(question: Question, doing: (what: string) => void): Promise<string | null>;
  /**
   * The passphrase of the private key at `path`, `again` when the last one was wrong; null when nobody can be asked. Throws
   * Failure, also when there was no answer.
   */
  passphrase(path: string, again: boolean, doing: (what: string) => void): Promise<string | null>;
  /** Says that the last answer was good: what fails later is no refusal. */
  accepted(): void;
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

/** What to do where there was nobody to answer. */
const ELSEWHERE = "run bssh login in a terminal";

export function makePerson(order: Asking): Person {
  const { environment, config, background = false, inWindow = false, exitOnSignal = false } = order;
  const { mfaCommand, questionSeconds, refusalSeconds } = config.settings;
  const { state } = config.paths;
  const reach = background || !order.mayAsk ? "nobody" : !inWindow && hasTerminal() ? "terminal" : "window";
  let pending: Pending | null = null;
  let windows = reach === "window";
  /** The question that was not answered last. */
  let refused: string | null = null;
  /** What was answered last has not done yet what it was for. */
  let isOwing = false;
  const ending = exitOnSignal ? "status" : "signal";
  const onNoWindow = () => {
    windows = false;
    say("no window opens; the question comes on the terminal");
  };

  /** `about` is what the question asks for; null when nobody can be asked, or the answer isn't wanted any more. */
  const askHere = async (
    about: string,
    question: { readonly text: string; readonly secret: boolean; readonly signal?: AbortSignal },
  ): Promise<string | null> => {
    pending ??= openPending({ state, files, environment, ending });
    const said = await askPerson(question, {
      environment,
      pending,
      limitMs: questionSeconds * 1000,
      useTerminal: reach === "terminal" || (inWindow && !windows),
      useDialog: windows,
      ...(inWindow ? { onNoWindow } : {}),
      ending,
      say,
    });
    refused = null;
    if (said.answer !== null) return said.answer;
    if (said.why === "nobody" && said.reason !== undefined) {
      throw new Failure(`nobody can be asked for ${about}: ${said.reason}`, ELSEWHERE);
    }
    if (said.why === "aborted" || said.why === "nobody") return null;
    const seconds = questionSeconds > 0 ? questionSeconds : DIALOG_MS / 1000;
    const how =
      said.why === "declined" ? "declined" : `not answered within ${seconds === 1 ? "a second" : `${seconds} seconds`}`;
    refused = `the question for ${about} was ${how}`;
    throw new Failure(refused, ELSEWHERE);
  };

  return {
    reach,
    checkRefusal() {
      if (reach !== "window" || inWindow) return;
      const refusal = recall(files, state, Date.now());
      if (refusal === null) return;
      throw new Failure(`${refusal.fact}, and nobody is asked again for ${refusal.secondsLeft} seconds`, ELSEWHERE);
    },
    async ask({ text, kind, signal }, doing) {
      if (background) return null;
      const isProgram = kind === "code" && mfaCommand !== null;
      if (!isProgram && reach === "nobody") return null;
      doing(isProgram ? "waiting for mfa_command" : ASKING_CODE);
      try {
        if (isProgram) return await askCommand(mfaCommand, environment);
        const code = kind === "code";
        const answer = await askHere(code ? "an MFA code" : "the MFA device", { text, secret: code, signal });
        if (code && answer !== null) isOwing = true;
        return answer;
      } finally {
        doing(AT_IT);
      }
    },
    async passphrase(path, again, doing) {
      if (reach === "nobody") return null;
      doing(ASKING_PASSPHRASE);
      try {
        const text = `passphrase for ${path}`;
        const asked = again ? `that passphrase is wrong; next ${text}` : text;
        const answer = await askHere(`the passphrase of ${printable(path)}`, { text: asked, secret: true });
        if (answer !== null) isOwing = true;
        return answer;
      } finally {
        doing(AT_IT);
      }
    },
    accepted() {
      isOwing = false;
    },
    finish(failure) {
      pending?.finish({ good: failure === null, sentence: failure?.sentence ?? null });
      if (failure === null) forget(files, state);
      else if (reach !== "nobody") {
        const isRefused = isOwing || (failure instanceof CallFailure && failure.trouble === "code");
        const fact = refused ?? (isRefused ? failure.message : null);
        if (fact !== null) remember(files, state, fact, refusalSeconds, Date.now());
      }
    },
  };
}

function hasTerminal(): boolean {
  const tty = openTerminal();
  if (tty !== null) closeSync(tty);
  return tty !== null;
}
