// What the process that asks and the one that answers say to each other: a JSON object a line. Each side takes only what has
// the right shape; the other end may be anything that the user runs.
import { lstatSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { printable } from "../failure.ts";
import type { PrivateState } from "./private-state.ts";

/** How an errand that asked came out. */
export type Outcome = {
  /** True when the certificate is there. */
  readonly good: boolean;
  /** Why not, as a person is told; null where there is nothing to say. */
  readonly sentence: string | null;
};

export type FromAsker =
  | { readonly kind: "ask"; readonly number: number; readonly text: string; readonly secret: boolean }
  /** The question was answered, or isn't asked any more. */
  | { readonly kind: "withdrawn"; readonly number: number }
  | { readonly kind: "over"; readonly outcome: Outcome };

export type FromAnswerer = { readonly number: number; readonly answer: string };

/** Longest line in bytes, either way. */
const LONGEST_LINE = 8192;

/** Longest question and sentence in characters. */
const LONGEST_TEXT = 1000;

/** Longest answer in characters. */
const LONGEST_ANSWER = 1024;

/** Cuts what comes into lines. False from `take` when a line is longer than any that is meant. */
export function lineReader(onLine: (line: string) => void): { take(bytes: Uint8Array): boolean } {
  let rest = Buffer.alloc(0);
  return {
    take(bytes) {
      rest = Buffer.concat([rest, bytes]);
      for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
        const line = rest.toString("utf8", 0, end);
        rest = rest.subarray(end + 1);
        onLine(line);
      }
      return rest.length <= LONGEST_LINE;
    },
  };
}

export function lineOf(message: FromAsker | FromAnswerer): string {
  return `${JSON.stringify(message)}\n`;
}

/** Null for anything else. */
export function readFromAsker(line: string): FromAsker | null {
  const said = readObject(line);
  const number = said?.["number"];
  if (said?.["kind"] === "over") {
    const outcome = said["outcome"];
    if (typeof outcome !== "object" || outcome === null || !("good" in outcome)) return null;
    const sentence =
      "sentence" in outcome && typeof outcome.sentence === "string" ? printable(outcome.sentence, LONGEST_TEXT) : null;
    return { kind: "over", outcome: { good: outcome.good === true, sentence } };
  }
  if (typeof number !== "number") return null;
  if (said?.["kind"] === "withdrawn") return { kind: "withdrawn", number };
  const text = said?.["text"];
  if (said?.["kind"] !== "ask" || typeof text !== "string") return null;
  return { kind: "ask", number, text: printable(text, LONGEST_TEXT), secret: said["secret"] !== false };
}

/** Null for anything else. */
export function readFromAnswerer(line: string): FromAnswerer | null {
  const said = readObject(line);
  const [number, answer] = [said?.["number"], said?.["answer"]];
  if (typeof number !== "number" || typeof answer !== "string" || answer.length > LONGEST_ANSWER) return null;
  return { number, answer };
}

/** The pending question as it stands in the state folder. */
export type Record = { readonly pid: number; readonly text: string; readonly socket: string; readonly since: number };

const NAME = "question.json";

/** Throws what the system throws. */
export function writeRecord(files: PrivateState, state: string, record: Record): void {
  files.writePrivate(state, NAME, `${JSON.stringify(record)}\n`);
}

/** Null when there is none that can be believed. */
export function readRecord(files: Pick<PrivateState, "readPrivate">, state: string): Record | null {
  const kept = readObject(files.readPrivate(`${state}/${NAME}`).text ?? "");
  const [pid, text, socket, since] = [kept?.["pid"], kept?.["text"], kept?.["socket"], kept?.["since"]];
  if (typeof pid !== "number" || typeof text !== "string" || typeof since !== "number") return null;
  if (typeof socket !== "string" || !SOCKET.test(socket)) return null;
  return { pid, text: printable(text, LONGEST_TEXT), socket, since };
}

/** Takes a record away with its socket, unless another asker's stands there by now. */
export function dropRecord(files: PrivateState, state: string, socket: string): void {
  if (readRecord(files, state)?.socket === socket) files.removePrivate(`${state}/${NAME}`);
  dropSocket(socket);
}

/** Names of the sockets, in the state folder or in a temporary one of their own. */
const SOCKET = /^\/(?:.*\/)?question-[0-9a-f]{8}\.sock$/;

/** Removes a socket of ours, and the temporary folder that was made for it. */
export function dropSocket(socket: string): void {
  if (!SOCKET.test(socket)) return;
  const folder = dirname(socket);
  try {
    if (isOwnSocket(socket)) rmSync(socket, { force: true });
    if (basename(folder).startsWith(TEMPORARY)) rmdirSync(folder);
  } catch {}
}

/** Begin of the names of temporary folders. */
export const TEMPORARY = "bssh-question-";

/** Whether a path is a socket that the user owns, named as ours are. */
export function isOwnSocket(path: string): boolean {
  try {
    const found = lstatSync(path);
    return SOCKET.test(path) && found.isSocket() && found.uid === process.getuid?.();
  } catch {
    return false;
  }
}

function readObject(text: string): Readonly<{ [name: string]: unknown }> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
