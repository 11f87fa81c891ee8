// A lock that the kernel keeps (flock(2)) and gives back when its process ends, however it ends; a process id that is used
// again can't be taken for the holder's. The file is never removed: who waited for a removed one would not meet who made the
// next.
import { dlopen, type Pointer, read as peekMemory } from "bun:ffi";
import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { LIBC_NAMES } from "../system/libraries.ts";
import { type Distrust, describeErrno } from "./private-files.ts";

export type Lock = {
  /** Takes it for this process alone if nobody has it; never waits. True too where the system can't lock: nobody can then. */
  take(): boolean;
  /** True when nobody has it alone; never waits. */
  isFree(): boolean;
  /** Blocks the whole process, at no cost, until nobody has it alone. All who wait so come back together. */
  waitFree(): void;
  /** Writes a line into the file, over what stands there; a disk that takes nothing is no error. Only for who has it. */
  write(line: string): void;
  /** The first line of the file; empty when there is none. It is worth nothing unless somebody has the lock. */
  read(): string;
  /** Gives it back. */
  close(): void;
};

const DARWIN = process.platform === "darwin";
/** node:fs has no name for it: children must not keep the lock. */
const O_CLOEXEC = DARWIN ? 0x1000000 : 0x80000;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const EINTR = 4;
const EWOULDBLOCK = DARWIN ? 35 : 11;

/** Longest line that is read, in bytes. */
const LONGEST = 1024;

const ERRNO = DARWIN ? "__error" : "__errno_location";

/** flock(2): 0, or the errno. */
type Flock = (file: number, operation: number) => number;

/** The reason why there is no lock to be had, in words that follow the path. */
export type Lockless = { readonly why: string };

/** Opens the lock file, by default making it. `folder` is there and the user's own. */
export function openLock(path: string, make = true): Lock | Lockless {
  const flock = openFlock();
  if (flock === null) return { why: "flock can't be called without the JIT" };
  const file = openFile(path, make);
  if (typeof file !== "number") return file;
  const call = (operation: number): number => {
    for (;;) {
      const failed = flock(file, operation);
      if (failed !== EINTR) return failed;
    }
  };
  return {
    take: () => call(LOCK_EX | LOCK_NB) !== EWOULDBLOCK,
    isFree() {
      if (call(LOCK_SH | LOCK_NB) === EWOULDBLOCK) return false;
      call(LOCK_UN);
      return true;
    },
    waitFree() {
      call(LOCK_SH);
      call(LOCK_UN);
    },
    write(line) {
      try {
        const bytes = Buffer.from(`${line}\n`);
        writeSync(file, bytes, 0, bytes.length, 0);
        ftruncateSync(file, bytes.length);
      } catch {}
    },
    read() {
      try {
        const bytes = Buffer.alloc(LONGEST);
        const length = readSync(file, bytes, 0, LONGEST, 0);
        return bytes.toString("utf8", 0, length).split("\n", 1)[0] ?? "";
      } catch {
        return "";
      }
    },
    close: () => closeSync(file),
  };
}

/** Takes an open file or folder for this process alone, until it is closed; never waits. */
export function lockOpen(file: number): "taken" | "busy" | Lockless {
  const flock = openFlock();
  if (flock === null) return { why: "flock can't be called without the JIT" };
  for (;;) {
    const failed = flock(file, LOCK_EX | LOCK_NB);
    if (failed === 0) return "taken";
    if (failed === EWOULDBLOCK) return "busy";
    if (failed !== EINTR) return { why: `flock fails there with error ${failed}` };
  }
}

function openFile(path: string, make: boolean): number | Lockless {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC;
  let file: number;
  try {
    file = openSync(path, flags | (make ? constants.O_CREAT : 0), 0o600);
  } catch (error) {
    return { why: describeErrno(error) };
  }
  const why = mendFile(file);
  if (why === null) return file;
  closeSync(file);
  return { why };
}

/** Why the file can't be the lock. Whoever may read a file may lock it, so others lose the right. */
function mendFile(file: number): Distrust {
  try {
    const found = fstatSync(file);
    if (!found.isFile()) return "is not a regular file";
    if (found.uid !== process.getuid?.()) return "belongs to another user";
    if ((found.mode & 0o077) !== 0) fchmodSync(file, 0o600);
    return null;
  } catch (error) {
    return describeErrno(error);
  }
}

let opened: Flock | null | undefined;

function openFlock(): Flock | null {
  opened ??= LIBC_NAMES.reduce<Flock | null>((found, library) => found ?? flockOf(library), null);
  return opened;
}

function flockOf(library: string): Flock | null {
  try {
    const { symbols } = dlopen(library, {
      flock: { args: ["int", "int"], returns: "int" },
      [ERRNO]: { args: [], returns: "ptr" },
    });
    const call = symbols.flock as (file: number, operation: number) => number;
    const errno = symbols[ERRNO] as () => Pointer | null;
    return (file, operation) => {
      if (call(file, operation) === 0) return 0;
      const at = errno();
      return at === null ? -1 : peekMemory.i32(at, 0);
    };
  } catch {
    return null;
  }
}
