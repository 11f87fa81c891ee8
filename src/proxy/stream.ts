// One direction of a connection: bytes go from one descriptor to another, as many as go without waiting.
import { type Pointer, ptr } from "bun:ffi";
import type { Libc } from "./libc.ts";

const EINTR = 4;
const EBADF = 9;
const EINVAL = 22;
const EPIPE = 32;
const ENOSYS = 38;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;

/** Most bytes that one call moves. */
const CHUNK = 1 << 20;
/** Bytes held between a read and a write where splice(2) can't be had. */
const BUFFER = 1 << 17;
/** Chunks that a stream moves before it is the other one's turn. */
const TURN = 8;
/** Bytes after which a stream counts as bulk and its pipe is enlarged. */
const BULK = 1 << 22;
/** Times that splice(2) may find nothing to move where poll(2) saw it, as before urgent bytes, until bytes are copied. */
const MOST_REFUSALS = 3;

export type Stream = {
  readonly from: number;
  readonly to: number;
  readonly fromSocket: boolean;
  readonly toSocket: boolean;
  /** By poll(2), until something is taken. */
  readable: boolean;
  /** By poll(2), or simply tried where a refusal costs no wait. */
  writable: boolean;
  splices: boolean;
  refusals: number;
  moved: number;
  /** Bytes read and not yet written: `length` of them from `at` on. */
  buffer: Uint8Array | null;
  at: number;
  length: number;
  /** Nothing is carried any more: all was delivered, or one of the ends is broken. */
  done: boolean;
};

export function openStream(order: Pick<Stream, "from" | "to" | "fromSocket" | "toSocket" | "splices">): Stream {
  const idle = {
    readable: false,
    writable: order.splices || order.toSocket,
    refusals: 0,
    moved: 0,
    done: false,
  };
  return { ...order, ...idle, buffer: null, at: 0, length: 0 };
}

/** Waits for the source alone until it has something, then for the target. */
export const wantsSource = (stream: Stream) => !stream.done && stream.length === 0 && !stream.readable;
export const wantsTarget = (stream: Stream) =>
  !stream.done && !stream.writable && (stream.length > 0 || stream.readable);

/** `end`: all of the source was delivered; `closed`: nobody takes it any more; `broken`: an error of either end. */
export type Outcome = "going" | "end" | "closed" | "broken";

/** Moves what can be moved now, but not for ever. */
export function advance(libc: Libc, stream: Stream): Outcome {
  for (let chunk = 0; chunk < TURN; chunk++) {
    const outcome =
      stream.splices && stream.length === 0 && libc.linux !== null
        ? spliceOnce(libc, libc.linux, stream)
        : copyOnce(libc, stream);
    if (outcome !== "again") return outcome;
  }
  return "going";
}

function spliceOnce(libc: Libc, linux: NonNullable<Libc["linux"]>, stream: Stream): Outcome | "again" {
  if (!stream.readable || !stream.writable) return "going";
  const moved = linux.splice(stream.from, null, stream.to, null, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (moved === 0) return "end";
  if (moved > 0) {
    stream.refusals = 0;
    stream.readable = false;
    const before = stream.moved;
    stream.moved += moved;
    if (before < BULK && stream.moved >= BULK) enlarge(linux, stream);
    return "going";
  }
  const error = libc.errno();
  if (error === EINTR) return "again";
  if (error === EINVAL || error === ENOSYS || error === EBADF) {
    copyFromNowOn(stream);
    return "going";
  }
  if (error !== libc.layout.EAGAIN) return error === EPIPE ? "closed" : "broken";
  stream.writable = false;
  stream.refusals += 1;
  if (stream.refusals >= MOST_REFUSALS) copyFromNowOn(stream);
  return "going";
}

/** read(2) and write(2) may wait, so that poll(2) has to be asked anew. */
function copyFromNowOn(stream: Stream): void {
  stream.splices = false;
  stream.readable = false;
  stream.writable = stream.toSocket;
}

/** A pipe holds 64 KiB by itself. It never shrinks here, and where the system refuses it stays as it is. */
function enlarge(linux: NonNullable<Libc["linux"]>, { from, to, fromSocket }: Stream): void {
  const pipe = fromSocket ? to : from;
  const size = linux.fcntl(pipe, F_GETPIPE_SZ, 0);
  if (size > 0 && size < CHUNK) linux.fcntl(pipe, F_SETPIPE_SZ, CHUNK);
}

function copyOnce(libc: Libc, stream: Stream): Outcome | "again" {
  return stream.length > 0 ? emptyBuffer(libc, stream) : fillBuffer(libc, stream);
}

function fillBuffer(libc: Libc, stream: Stream): Outcome | "again" {
  if (!stream.readable) return "going";
  const { calls, layout } = libc;
  stream.buffer ??= new Uint8Array(BUFFER);
  const room = ptr(stream.buffer);
  const got = stream.fromSocket
    ? calls.recv(stream.from, room, BUFFER, layout.MSG_DONTWAIT)
    : calls.read(stream.from, room, BUFFER);
  stream.readable = false;
  if (got === 0) return "end";
  if (got > 0) {
    stream.at = 0;
    stream.length = got;
    return "again";
  }
  const error = libc.errno();
  return error === EINTR || error === layout.EAGAIN ? "going" : "broken";
}

function emptyBuffer(libc: Libc, stream: Stream): Outcome | "again" {
  if (!stream.writable || stream.buffer === null) return "going";
  const { calls, layout } = libc;
  const bytes: Pointer = ptr(stream.buffer, stream.at);
  const put = stream.toSocket
    ? calls.send(stream.to, bytes, stream.length, layout.MSG_DONTWAIT)
    : calls.write(stream.to, bytes, Math.min(stream.length, layout.pipeWrite));
  if (put < 0) {
    const error = libc.errno();
    if (error === EINTR) return "again";
    stream.writable = false;
    if (error === layout.EAGAIN) return "going";
    return error === EPIPE ? "closed" : "broken";
  }
  stream.at += put;
  stream.length -= put;
  stream.moved += put;
  // A pipe that took what it surely had room for may have room for no more; a socket says so itself.
  if (!stream.toSocket) stream.writable = false;
  return stream.length > 0 && stream.writable ? "again" : "going";
}
