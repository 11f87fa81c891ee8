// Real pipes, as ssh gives its ProxyCommand: what Bun.spawn calls a pipe is a socket.
import { dlopen, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

const { symbols: libc } = dlopen("libc.so.6", {
  pipe2: { args: ["ptr", "int"], returns: "int" },
  socketpair: { args: ["int", "int", "int", "ptr"], returns: "int" },
  fcntl: { args: ["int", "int", "int"], returns: "int" },
  send: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  recvmsg: { args: ["int", "ptr", "int"], returns: "int" },
});

const O_CLOEXEC = 0x80000;
const SOCK_CLOEXEC = 0x80000;
const [AF_UNIX, SOCK_STREAM] = [1, 1];
const [F_GETFL, F_SETFL] = [3, 4];
const MSG_OOB = 1;

export type Pair = { readonly reads: number; readonly writes: number };

export function makePipe(): Pair {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) throw new Error("no pipe to be had");
  return { reads: ends[0] ?? -1, writes: ends[1] ?? -1 };
}

/** Two ends of one local socket; either may read and write. */
export function makeSocketPair(): readonly [number, number] {
  const ends = new Int32Array(2);
  if (libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) !== 0) throw new Error("no socket pair to be had");
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** File status flags, O_NONBLOCK among them. */
export function flagsOf(descriptor: number): number {
  return libc.fcntl(descriptor, F_GETFL, 0);
}

export function setFlags(descriptor: number, flags: number): void {
  libc.fcntl(descriptor, F_SETFL, flags);
}

/** Waits for one message on a local socket; the descriptor that came with it, null when none did. */
export function receiveDescriptor(socket: number): { readonly bytes: number; readonly descriptor: number | null } {
  const byte = new Uint8Array(16);
  const part = new BigUint64Array([BigInt(ptr(byte)), 16n]);
  const control = new Uint8Array(64);
  const header = new BigUint64Array(7);
  header[2] = BigInt(ptr(part));
  header[3] = 1n;
  header[4] = BigInt(ptr(control));
  header[5] = 64n;
  const bytes = libc.recvmsg(socket, header, 0);
  const view = new DataView(control.buffer);
  const passed = Number(header[5]) >= 20 && view.getInt32(8, true) === 1 && view.getInt32(12, true) === 1;
  return { bytes, descriptor: passed ? view.getInt32(16, true) : null };
}

export function closeAll(...descriptors: readonly number[]): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}

/** Sends the last byte of a text as TCP's urgent one. */
export function sendUrgent(socket: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  libc.send(socket, ptr(bytes), bytes.length, MSG_OOB);
}

/** A socket's option that is one number. */
export function getOption(socket: number, level: number, option: number): number {
  const value = new Int32Array(1);
  libc.getsockopt(socket, level, option, ptr(value), ptr(new Uint32Array([4])));
  return value[0] ?? -1;
}
