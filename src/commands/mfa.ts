import { fstatSync, read } from "node:fs";
import { promisify } from "node:util";
import { pathsOf } from "../config/paths.ts";
import { Failure } from "../failure.ts";
import * as files from "../issue/private-files.ts";
import { answerPending } from "../terminal/answer-pending.ts";
import { askOn, openTerminal, type Question } from "../terminal/ask.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
Answers the question for an MFA code that an ssh without a terminal waits for; that ssh then goes on. Without CODE it is
asked for here and not shown; where there is no terminal one line of stdin is taken.

A CODE typed as a word can be seen by others with ps for a moment. It is good only once.

Example:
  $ bssh mfa
  MFA code (alice):
`;

export const OPTIONS = {} as const;

/** How long AWS and the CA may take between two words of the process that asks, in milliseconds. */
const PATIENCE_MS = 120_000;

/** `bssh mfa [CODE]`: 0 when the answer was accepted; otherwise a Failure says why not. */
export async function mfa(call: CommandCall): Promise<number> {
  const { rest } = parseWords("mfa", call.words, OPTIONS);
  const code = rest.length === 0 ? null : rest.join("").replace(/\s/g, "");
  if (code !== null && !/^\d{1,16}$/.test(code)) throw usage("mfa", "what is given is no MFA code");
  const { state } = pathsOf(call.environment);
  const outcome = await answerPending({ state, files }, { code, askHere: asker(), limitMs: PATIENCE_MS });
  if (outcome === "none") throw new Failure("no question is pending", "start one with bssh login");
  if (!outcome.good) throw new Failure(outcome.sentence ?? "no certificate was got", "");
  return 0;
}

/** Asks at the terminal; where there is none, stdin answers the first question, and its line is gone with it. */
function asker(): (question: Question) => Promise<string | null> {
  let isRead = false;
  return async (question) => {
    const tty = openTerminal();
    if (tty !== null) return askOn(tty, question);
    // The question that follows says first why the answer was refused.
    if (isRead) throw new Failure(question.text.split("; ")[0] ?? "", "run bssh mfa again");
    isRead = true;
    const answer = holdsText(STDIN) ? await readLine(STDIN) : "";
    if (answer === "") throw new Failure("there is no terminal to ask at", "give the code on stdin, or bssh mfa CODE");
    return answer;
  };
}

const STDIN = 0;

/** Longest line that is taken from stdin, in bytes. */
const LONGEST = 64;

/** How often a stdin that doesn't block is looked at, in milliseconds. */
const LOOK_MS = 15;

/** A pipe, a file or a socket, as ssh gives to a command without a terminal. */
function holdsText(file: number): boolean {
  try {
    const found = fstatSync(file);
    return found.isFIFO() || found.isFile() || found.isSocket();
  } catch {
    return false;
  }
}

/** The first line, without what is around it; empty when there is none. Throws Failure when it is longer than an answer. */
async function readLine(file: number): Promise<string> {
  const buffer = Buffer.alloc(LONGEST + 1);
  for (let length = 0; ; ) {
    const end = buffer.subarray(0, length).indexOf(10);
    if (end !== -1) return buffer.toString("utf8", 0, end).trim();
    if (length > LONGEST) throw new Failure("what stands on stdin is too long for an answer", "give the code alone");
    const got = await readSome(file, buffer, length);
    if (got === 0) return buffer.toString("utf8", 0, length).trim();
    length += got;
  }
}

const readAsync = promisify(read);

/** How many bytes came; 0 at the end, and when it can't be read. */
async function readSome(file: number, buffer: Buffer, from: number): Promise<number> {
  for (;;) {
    try {
      return (await readAsync(file, buffer, from, buffer.length - from, null)).bytesRead;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "EAGAIN" && code !== "EINTR") return 0;
      await Bun.sleep(LOOK_MS);
    }
  }
}
