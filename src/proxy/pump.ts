// The pump: one thread that sleeps in poll(2) until there is something to carry. It reads no further than it can write, so
// that a slow reader slows the sender down and costs no memory.
import { ptr } from "bun:ffi";
import { isSocket, sameFile } from "./descriptors.ts";
import type { Libc } from "./libc.ts";
import { advance, openStream, type Stream, wantsSource, wantsTarget } from "./stream.ts";

const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;
const POLLNVAL = 32;
const GONE = POLLERR | POLLHUP | POLLNVAL;
const SHUT_WR = 1;
const EINTR = 4;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0x800;

/**
 * Carries bytes from 0 to the socket and from the socket to 1 until both are through; each way ends by itself. The end of 0
 * is told to the server, whose answer is still delivered; the end of the server's closes 1 at once, so that ssh notices.
 * Returns the exit status: 255 when the connection broke.
 */
export function carry(libc: Libc, socket: number): number {
  const { calls, linux } = libc;
  const [inSocket, outSocket] = [isSocket(libc, 0), isSocket(libc, 1)];
  const shared = inSocket && outSocket && sameFile(libc);
  const up = openStream({ from: 0, to: socket, fromSocket: inSocket, toSocket: true, splices: !inSocket });
  const down = openStream({ from: socket, to: 1, fromSocket: true, toSocket: outSocket, splices: !outSocket });
  // splice(2) waits for a socket that may wait. This one is nobody else's.
  if (linux !== null) linux.fcntl(socket, F_SETFL, linux.fcntl(socket, F_GETFL, 0) | O_NONBLOCK);

  const closeOutput = () => {
    down.done = true;
    if (shared) calls.shutdown(1, SHUT_WR);
    else calls.close(1);
  };
  const watch = watcher(libc, socket, up, down);
  while (!up.done || !down.done) {
    if (!up.done) {
      const outcome = advance(libc, up);
      if (outcome === "end") calls.shutdown(socket, SHUT_WR);
      if (outcome !== "going") up.done = true;
    }
    if (!down.done) {
      const outcome = advance(libc, down);
      if (outcome !== "going") closeOutput();
      if (outcome === "broken") return 255;
    }
    if (up.done && down.done) break;
    const gone = watch();
    if (gone === OUTPUT) closeOutput();
    else if (gone === SERVER) break;
  }
  return 0;
}

/** What has gone: nothing, the reader of 1, or the server, which had ended its side before. */
const [NOTHING, OUTPUT, SERVER] = [0, 1, 2];

/**
 * Sleeps until something can be moved, or has gone, which it returns. Nothing is allocated: what a bulk transfer leaves
 * behind would be held for the rest of the connection.
 */
function watcher({ calls, errno }: Libc, socket: number, up: Stream, down: Stream): () => number {
  // struct pollfd: descriptor (32 bits, negative is skipped), events and what came (16 bits each).
  const entries = new Int32Array(6);
  const events = new Int16Array(entries.buffer);
  const at = ptr(entries);

  return () => {
    const reads = wantsSource(down);
    const sends = wantsTarget(up);
    entries[0] = wantsSource(up) ? 0 : -1;
    events[2] = POLLIN;
    // A socket that is over in both directions is reported without end: it is looked at only where that is acted upon.
    entries[2] = reads || sends || down.done ? socket : -1;
    events[6] = (reads ? POLLIN : 0) | (sends ? POLLOUT : 0);
    entries[4] = down.done ? -1 : 1;
    events[10] = wantsTarget(down) ? POLLOUT : 0;
    if (calls.poll(at, 3, -1) < 0) return errno() === EINTR ? NOTHING : SERVER;
    // poll(2) answers nothing for an entry that is skipped.
    const fromInput = events[3] ?? 0;
    const fromServer = events[7] ?? 0;
    const fromOutput = events[11] ?? 0;
    if (fromInput !== 0) up.readable = true;
    if (reads && (fromServer & (POLLIN | GONE)) !== 0) down.readable = true;
    if (sends && (fromServer & (POLLOUT | GONE)) !== 0) up.writable = true;
    if ((fromOutput & POLLOUT) !== 0) down.writable = true;
    if (!down.done && (fromOutput & GONE) !== 0) return OUTPUT;
    return down.done && (fromServer & GONE) !== 0 ? SERVER : NOTHING;
  };
}
