// Logs as they lie about: of any length, with anything in them, JSON behind whatever a collector put in front of it.
import { closeSync, openSync, readSync } from "node:fs";
import { Failure, printable } from "../../failure.ts";
import { describeTrouble } from "./files.ts";

export type LogRecord = Readonly<Record<string, unknown>>;

/** Bytes; what is longer is cut, and none of our records is. */
const LONGEST_LINE = 64 * 1024;
/** Bytes; a file in which no line ends for so long is no log, and /dev/zero has no end. */
const LONGEST_SKIPPED = 256 * 1024 * 1024;
const CHUNK = 256 * 1024;

/** The lines of a file, without their ends; throws Failure when it cannot be read. */
export function* linesOf(path: string): Generator<string> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    const missing = (error as { code?: unknown }).code === "ENOENT";
    const why = missing
      ? `there is no log ${printable(path)}`
      : `${printable(path)} cannot be read: ${describeTrouble(error)}`;
    throw new Failure(why, "name the file that holds the log");
  }
  try {
    const chunk = Buffer.alloc(CHUNK);
    let kept: Buffer[] = [];
    let length = 0;
    const keep = (part: Buffer) => {
      if (length < LONGEST_LINE) kept.push(Buffer.from(part.subarray(0, LONGEST_LINE - length)));
      length += part.length;
      if (length > LONGEST_SKIPPED) throw Object.assign(new Error(), { code: "EFBIG" });
    };
    const take = () => {
      const line = Buffer.concat(kept).toString("utf8").replace(/\r$/, "");
      kept = [];
      length = 0;
      return line;
    };
    for (;;) {
      const got = readSync(file, chunk, 0, CHUNK, null);
      if (got === 0) break;
      let from = 0;
      for (let end = chunk.indexOf(10, 0); end >= 0 && end < got; end = chunk.indexOf(10, from)) {
        keep(chunk.subarray(from, end));
        yield take();
        from = end + 1;
      }
      keep(chunk.subarray(from, got));
    }
    if (length > 0) yield take();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      `${printable(path)} cannot be read: ${describeTrouble(error)}`,
      "name the file that holds the log",
    );
  } finally {
    closeSync(file);
  }
}

/**
 * The record on a line of the CA's log or a client's: JSON alone, behind a prefix as CloudWatch's, or as the `message` of
 * another record (the AWS CLI's, or Lambda's own JSON format). Null when there is none.
 */
export function recordIn(line: string): LogRecord | null {
  const brace = line.indexOf("{");
  if (brace < 0) return null;
  const record = asRecord(parsed(line.slice(brace)));
  if (record !== null) return asRecord(unwrapped(record["message"])) ?? record;
  const [, message] = /"message":\s*("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
  return message === undefined ? null : asRecord(unwrapped(parsed(message)));
}

/** A field of a record when it is text. */
export function textField(record: LogRecord, name: string): string | null {
  const value = record[name];
  return typeof value === "string" ? value : null;
}

function unwrapped(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const brace = value.indexOf("{");
  return brace < 0 ? null : parsed(value.slice(brace));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function asRecord(value: unknown): LogRecord | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as LogRecord) : null;
}
