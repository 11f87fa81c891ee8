import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { Failure } from "../failure.ts";
import { echoOff } from "./echo.ts";

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

/** How often the terminal is looked at while the person types, in milliseconds. */
const LOOK_MS = 15;

/**
 * Asks the person on the controlling terminal, whatever stdin, stdout and stderr are; ssh keeps those for itself. The question
 * is erased once it is answered. Null when there is no terminal, or the answer is no longer wanted. Throws Failure when the
 * person ends the input (Ctrl-D).
 */
export async function askOnTerminal(question: Question): Promise<string | null> {
  let tty: number;
  try {
    // An open file of its own: that it doesn't block is not seen by anybody who shares stdin.
    tty = openSync("/dev/tty", constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
  const restore = question.secret ? echoOff(tty) : () => {};
  try {
    writeSync(tty, `${question.text}: `);
    const answer = await readLine(tty, question.signal);
    // Back to the start of the line and clear it; where the answer was seen its line break has moved on, so go up as well.
    writeSync(tty, question.secret || answer === null ? "\r\u001b[K" : "\u001b[A\r\u001b[K");
    if (answer === null && question.signal?.aborted !== true) {
      throw new Failure("no answer was given", "run it again and type the answer");
    }
    return answer?.trim() ?? null;
  } finally {
    restore();
    closeSync(tty);
  }
}

/**
 * A line from the terminal; null at its end or when it isn't wanted any more. Reads what the terminal hands over at once, a
 * line: what is typed ahead stays for ssh.
 */
async function readLine(tty: number, signal: AbortSignal | undefined): Promise<string | null> {
  const buffer = Buffer.alloc(LONGEST);
  while (signal?.aborted !== true) {
    try {
      const length = readSync(tty, buffer, 0, LONGEST, null);
      return length === 0 ? null : buffer.toString("utf8", 0, length).replace(/[\r\n]+$/, "");
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

/**
 * Runs `mfa_command` with the user's shell and takes its first line of output as the answer. Its stderr is the person's. Throws
 * Failure when it fails, prints nothing, or takes longer than two minutes.
 */
export async function askCommand(
  command: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const child = Bun.spawn(["/bin/sh", "-c", command], {
    env: { ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    timeout: COMMAND_MS,
    killSignal: "SIGTERM",
  });
  const [output, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (child.signalCode === "SIGTERM")
    throw new Failure("mfa_command took longer than two minutes", "check mfa_command");
  if (status !== 0) throw new Failure(`mfa_command failed with status ${status}`, "run it by hand to see why");
  const answer = output.split("\n", 1)[0]?.trim() ?? "";
  if (answer === "") throw new Failure("mfa_command printed no code", "run it by hand to see why");
  return answer;
}
