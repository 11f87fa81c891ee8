import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { Failure, printable } from "../failure.ts";
import { echoOff, type Silenced } from "./echo.ts";
import { beforeTheEnd, type Ending } from "./ends.ts";
import { columnsOf } from "./width.ts";

export type Question = {
  /** What is asked, for example `MFA code for alice`; no colon. */
  readonly text: string;
  /** True when the answer must not be seen while it is typed. */
  readonly secret: boolean;
  /** Aborted when the answer is of no use any more. */
  readonly signal?: AbortSignal;
};

/** Longest answer in bytes; a terminal in line mode hands over at most 4096. */
const LONGEST = 1024;

/** Longest question in characters. */
const LONGEST_QUESTION = 1000;

/** How often the terminal is looked at while the person types, in milliseconds. */
const LOOK_MS = 15;

/** A descriptor of the controlling terminal, to be given to `askOn`; null when there is none. */
export function openTerminal(): number | null {
  try {
    // An open file of its own: that it doesn't block is not seen by anybody who shares stdin.
    return openSync("/dev/tty", constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}

/**
 * Asks the person on the controlling terminal, whatever stdin, stdout and stderr are; ssh keeps those for itself. The question
 * is erased once it is answered. Null when there is no terminal, or the answer is no longer wanted. Throws Failure when the
 * person ends the input (Ctrl-D).
 */
export async function askOnTerminal(question: Question, ending: Ending = "signal"): Promise<string | null> {
  const tty = openTerminal();
  return tty === null ? null : askOn(tty, question, ending);
}

/** As `askOnTerminal`, on a terminal that was opened, which it closes. Null when the answer is no longer wanted. */
export async function askOn(tty: number, question: Question, ending: Ending = "signal"): Promise<string | null> {
  const write = (text: string) => {
    try {
      writeSync(tty, text);
    } catch {
      // The terminal is gone or takes nothing now; reading it tells which.
    }
  };
  const text = `${printable(question.text, LONGEST_QUESTION)}: `;
  const ask = () => write(text);
  const erase = (typed = "") => write(eraseRows(text + typed, columnsOf(tty)));
  let silenced: Silenced = { restore: () => {}, signals: new Map() };
  let unanswered = true;
  try {
    if (question.secret) silenced = echoOff(tty, { erase, ask }, ending);
    else if (ending === "status") silenced = { ...silenced, restore: beforeTheEnd(erase, ending) };
    ask();
    const answer = await readLine(tty, question.signal, silenced.signals);
    const sent = silenced.signals.get(answer ?? "");
    if (sent !== undefined) {
      erase();
      silenced.restore("drop");
      // As the terminal would have done: to everyone of this process group, ssh among them.
      process.kill(0, sent);
      process.exit(1);
    }
    unanswered = answer === null;
    // Where the answer was seen its line break moved the cursor on.
    erase(question.secret || answer === null ? "" : `${answer}\n`);
    if (answer === null && question.signal?.aborted !== true) {
      throw new Failure("no answer was given", "run it again and type the answer");
    }
    return answer?.trim() ?? null;
  } finally {
    silenced.restore(unanswered ? "drop" : undefined);
    closeSync(tty);
  }
}

/** Takes away what was written from the start of a row on: wrapped rows too, where the width is known. */
function eraseRows(written: string, columns: number | null): string {
  const rows = written.split("\n").reduce((count, line) => {
    const length = [...line].length;
    return count + (columns === null || length === 0 ? 1 : Math.ceil(length / columns));
  }, 0);
  return `${rows > 1 ? `\u001b[${rows - 1}A` : ""}\r\u001b[J`;
}

/**
 * A line from the terminal, without its end; null at the end of input or when it isn't wanted any more. What is typed after
 * the line stays for ssh: a terminal hands over one line at a time. What is longer than an answer is dropped. One of `ends`,
 * which end a line too, is given alone.
 */
async function readLine(
  tty: number,
  signal: AbortSignal | undefined,
  ends: Silenced["signals"],
): Promise<string | null> {
  const buffer = Buffer.alloc(LONGEST);
  let line = "";
  while (signal?.aborted !== true) {
    try {
      const length = readSync(tty, buffer, 0, LONGEST, null);
      const part = buffer.toString("utf8", 0, length);
      if (length === 0) return null;
      if (line.length < LONGEST) line += part;
      if (/[\r\n]$/.test(part)) return line.replace(/[\r\n]+$/, "");
      if (ends.has(part.slice(-1))) return part.slice(-1);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== "EAGAIN" && code !== "EINTR") return null;
      await Bun.sleep(LOOK_MS);
    }
  }
  return null;
}

/** How long `mfa_command` may take: it may wait for a person's finger on a token. */
const COMMAND_MS = 120_000;

/** A program of its own that `mfa_command` left running may hold its output open; it is not waited for. */
const LAST_WORDS_MS = 100;

/** Longest output of `mfa_command` that is kept, in bytes. */
const LONGEST_OUTPUT = 4096;

/**
 * Runs `mfa_command` with the shell and takes its first line of output as the answer. Its stderr is the person's. Throws
 * Failure when it fails, prints nothing, or takes longer than `limitMs`.
 */
export async function askCommand(
  command: string,
  environment: Readonly<Record<string, string | undefined>>,
  limitMs = COMMAND_MS,
): Promise<string> {
  const child = Bun.spawn(["/bin/sh", "-c", command], {
    env: { ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = collect(child.stdout);
  const limit = Promise.withResolvers<null>();
  const timer = setTimeout(() => limit.resolve(null), limitMs);
  const status = await Promise.race([child.exited, limit.promise]);
  clearTimeout(timer);
  if (status === null) {
    child.kill("SIGTERM");
    throw new Failure(`mfa_command took longer than ${Math.round(limitMs / 1000)} seconds`, "check mfa_command");
  }
  await Promise.race([output.done, Bun.sleep(LAST_WORDS_MS)]);
  if (status !== 0) throw new Failure(`mfa_command failed with status ${status}`, "run it by hand to see why");
  const answer = output.text().split("\n", 1)[0]?.trim() ?? "";
  if (answer === "") throw new Failure("mfa_command printed no code", "run it by hand to see why");
  return answer;
}

/** The beginning of what a stream gives; all of it is read, so that the writer isn't held up. */
function collect(stream: ReadableStream<Uint8Array>): { readonly done: Promise<void>; text(): string } {
  const kept: Uint8Array[] = [];
  let length = 0;
  const read = async () => {
    for await (const chunk of stream) {
      if (length < LONGEST_OUTPUT) kept.push(chunk);
      length += chunk.length;
    }
  };
  return { done: read(), text: () => Buffer.concat(kept).subarray(0, LONGEST_OUTPUT).toString() };
}
