/** One connection to an ssh-agent: requests one after the other, a limit for all of them together. */

import { MAX_AGENT_MESSAGE } from "../wire/agent.ts";
import { string } from "../wire/bytes.ts";

/**
 * Why an agent gave no answer: nobody listens at the socket; nothing came within the limit; it ended the connection; what came
 * is no answer.
 */
export type Silence = "absent" | "hung" | "closed" | "garbage";

export type AgentClient = {
  /** Sends a message (as wire/agent.ts makes them) and gives the answer's. After a silence every further one is the same. */
  ask(message: Uint8Array): Promise<Uint8Array | Silence>;
  /** Ends the connection; to be called in any case. */
  close(): void;
};

/** Milliseconds for a whole exchange: more would be felt at a login. */
export const AGENT_LIMIT_MS = 900;

/** Bytes of a path in `sun_path`, without the NUL: 107 on Linux, 103 on macOS and the BSDs. */
const LONGEST_PATH = process.platform === "linux" ? 107 : 103;

const LENGTH_BYTES = 4;

/**
 * Connects to the socket at `path`. Never throws and never hangs: whatever goes wrong, now or later, is a value. `limitMs`
 * counts from this call.
 */
export async function openAgent(path: string, limitMs = AGENT_LIMIT_MS): Promise<AgentClient | Silence> {
  if (!path.startsWith("/") || path.includes("\0") || Buffer.byteLength(path) > LONGEST_PATH) return "absent";

  let silence: Silence | null = null;
  let connection: Bun.Socket | null = null;
  let waiting: ((answer: Uint8Array | Silence) => void) | null = null;
  let unsent = new Uint8Array(0);
  let inbox = makeInbox();
  let wake: (result: "open" | Silence) => void = () => {};
  const opened = new Promise<"open" | Silence>((resolve) => {
    wake = resolve;
  });

  function stop(reason: Silence): void {
    silence ??= reason;
    clearTimeout(timer);
    wake(silence);
    waiting?.(silence);
    waiting = null;
    // Last: the end of the connection calls back at once.
    const socket = connection;
    connection = null;
    socket?.terminate();
  }

  function send(): void {
    if (connection === null || unsent.length === 0) return;
    const sent = connection.write(unsent);
    if (sent < 0) stop("closed");
    else unsent = unsent.slice(sent);
  }

  const timer = setTimeout(() => stop("hung"), limitMs);
  Bun.connect({
    unix: path,
    socket: {
      open(socket) {
        if (silence !== null) {
          socket.terminate();
          return;
        }
        connection = socket;
        wake("open");
      },
      drain: send,
      data(_, bytes) {
        const answer = waiting === null ? "garbage" : inbox.take(bytes);
        if (answer === "garbage") stop(answer);
        else if (answer !== null) {
          const give = waiting;
          waiting = null;
          inbox = makeInbox();
          give?.(answer);
        }
      },
      end: () => stop("closed"),
      close: () => stop("closed"),
      error: () => stop("closed"),
      connectError: () => stop("absent"),
    },
  }).catch(() => stop("absent"));

  const result = await opened;
  if (result !== "open") return result;
  return {
    ask(message) {
      if (silence !== null) return Promise.resolve(silence);
      return new Promise((resolve) => {
        waiting = resolve;
        unsent = string(message).slice();
        send();
      });
    },
    close: () => stop("closed"),
  };
}

/** Collects one answer, whatever the pieces it comes in. */
function makeInbox(): { take(bytes: Uint8Array): Uint8Array | "garbage" | null } {
  const head = new Uint8Array(LENGTH_BYTES);
  let headFilled = 0;
  let body: Uint8Array | null = null;
  let filled = 0;
  return {
    take(bytes) {
      let from = 0;
      while (headFilled < LENGTH_BYTES && from < bytes.length) head[headFilled++] = bytes[from++] ?? 0;
      if (headFilled < LENGTH_BYTES) return null;
      if (body === null) {
        const length = new DataView(head.buffer).getUint32(0);
        if (length === 0 || length > MAX_AGENT_MESSAGE) return "garbage";
        body = new Uint8Array(length);
      }
      const rest = bytes.subarray(from);
      // More than was asked for: nobody knows what the next answer would belong to.
      if (rest.length > body.length - filled) return "garbage";
      body.set(rest, filled);
      filled += rest.length;
      return filled === body.length ? body : null;
    },
  };
}
