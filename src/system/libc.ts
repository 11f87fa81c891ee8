// System through libc by bun:ffi. bun:ffi needs the JIT (it throws under MemoryDenyWriteExecute and the like); the door in
// open.ts then takes node.ts instead. Linux only so far: macOS goes through node.ts as well.
import { CString, dlopen, type Pointer, read as peekMemory, ptr } from "bun:ffi";
import { type Becoming, READ_LIMIT, type System, SystemError } from "./system.ts";

const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  5: "EIO",
  7: "E2BIG",
  8: "ENOEXEC",
  12: "ENOMEM",
  13: "EACCES",
  20: "ENOTDIR",
  21: "EISDIR",
  23: "ENFILE",
  24: "EMFILE",
  26: "ETXTBSY",
  36: "ENAMETOOLONG",
  40: "ELOOP",
};

const SIGINT = 2;
const SIGQUIT = 3;
const SIGPIPE = 13;
const SIGTERM = 15;
const SIGTTOU = 22;
const SIGXFSZ = 25;
/** SIGILL, TRAP, ABRT, BUS, FPE, SEGV, PWR, SYS: the runtime takes these for its own reports. */
const CRASH_SIGNALS = [4, 5, 6, 7, 8, 11, 30, 31];
const SIG_IGN = 1n;
const RLIMIT_NOFILE = 7;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
/** O_WRONLY, O_CREAT and O_EXCL, which follows no link. */
const O_NEW = 0x1 | 0x40 | 0x80;
const SEEK_END = 2;

const zero = (text: string) => new TextEncoder().encode(`${text}\0`);

/** Opens libc; throws when the JIT is off or a symbol is missing. */
export function libcSystem(library: string): System {
  const { symbols: libc } = dlopen(library, {
    open: { args: ["ptr", "int", "int"], returns: "int" },
    read: { args: ["int", "ptr", "usize"], returns: "i64" },
    lseek: { args: ["int", "i64", "int"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
    access: { args: ["ptr", "int"], returns: "int" },
    glob: { args: ["ptr", "int", "ptr", "ptr"], returns: "int" },
    globfree: { args: ["ptr"], returns: "void" },
    __errno_location: { args: [], returns: "ptr" },
    signal: { args: ["int", "usize"], returns: "usize" },
    getppid: { args: [], returns: "int" },
    isatty: { args: ["int"], returns: "int" },
    fcntl: { args: ["int", "int", "int"], returns: "int" },
    prlimit: { args: ["int", "int", "ptr", "ptr"], returns: "int" },
    setrlimit: { args: ["int", "ptr"], returns: "int" },
    setenv: { args: ["ptr", "ptr", "int"], returns: "int" },
    dlsym: { args: ["usize", "ptr"], returns: "ptr" },
    execve: { args: ["ptr", "ptr", "ptr"], returns: "int" },
  });

  const flagsAtStart = [0, 1, 2].map((fd) => libc.fcntl(fd, F_GETFL, 0));

  function errno(): number {
    const at = libc.__errno_location();
    return at === null ? 0 : peekMemory.i32(at, 0);
  }

  function failed(number: number, path: string): SystemError {
    return new SystemError(ERRNO[number] ?? `errno ${number}`, path);
  }

  /** Up to `limit` bytes of a file; null when it is not there. */
  function slurp(path: string, limit: number): Uint8Array | null {
    // A pipe in a file's place would be waited for.
    const fd = libc.open(zero(path), O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
      const number = errno();
      if (number === 2 || number === 20) return null;
      throw failed(number, path);
    }
    try {
      let buffer = new Uint8Array(Math.min(limit, 16384));
      let length = 0;
      for (;;) {
        const got = Number(libc.read(fd, ptr(buffer, length), buffer.length - length));
        if (got < 0) {
          const number = errno();
          if (number === 4) continue;
          throw failed(number, path);
        }
        if (got === 0) return buffer.subarray(0, length);
        length += got;
        if (length < buffer.length) continue;
        if (length >= limit) return buffer;
        const larger = new Uint8Array(Math.min(limit, buffer.length * 4));
        larger.set(buffer);
        buffer = larger;
      }
    } finally {
      libc.close(fd);
    }
  }

  /** Signals a process ignores, as a bit mask (bit n-1 for signal n); 0 when /proc doesn't tell. */
  function ignoredBy(process: string): bigint {
    try {
      const status = slurp(`/proc/${process}/status`, 65536);
      if (status === null) return 0n;
      const found = /^SigIgn:\s*([0-9a-f]+)$/m.exec(new TextDecoder().decode(status));
      return found?.[1] === undefined ? 0n : BigInt(`0x${found[1]}`);
    } catch {
      return 0n;
    }
  }

  /**
   * Gives back the signal dispositions that the runtime changed. What was inherited as ignored is not kept by Bun, so it
   * is told from the parent: a script's `trap '' INT` ignores it there too; `cmd &` of a script ignores INT and QUIT in the
   * child alone, and QUIT is left as it was. An interactive shell ignores TERM for itself, not for its children; it then
   * ignores TTOU as well, which tells the two apart.
   */
  function restoreSignals(): void {
    libc.signal(SIGPIPE, 0n);
    libc.signal(SIGXFSZ, 0n);
    const parent = ignoredBy(String(libc.getppid()));
    const has = (mask: bigint, signal: number) => ((mask >> BigInt(signal - 1)) & 1n) === 1n;
    for (const signal of CRASH_SIGNALS) if (has(parent, signal)) libc.signal(signal, SIG_IGN);
    if (libc.isatty(0) !== 1 && libc.isatty(1) !== 1 && libc.isatty(2) !== 1) return;
    const own = ignoredBy("self");
    const background = has(own, SIGQUIT) && !has(parent, SIGQUIT);
    if (background || has(parent, SIGINT)) libc.signal(SIGINT, SIG_IGN);
    if (has(parent, SIGTERM) && !has(parent, SIGTTOU)) libc.signal(SIGTERM, SIG_IGN);
  }

  /** The runtime raised the soft limit of open files to the hard one; the parent's is the only copy left. */
  function restoreFileLimit(): void {
    const theirs = new BigUint64Array(2);
    const ours = new BigUint64Array(2);
    if (libc.prlimit(libc.getppid(), RLIMIT_NOFILE, null, theirs) !== 0) return;
    if (libc.prlimit(0, RLIMIT_NOFILE, null, ours) !== 0) return;
    // Another hard limit means that it was lowered in between, and `ulimit -n` lowers both to the same value.
    if (theirs[1] === ours[1]) libc.setrlimit(RLIMIT_NOFILE, theirs);
  }

  function restoreBlocking(): void {
    for (const fd of [0, 1, 2]) {
      const before = flagsAtStart[fd] ?? -1;
      const now = libc.fcntl(fd, F_GETFL, 0);
      if (before < 0 || now < 0 || ((before ^ now) & O_NONBLOCK) === 0) continue;
      libc.fcntl(fd, F_SETFL, (now & ~O_NONBLOCK) | (before & O_NONBLOCK));
    }
  }

  /** Pointers to the words this process was started with, argv[0] among them. */
  function startWords(): { readonly memory: Uint8Array; readonly offsets: readonly number[] } {
    const memory = slurp("/proc/self/cmdline", 1 << 23) ?? new Uint8Array(0);
    const offsets: number[] = [];
    for (let at = 0, start = 0; at < memory.length; at++) {
      if (memory[at] !== 0) continue;
      offsets.push(start);
      start = at + 1;
    }
    return { memory, offsets };
  }

  return {
    read(path) {
      const bytes = slurp(path, READ_LIMIT + 1);
      if (bytes !== null && bytes.length > READ_LIMIT) throw new SystemError("EFBIG", path);
      return bytes;
    },
    may: (path, mode) => libc.access(zero(path), mode === "read" ? 4 : 1) === 0,
    peek(path) {
      // A pipe of that name would otherwise be waited for.
      const fd = libc.open(zero(path), O_CLOEXEC | O_NONBLOCK, 0);
      if (fd < 0) return null;
      const two = new Uint8Array(2);
      const got = Number(libc.read(fd, two, 2));
      const size = Number(libc.lseek(fd, 0, SEEK_END));
      libc.close(fd);
      return got < 0 ? null : { magic: String.fromCharCode(...two.subarray(0, got)), size };
    },
    claim(path) {
      const fd = libc.open(zero(path), O_NEW | O_CLOEXEC, 0o600);
      if (fd < 0) return false;
      libc.close(fd);
      return true;
    },
    glob(pattern) {
      // glob_t begins with gl_pathc and gl_pathv, and is 72 bytes with glibc, 88 with musl.
      const answer = new BigUint64Array(16);
      const found: string[] = [];
      if (libc.glob(zero(pattern), 0, null, answer) === 0) {
        const list = Number(answer[1]) as Pointer;
        for (let at = 0; at < Number(answer[0]); at++) {
          found.push(new CString(peekMemory.ptr(list, at * 8) as Pointer).toString());
        }
        libc.globfree(answer);
      }
      return found;
    },
    become(program, { name, inserted, skip, set }: Becoming) {
      const { memory, offsets } = startWords();
      const kept = offsets.slice(1 + skip);
      const ahead = [name, ...inserted].map(zero);
      const argv = new BigUint64Array(ahead.length + kept.length + 1);
      ahead.forEach((word, index) => {
        argv[index] = BigInt(ptr(word));
      });
      kept.forEach((offset, index) => {
        argv[ahead.length + index] = BigInt(ptr(memory) + offset);
      });
      for (const [name, value] of Object.entries(set)) libc.setenv(zero(name), zero(value), 1);
      const environ = libc.dlsym(0n, zero("environ"));
      if (environ === null) return 0;
      restoreSignals();
      restoreFileLimit();
      restoreBlocking();
      // libc's own execve: process.execve empties the signal mask and loses bytes that are not UTF-8.
      libc.execve(zero(program), argv, peekMemory.ptr(environ, 0) as Pointer);
      return errno();
    },
  };
}
