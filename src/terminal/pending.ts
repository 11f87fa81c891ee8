// A question that any process of the same user can answer, as `bssh mfa` does in another terminal: the asker listens on a
// socket in the private state folder and names it in a file there.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { printable } from "../failure.ts";
import type { Question } from "./ask.ts";
import { beforeTheEnd, type Ending } from "./ends.ts";
import {
  dropRecord,
  dropSocket,
  type FromAsker,
  isOwnSocket,
  lineOf,
  lineReader,
  type Outcome,
  readFromAnswerer,
  readRecord,
  TEMPORARY,
  writeRecord,
} from "./pending-lines.ts";
import type { PrivateState } from "./private-state.ts";

/** Where questions are pending. */
export type PendingPlace = {
  /** Private folder; made when it is missing. */
  readonly state: string;
  readonly files: PrivateState;
  readonly environment: Readonly<{ [name: string]: string | undefined }>;
  /** How a signal ends the process; by the signal unless it is said. */
  readonly ending?: Ending;
};

/** One errand's questions, one after another; who answered the first hears what came of it. */
export type Pending = {
  /** The answer given elsewhere. Null when the question is no longer wanted, or nobody can reach it. */
  ask(question: Question): Promise<string | null>;
  /** Of the question asked last: null once others can answer it, or why they can't. */
  ready(): Promise<string | null>;
  /** Ends the errand and tells those who answered. Must be called; does nothing when nobody was ever asked. */
  finish(outcome: Outcome): void;
};

/** Longest path of a socket in bytes: sun_path has 108 on Linux and 104 on macOS, the end included. */
const LONGEST_PATH = 100;

/** Those who may listen at once. */
const MOST_PEERS = 64;

/** Left-overs that are looked at in one go. */
const MOST_SWEPT = 32;

type Peer = { write(text: string): void; close(): void };

type Door = { readonly path: string; readonly peers: ReadonlySet<Peer>; close(): void };

/** Nothing is listened on before the first question. */
export function openPending(place: PendingPlace): Pending {
  let door: Promise<Door | null> | null = null;
  let opened: Door | null = null;
  let finished: Outcome | null = null;
  let number = 0;
  let open: { message: FromAsker; answer(text: string): void } | null = null;
  let trouble: string | null = null;
  let ready = Promise.resolve<string | null>(null);
  let forgetEnds = () => {};

  const tell = (message: FromAsker) => {
    for (const peer of opened?.peers ?? []) peer.write(lineOf(message));
  };
  const close = () => {
    opened?.close();
    if (opened !== null) dropRecord(place.files, place.state, opened.path);
    opened = null;
    process.off("exit", close);
    forgetEnds();
  };
  const complain = (error: unknown) => {
    const code = (error as { code?: unknown }).code;
    const why =
      typeof code === "string" || !(error instanceof Error) ? place.files.describeErrno(error) : error.message;
    trouble = `${printable(place.state)}: ${why}`;
  };
  const enter = async (): Promise<Door | null> => {
    try {
      opened = await openDoor(place, {
        greet: (peer) => {
          if (open !== null) peer.write(lineOf(open.message));
        },
        hear: (line) => {
          const said = readFromAnswerer(line);
          if (said === null) return false;
          if (open?.message.kind === "ask" && open.message.number === said.number) open.answer(said.answer);
          return true;
        },
      });
      process.on("exit", close);
      forgetEnds = beforeTheEnd(close, place.ending ?? "signal");
    } catch (error) {
      complain(error);
      return null;
    }
    if (finished !== null) close();
    return opened;
  };

  return {
    async ask(question) {
      const known = Promise.withResolvers<string | null>();
      ready = known.promise;
      door ??= enter();
      const there = await door;
      if (there === null || finished !== null || question.signal?.aborted === true) {
        known.resolve(there === null ? trouble : null);
        return null;
      }
      number += 1;
      const mine = number;
      const text = printable(question.text, 1000);
      const message: FromAsker = { kind: "ask", number: mine, text, secret: question.secret };
      const { promise, resolve } = Promise.withResolvers<string | null>();
      const stop = () => resolve(null);
      question.signal?.addEventListener("abort", stop);
      try {
        open = { message, answer: resolve };
        writeRecord(place.files, place.state, { pid: process.pid, text, socket: there.path, since: Date.now() });
        known.resolve(null);
        tell(message);
        return await promise;
      } catch (error) {
        complain(error);
        known.resolve(trouble);
        return null;
      } finally {
        open = null;
        question.signal?.removeEventListener("abort", stop);
        tell({ kind: "withdrawn", number: mine });
      }
    },
    ready: () => ready,
    finish(outcome) {
      if (finished !== null) return;
      finished = outcome;
      open?.answer("");
      tell({ kind: "over", outcome });
      close();
    },
  };
}

type Rules = {
  /** Called for each who comes. */
  greet(peer: Peer): void;
  /** False when a line is no answer; its sender is sent away. */
  hear(line: string): boolean;
};

/** Listens. Throws what the system throws. */
async function openDoor(place: PendingPlace, rules: Rules): Promise<Door> {
  const distrust = place.files.prepareFolder(place.state, "private");
  if (distrust !== null) throw new Error(distrust);
  await sweep(place);
  const path = socketPath(place);
  const peers = new Set<Peer>();
  type Data = { peer: Peer; reader: ReturnType<typeof lineReader> };
  const listener = Bun.listen<Data>({
    unix: path,
    socket: {
      open(socket) {
        if (peers.size >= MOST_PEERS) return void socket.end();
        const peer: Peer = { write: (text) => void socket.write(text), close: () => void socket.end() };
        const reader = lineReader((line) => {
          if (!rules.hear(line)) socket.end();
        });
        socket.data = { peer, reader };
        peers.add(peer);
        rules.greet(peer);
      },
      data(socket, bytes) {
        if (socket.data?.reader.take(bytes) !== true) socket.end();
      },
      close(socket) {
        if (socket.data !== undefined) peers.delete(socket.data.peer);
      },
      error() {},
    },
  });
  try {
    chmodSync(path, 0o600);
  } catch (error) {
    listener.stop(true);
    throw error;
  }
  const close = () => {
    for (const peer of peers) peer.close();
    listener.stop();
    dropSocket(path);
  };
  return { path, peers, close };
}

/** A path of this process's own: two askers never take each other's away. */
function socketPath(place: PendingPlace): string {
  const name = `question-${randomBytes(4).toString("hex")}.sock`;
  const path = join(place.state, name);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  const runtime = place.environment["XDG_RUNTIME_DIR"] ?? "";
  const folders = isOwnFolder(runtime) && Buffer.byteLength(runtime) <= 40 ? [runtime, "/tmp"] : ["/tmp"];
  for (const folder of folders) {
    try {
      return join(mkdtempSync(join(folder, TEMPORARY)), name);
    } catch {}
  }
  throw new Error("there is no folder for a socket");
}

function isOwnFolder(path: string): boolean {
  try {
    return path.startsWith("/") && statSync(path).uid === process.getuid?.();
  } catch {
    return false;
  }
}

/** Removes what killed processes left: sockets that nobody listens on, and the record that names one. */
async function sweep({ state, files }: PendingPlace): Promise<void> {
  const named = readRecord(files, state)?.socket;
  const found = readdirSync(state)
    .filter((name) => /^question-.*\.sock$/.test(name))
    .map((name) => join(state, name));
  for (const path of [...(named === undefined ? [] : [named]), ...found].slice(0, MOST_SWEPT)) {
    if (!(await isAlive(path))) dropRecord(files, state, path);
  }
}

/** Whether somebody listens on a socket. */
async function isAlive(path: string): Promise<boolean> {
  if (!isOwnSocket(path)) return false;
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {}, error() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
