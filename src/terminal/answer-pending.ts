import type { Question } from "./ask.ts";
import {
  dropRecord,
  isOwnSocket,
  lineOf,
  lineReader,
  type Outcome,
  readFromAsker,
  readRecord,
} from "./pending-lines.ts";
import type { PrivateState } from "./private-state.ts";

export type Answering = {
  /** The answer to the question that is open; null asks for it here. */
  readonly code: string | null;
  /** Asks here; null when it isn't answered. */
  readonly askHere: (question: Question) => Promise<string | null>;
  /** How long the asker may be silent, in milliseconds, while nothing is asked here. */
  readonly limitMs: number;
};

const GONE: Outcome = { good: false, sentence: "the process that asked is gone; start it again" };
const SILENT: Outcome = { good: false, sentence: "the process that asked says nothing more; start it again" };
const UNANSWERED: Outcome = { good: false, sentence: "no answer was given; run bssh mfa again to answer" };

/**
 * Answers the question that another process asks, and waits for what comes of it. A code that is given is sent once; without
 * one, each question is asked here. `none` when no question is pending. What `askHere` throws is thrown.
 */
export async function answerPending(
  place: { readonly state: string; readonly files: PrivateState },
  answering: Answering,
): Promise<"none" | Outcome> {
  const record = readRecord(place.files, place.state);
  if (record === null) return "none";
  const talk = converse(answering);
  const reader = lineReader(talk.hear);
  let socket: Bun.Socket<undefined>;
  try {
    if (!isOwnSocket(record.socket)) throw new Error("nobody listens");
    socket = await Bun.connect({
      unix: record.socket,
      socket: {
        open: (opened) => talk.begin((text) => void opened.write(text)),
        data(_socket, bytes) {
          if (!reader.take(bytes)) talk.end(SILENT);
        },
        close: () => talk.end(GONE),
        error: () => talk.end(GONE),
      },
    });
  } catch {
    dropRecord(place.files, place.state, record.socket);
    return "none";
  }
  try {
    return await talk.outcome;
  } finally {
    socket.end();
  }
}

type Conversation = {
  readonly outcome: Promise<Outcome>;
  begin(send: (text: string) => void): void;
  hear(line: string): void;
  /** Ends it, unless it has ended. */
  end(outcome: Outcome): void;
};

function converse(answering: Answering): Conversation {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  let send: (text: string) => void = () => {};
  let code = answering.code;
  let asked: { readonly number: number; readonly withdraw: AbortController } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => end(SILENT), answering.limitMs);
  };
  const end = (outcome: Outcome) => {
    clearTimeout(timer);
    asked?.withdraw.abort();
    resolve(outcome);
  };
  const askHere = async (question: { number: number; text: string; secret: boolean }) => {
    const withdraw = new AbortController();
    asked = { number: question.number, withdraw };
    clearTimeout(timer);
    try {
      const answer = await answering.askHere({
        text: question.text,
        secret: question.secret,
        signal: withdraw.signal,
      });
      if (withdraw.signal.aborted) return;
      asked = null;
      if (answer === null) return end(UNANSWERED);
      wait();
      send(lineOf({ number: question.number, answer }));
    } catch (error) {
      clearTimeout(timer);
      reject(error);
    }
  };

  return {
    outcome: promise,
    begin(by) {
      send = by;
      wait();
    },
    hear(line) {
      const said = readFromAsker(line);
      if (said === null) return end(SILENT);
      if (said.kind === "over") return end(said.outcome);
      if (said.kind === "withdrawn") {
        if (asked?.number !== said.number) return;
        asked.withdraw.abort();
        asked = null;
        return wait();
      }
      asked?.withdraw.abort();
      if (answering.code === null) return void askHere(said);
      // The question that follows says first why the answer was refused.
      if (code === null) return end({ good: false, sentence: `${said.text.split("; ")[0]}; run bssh mfa again` });
      send(lineOf({ number: said.number, answer: code }));
      code = null;
      wait();
    },
    end,
  };
}
