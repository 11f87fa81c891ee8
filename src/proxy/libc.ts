// The calls of libc that a connection takes, by bun:ffi. Results are declared as 32-bit numbers: none is larger here, and
// a 64-bit one would cost an object for every call.
import { CString, dlopen, type Pointer, read as peek, ptr } from "bun:ffi";

import { LIBC_NAMES } from "../system/libraries.ts";

const SYMBOLS = {
  getaddrinfo: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "int" },
  freeaddrinfo: { args: ["u64"], returns: "void" },
  gai_strerror: { args: ["int"], returns: "ptr" },
  strerror: { args: ["int"], returns: "ptr" },
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "u64", "u32"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
  poll: { args: ["ptr", "usize", "int"], returns: "int" },
  read: { args: ["int", "ptr", "usize"], returns: "int" },
  write: { args: ["int", "ptr", "usize"], returns: "int" },
  recv: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  send: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  sendmsg: { args: ["int", "ptr", "int"], returns: "int" },
  shutdown: { args: ["int", "int"], returns: "int" },
  close: { args: ["int"], returns: "int" },
  readlink: { args: ["ptr", "ptr", "usize"], returns: "int" },
  getppid: { args: [], returns: "int" },
  _exit: { args: ["int"], returns: "void" },
} as const;

/** Calls that only Linux has, and fcntl, whose variable arguments Apple's arm64 passes in another way. */
const LINUX = {
  splice: { args: ["int", "ptr", "int", "ptr", "usize", "u32"], returns: "int" },
  fcntl: { args: ["int", "int", "int"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

const DARWIN = { __error: { args: [], returns: "ptr" } } as const;

/** Numbers and layouts that differ by system: sys/socket.h, netdb.h, errno.h. */
export type Layout = {
  readonly SOL_SOCKET: number;
  readonly SO_KEEPALIVE: number;
  readonly SO_ERROR: number;
  readonly MSG_DONTWAIT: number;
  readonly EAGAIN: number;
  readonly EAI_SYSTEM: number;
  /** Offset of ai_addr in struct addrinfo. */
  readonly address: number;
  /** Offset of sa_family in struct sockaddr, which is 16 bits wide with Linux and 8 with macOS. */
  readonly family: { readonly at: number; readonly bytes: 1 | 2 };
  /** Largest write to a pipe that never waits once poll(2) calls it writable: PIPE_BUF. */
  readonly pipeWrite: number;
};

const ON_LINUX: Layout = {
  SOL_SOCKET: 1,
  SO_KEEPALIVE: 9,
  SO_ERROR: 4,
  MSG_DONTWAIT: 0x40,
  EAGAIN: 11,
  EAI_SYSTEM: -11,
  address: 24,
  family: { at: 0, bytes: 2 },
  pipeWrite: 4096,
};

const ON_DARWIN: Layout = {
  SOL_SOCKET: 0xffff,
  SO_KEEPALIVE: 8,
  SO_ERROR: 0x1007,
  MSG_DONTWAIT: 0x80,
  EAGAIN: 35,
  EAI_SYSTEM: 11,
  address: 32,
  family: { at: 1, bytes: 1 },
  pipeWrite: 512,
};

export type Calls = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];
type LinuxCalls = Pick<ReturnType<typeof dlopen<typeof LINUX>>["symbols"], "splice" | "fcntl">;

/** What a call that returns an address gives. */
type Address = Pointer | bigint | null;

export type Libc = {
  readonly calls: Calls;
  readonly layout: Layout;
  /** Null but on Linux. */
  readonly linux: LinuxCalls | null;
  /** Why the last call failed. */
  readonly errno: () => number;
};

/** libc, or null where it can't be called: without the JIT, as under MemoryDenyWriteExecute, bun:ffi refuses. */
export function openLibc(): Libc | null {
  for (const name of LIBC_NAMES) {
    try {
      return process.platform === "linux" ? onLinux(name) : onDarwin(name);
    } catch {}
  }
  return null;
}

function onLinux(name: string): Libc {
  const { symbols } = dlopen(name, { ...SYMBOLS, ...LINUX });
  const errno = () => numberAt(symbols.__errno_location());
  return { calls: symbols, linux: symbols, layout: ON_LINUX, errno };
}

function onDarwin(name: string): Libc {
  const { symbols } = dlopen(name, { ...SYMBOLS, ...DARWIN });
  return { calls: symbols, linux: null, layout: ON_DARWIN, errno: () => numberAt(symbols.__error()) };
}

function numberAt(at: Address): number {
  return at === null ? 0 : peek.i32(at, 0);
}

/** Text of libc's at an address. */
export function textAt(at: Address): string {
  return at === null ? "" : new CString(at).toString();
}

/** Text as C has it. */
export function zero(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** Where a symbolic link leads; null when it can't be read. */
export function readLink({ calls }: Libc, path: string): string | null {
  const target = new Uint8Array(4096);
  const length = calls.readlink(zero(path), ptr(target), target.length);
  return length < 0 ? null : new TextDecoder().decode(target.subarray(0, length));
}
