import { pathsOf } from "../config/paths.ts";
import { Failure } from "../failure.ts";
import * as files from "../issue/private-files.ts";
import { answerPending } from "../terminal/answer-pending.ts";
import { askOn, openTerminal, type Question } from "../terminal/ask.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
Answers the question for an MFA code that an ssh without a terminal waits for; that ssh then goes on. Without CODE it is
asked for here and not shown.

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
  const outcome = await answerPending({ state, files }, { code, askHere, limitMs: PATIENCE_MS });
  if (outcome === "none") throw new Failure("no question is pending", "start one with bssh login");
  if (!outcome.good) throw new Failure(outcome.sentence ?? "no certificate was got", "");
  return 0;
}

async function askHere(question: Question): Promise<string | null> {
  const tty = openTerminal();
  if (tty === null) throw new Failure("there is no terminal to ask at", "give the code: bssh mfa CODE");
  return askOn(tty, question);
}
