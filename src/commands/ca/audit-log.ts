// The audit log of signatures by hand: a record a line, only ever added to.
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { Failure, printable } from "../../failure.ts";
import { describeTrouble } from "./files.ts";
import { recordIn, textField } from "./logs.ts";
import { placeAt } from "./replace.ts";

/** Bytes of the first line that are looked at. */
const HEAD = 64 * 1024;

/** Throws Failure when the file is there and holds something else: nothing is added to a key or a list. */
export function checkAuditLog(path: string): void {
  if (placeAt(path) === null) return;
  const file = open(path, constants.O_RDONLY);
  try {
    refuseOther(path, file);
  } finally {
    closeSync(file);
  }
}

/** Adds a line, and sees it on the disk. Throws Failure: without it there is no certificate. */
export function appendRecord(path: string, line: string): void {
  const file = open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
  try {
    refuseOther(path, file);
    // What a full disk cut off must not take this line with it.
    const last = Buffer.alloc(1);
    const { size } = fstatSync(file);
    const isCut = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 10;
    const bytes = Buffer.from(`${isCut ? "\n" : ""}${line}\n`);
    if (writeSync(file, bytes) !== bytes.length) throw Object.assign(new Error("short"), { code: "ENOSPC" });
    fsyncSync(file);
  } catch (error) {
    throw error instanceof Failure ? error : unwritten(path, error);
  } finally {
    closeSync(file);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags | constants.O_NONBLOCK, 0o600);
  } catch (error) {
    throw unwritten(path, error);
  }
}

function refuseOther(path: string, file: number): void {
  const head = Buffer.alloc(HEAD);
  const length = fstatSync(file).isFile() ? readSync(file, head, 0, HEAD, 0) : -1;
  if (length === 0) return;
  const [first = ""] = length < 0 ? [] : head.toString("utf8", 0, length).split("\n");
  const record = first.startsWith("{") ? recordIn(first) : null;
  // A record that a full disk cut off is one.
  if (first.startsWith('{"time":"') || (record !== null && textField(record, "event") !== null)) return;
  throw new Failure(
    `${printable(path)} is there and no audit log`,
    "nothing is signed without one: name another with --log",
  );
}

function unwritten(path: string, error: unknown): Failure {
  return new Failure(
    `the audit log ${printable(path)} cannot be written: ${describeTrouble(error)}`,
    "nothing is signed without it: name another with --log",
  );
}
