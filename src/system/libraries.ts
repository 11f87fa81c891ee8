/** Names under which libc may be had, in the order in which they are tried: glibc first, then musl under its own name. */
export const LIBC_NAMES: readonly string[] =
  process.platform === "darwin"
    ? ["libSystem.B.dylib"]
    : ["libc.so.6", `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`];
