/**
 * What the hot path needs of the operating system, small enough to be done by libc alone: loading node:fs costs more
 * than everything bssh does when the certificate is valid.
 */
export type System = {
  /** Whole file, or null when there is none (ENOENT, ENOTDIR). Throws `SystemError` when it can't be read or is larger than 1 MiB. */
  read(path: string): Uint8Array | null;
  /** True when the file may be opened for reading (`mode` "read") or run ("execute"); access(2), real user id. */
  may(path: string, mode: "read" | "execute"): boolean;
  /** The first two bytes and the size of a file; null when it can't be opened or read, as a directory can't. */
  peek(path: string): { readonly magic: string; readonly size: number } | null;
  /** Makes an empty file (mode 0600) that was not there; false when it was, or can't be made. */
  claim(path: string): boolean;
  /** Paths that a glob(7) pattern matches, sorted; none when it matches nothing. */
  glob(pattern: string): string[];
  /**
   * Replaces this process by `program`; returns only when that failed, with the errno (0 when unknown).
   * `words` follow argv[0]: `inserted` first, then the words this process was started with from the
   * `skip`-th on, byte for byte. The environment is the one this process was started with, and `set` on top.
   */
  become(program: string, order: Becoming): number;
};

export type Becoming = {
  /** argv[0], "ssh" unless something speaks for another. */
  readonly name: string;
  readonly inserted: readonly string[];
  readonly skip: number;
  readonly set: Readonly<Record<string, string>>;
};

/** A system call that failed; `code` as errno(3) names it. */
export class SystemError extends Error {
  readonly code: string;
  constructor(code: string, what: string) {
    super(`${what}: ${code}`);
    this.name = "SystemError";
    this.code = code;
  }
}

/** Largest file that is read on the hot path. */
export const READ_LIMIT = 1 << 20;

/** Text of a file as UTF-8 (damaged sequences become U+FFFD); null when there is none. */
export function readText(system: Pick<System, "read">, path: string): string | null {
  const bytes = system.read(path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
