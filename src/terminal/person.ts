// One question, wherever it can be answered: on the terminal, in a dialog, or by another process of the user's.
import { printable } from "../failure.ts";
import { askOn, openTerminal, type Question } from "./ask.ts";
import { askDialogs, prefersDialog } from "./dialog.ts";
import type { Ending } from "./ends.ts";
import type { Pending } from "./pending.ts";

export type Answer =
  | { readonly answer: string; readonly by: "terminal" | "dialog" | "elsewhere" }
  | { readonly answer: null; readonly why: "declined" | "timeout" | "aborted" }
  /** `reason`: why no other process could be let answer, where one was to. */
  | { readonly answer: null; readonly why: "nobody"; readonly reason?: string };

/** Where a question may be asked. */
export type Places = {
  readonly environment: Readonly<{ [name: string]: string | undefined }>;
  /** Null: no other process can answer. */
  readonly pending: Pending | null;
  /** How long a question waits where there is no terminal, in milliseconds; 0 waits only for a dialog that is there. */
  readonly limitMs: number;
  readonly useTerminal: boolean;
  readonly useDialog: boolean;
  /** Tells the person, once, how a question can be answered that neither terminal nor dialog shows. */
  readonly say: (line: string) => void;
  /** Where the question is asked in a window only: called before it goes to the terminal, because no window opens. */
  readonly onNoWindow?: () => void;
  /** How a signal ends the process while it asks. */
  readonly ending?: Ending;
};

/** How long a dialog stays when questions aren't to wait, in milliseconds. */
export const DIALOG_MS = 120_000;

/** Errands whose person was told where to answer. */
const told = new WeakSet<Pending>();

/**
 * Asks; the first answer counts, and the question is taken away from the other places. Throws Failure when the person ends the
 * terminal's input (Ctrl-D).
 */
export async function askPerson(question: Question, places: Places): Promise<Answer> {
  const over = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const stop = () => resolve({ answer: null, why: "aborted" });
  if (question.signal?.aborted === true) return { answer: null, why: "aborted" };
  question.signal?.addEventListener("abort", stop);
  const asked: Question = { text: question.text, secret: question.secret, signal: over.signal };
  const ending = places.ending ?? "signal";
  const tty = places.useTerminal ? openTerminal() : null;

  const onTerminal = async (terminal: number) => {
    const answer = await askOn(terminal, asked, ending);
    if (answer !== null) resolve({ answer, by: "terminal" });
  };
  const elsewhere = async (): Promise<boolean> => {
    const answer = places.pending === null ? null : await places.pending.ask(asked);
    if (answer !== null) resolve({ answer, by: "elsewhere" });
    return answer !== null;
  };
  const inDialog = async (): Promise<boolean> => {
    const said = await askDialogs(asked, { environment: places.environment, ending, signal: over.signal });
    if (said === null) return false;
    if (said.answer !== null) resolve({ answer: said.answer, by: "dialog" });
    else if (tty === null) resolve({ answer: null, why: "declined" });
    return true;
  };
  const withoutTerminal = async () => {
    const other = places.limitMs > 0 ? elsewhere() : Promise.resolve(false);
    const limit = setTimeout(
      () => resolve({ answer: null, why: "timeout" }),
      places.limitMs > 0 ? places.limitMs : DIALOG_MS,
    );
    try {
      if (places.useDialog && (await inDialog())) return;
      if (over.signal.aborted) return;
      const terminal = places.useDialog && places.onNoWindow !== undefined ? openTerminal() : null;
      if (terminal !== null) {
        clearTimeout(limit);
        places.onNoWindow?.();
        return await onTerminal(terminal);
      }
      const { pending } = places;
      const reason = pending !== null && places.limitMs > 0 ? await pending.ready() : null;
      if (over.signal.aborted) return;
      if (pending !== null && places.limitMs > 0 && reason === null) tell(places, pending, question.text);
      if (!(await other)) resolve({ answer: null, why: "nobody", ...(reason === null ? {} : { reason }) });
      await promise;
    } finally {
      clearTimeout(limit);
    }
  };

  const asking =
    tty === null
      ? [withoutTerminal()]
      : [onTerminal(tty), elsewhere(), ...(places.useDialog && prefersDialog(places.environment) ? [inDialog()] : [])];
  for (const one of asking) one.catch(reject);
  try {
    return await promise;
  } finally {
    over.abort();
    question.signal?.removeEventListener("abort", stop);
    // Whoever goes on now finds the terminal as it was and no window left.
    await Promise.allSettled(asking);
  }
}

function tell(places: Places, pending: Pending, text: string): void {
  if (told.has(pending)) return;
  told.add(pending);
  const device = /MFA code (\([^()]*\))$/.exec(text)?.[1];
  const what =
    device === undefined ? `an answer is needed (${printable(text)})` : `an MFA code is needed ${printable(device)}`;
  places.say(`${what}; answer it in any terminal with bssh mfa`);
}
