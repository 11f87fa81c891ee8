import { type Pointer, read as peek, ptr } from "bun:ffi";
import type { Destination } from "./destination.ts";
import { unknownHost, unreachable } from "./failures.ts";
import { type Libc, textAt, zero } from "./libc.ts";

const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const EINTR = 4;
const POLLOUT = 4;

/**
 * Descriptor of a connection, by every address of the host in the resolver's order; each is waited for as ssh does. The
 * socket sends without delay and keeps itself alive: ssh sets neither on one that it is handed. Throws Failure (255) in ssh's
 * own words.
 */
export function connectTo(libc: Libc, destination: Destination): number {
  const { calls, layout } = libc;
  const answer = new BigUint64Array(1);
  // struct addrinfo: flags, family, socktype, protocol, addrlen at 0, 4, 8, 12 and 16, ai_next at 40 everywhere.
  const hints = new Int32Array(12);
  hints[2] = SOCK_STREAM;
  const unresolved = calls.getaddrinfo(zero(destination.host), zero(String(destination.port)), hints, answer);
  if (unresolved !== 0) {
    const why = unresolved === layout.EAI_SYSTEM ? calls.strerror(libc.errno()) : calls.gai_strerror(unresolved);
    throw unknownHost(destination.host, textAt(why));
  }
  let error = 0;
  for (let at = Number(answer[0]); at !== 0; at = Number(peek.u64(at as Pointer, 40))) {
    const entry = at as Pointer;
    const socket = calls.socket(peek.i32(entry, 4), SOCK_STREAM, 0);
    if (socket >= 0) {
      error = connectBy(libc, socket, peek.u64(entry, layout.address), peek.u32(entry, 16));
      if (error === 0) {
        calls.freeaddrinfo(answer[0] ?? 0n);
        const on = new Int32Array([1]);
        calls.setsockopt(socket, layout.SOL_SOCKET, layout.SO_KEEPALIVE, on, 4);
        calls.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, on, 4);
        return socket;
      }
      calls.close(socket);
    } else {
      error = libc.errno();
    }
  }
  throw unreachable(destination, textAt(calls.strerror(error)));
}

/** 0, or why not. */
function connectBy(libc: Libc, socket: number, address: bigint, length: number): number {
  if (libc.calls.connect(socket, address, length) === 0) return 0;
  const error = libc.errno();
  if (error !== EINTR) return error;
  // A connection that a signal interrupted goes on by itself: connect(2).
  const entry = new Int32Array([socket, POLLOUT]);
  while (libc.calls.poll(ptr(entry), 1, -1) < 0 && libc.errno() === EINTR);
  const [outcome, size] = [new Int32Array(1), new Uint32Array([4])];
  libc.calls.getsockopt(socket, libc.layout.SOL_SOCKET, libc.layout.SO_ERROR, outcome, size);
  return outcome[0] ?? 0;
}
