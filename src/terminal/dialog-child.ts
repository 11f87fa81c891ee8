import { beforeTheEnd, type Ending } from "./ends.ts";

/** What a program that asks in a window gave in the end. */
export type Ended = {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  /** Null when it printed more than an answer can be. */
  readonly output: string | null;
  /** The beginning of what it said on stderr. */
  readonly complaint: string;
  /** How long it was there, in milliseconds. */
  readonly ms: number;
};

export type Child = {
  write(text: string): void;
  /** Stdout as it comes, for a program that is talked to; `ended` has no output then. */
  lines(onBytes: (bytes: Uint8Array) => void): Promise<void>;
  /** Resolves when it has ended. */
  ended(): Promise<Ended>;
  /** Takes it away with everything that it started; resolves when it is gone. */
  kill(): Promise<void>;
};

export type ChildOrder = {
  readonly environment: Readonly<{ [name: string]: string | undefined }>;
  readonly signal: AbortSignal;
  readonly ending: Ending;
};

/** Longest answer in bytes. */
const LONGEST = 1024;

/** Longest complaint in bytes that is kept. */
const LONGEST_COMPLAINT = 2048;

/** What it left running may hold its output open; that isn't waited for. In milliseconds. */
const LAST_WORDS_MS = 100;

/** How long it may take to go when it is asked to, in milliseconds. */
const GRACE_MS = 300;

/** Not for a program that only asks: what gives access to AWS, and ssh's word for another kind of question. */
const KEPT_BACK = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "SSH_ASKPASS_PROMPT"];

/** Starts it in a process group of its own, which ends with it, with the signal, and with this process. Throws when it can't. */
export function startDialog(words: readonly string[], order: ChildOrder): Child {
  const env = Object.fromEntries(Object.entries(order.environment).filter(([name]) => !KEPT_BACK.includes(name)));
  const began = Date.now();
  let group: number | null = null;
  const send = (signal: NodeJS.Signals) => {
    try {
      if (group !== null) process.kill(-group, signal);
    } catch {} // all of it is gone
  };
  // Before the program is there: it may be seen sooner than this goes on.
  const forgetEnds = beforeTheEnd(() => send("SIGKILL"), order.ending);
  const child = spawn(words, env, forgetEnds);
  group = child.pid;
  const kill = async () => {
    // What a program that has ended by itself left running is meant to stay.
    if (child.exitCode !== null || child.signalCode !== null) return;
    send("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(GRACE_MS)]);
    send("SIGKILL");
    await child.exited;
  };
  const abort = () => void kill();
  order.signal.addEventListener("abort", abort);
  child.exited.then(() => {
    order.signal.removeEventListener("abort", abort);
    forgetEnds();
  });
  if (order.signal.aborted) abort();

  const complaint = gather(child.stderr, LONGEST_COMPLAINT, () => {});
  return {
    write(text) {
      try {
        child.stdin.write(text);
        child.stdin.flush();
      } catch {} // it has ended, which `ended` tells
    },
    async lines(onBytes) {
      for await (const bytes of child.stdout) onBytes(bytes);
    },
    async ended() {
      child.stdin.end();
      const output = gather(child.stdout, LONGEST, abort);
      const status = await child.exited;
      const ms = Date.now() - began;
      await Promise.race([Promise.all([output.done, complaint.done]), Bun.sleep(LAST_WORDS_MS)]);
      return {
        status: child.signalCode === null ? status : null,
        output: output.tooMuch() ? null : output.text(),
        complaint: complaint.text(),
        ms,
      };
    },
    kill,
  };
}

function spawn(words: readonly string[], env: { [name: string]: string | undefined }, onFailure: () => void) {
  try {
    return Bun.spawn([...words], { env, stdin: "pipe", stdout: "pipe", stderr: "pipe", detached: true });
  } catch (error) {
    onFailure();
    throw error;
  }
}

type Gathered = { readonly done: Promise<void>; text(): string; tooMuch(): boolean };

/** The beginning of what a stream gives. All of it is read; `onTooMuch` is told when it is more than `limit`. */
function gather(stream: ReadableStream<Uint8Array>, limit: number, onTooMuch: () => void): Gathered {
  const kept: Uint8Array[] = [];
  let length = 0;
  const read = async () => {
    try {
      for await (const chunk of stream) {
        if (length <= limit) kept.push(chunk);
        length += chunk.length;
        if (length > limit) onTooMuch();
      }
    } catch {} // what came before counts
  };
  return {
    done: read(),
    text: () => Buffer.concat(kept).subarray(0, limit).toString(),
    tooMuch: () => length > limit,
  };
}
