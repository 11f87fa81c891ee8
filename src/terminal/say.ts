// The rules of speech. Questions go to the terminal and are erased once answered. Everything else goes to stderr, a line
// at a time, behind `bssh: `; it starts in lower case and has no full stop. stdout belongs to ssh; only a command's own
// answer goes there. Nothing is said while all is well: unless a code is typed, it is ssh as it is known.
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { scrub } from "./scrub.ts";

/** Says one line to the person, on stderr. */
export function say(line: string): void {
  write(2, `bssh: ${scrub(line)}\n`);
}

/** Prints a command's answer on stdout. False when it can't be written; a reader that has gone wants no more. */
export function print(line: string): boolean {
  const code = write(1, `${scrub(line)}\n`);
  return code === null || code === "EPIPE";
}

/**
 * Writes all of it, or gives the system's name of the error: nobody reads any more, or the disk behind it is full. process.stdout
 * would make the descriptor non-blocking for every process that shares it.
 */
function write(fd: number, text: string): string | null {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === "EAGAIN" || code === "EINTR") Bun.sleepSync(1);
      else return code ?? "unknown error";
    }
  }
  return null;
}

/**
 * A writer of debug lines as `BLESSDEBUG` asks for: `1` is stderr, another value is a file (appended, mode 0600), unset is
 * none. Lines hold names and ends, never values.
 */
export function tracer(environment: Readonly<Record<string, string | undefined>>): (line: string) => void {
  const where = environment["BLESSDEBUG"] ?? "";
  if (where === "") return () => {};
  if (where === "1") return (line) => say(`debug: ${line}`);
  return (line) => {
    try {
      const flags =
        constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = openSync(where, flags, 0o600);
      write(file, `${new Date().toISOString()} ${process.pid} ${scrub(line)}\n`);
      closeSync(file);
    } catch {}
  };
}
