// Starts processes of a flight (flying.ts) and hears what they say.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Flight } from "../../src/issue/single-flight.ts";

export type Result = {
  readonly got?: string | null;
  /** The sentence and the status. */
  readonly failure?: readonly [string, number];
  readonly said: readonly string[];
  readonly traced: readonly string[];
  /** How often it looked whether it was done. */
  readonly looks: number;
  readonly turns: number;
};

export type Flyer = {
  readonly pid: number;
  readonly lines: readonly string[];
  /** Waits until a line begins so, at most 20 seconds. */
  until(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Its result; null when it was killed. */
  readonly result: Promise<Result | null>;
  /** The signal that ended it, or its status. */
  readonly end: Promise<string | number>;
};

export type Crew = {
  /** The folder of the lock. */
  readonly state: string;
  start(...words: string[]): Flyer;
  /** How many did the work. */
  runs(): number;
  /** Ends all that is left. */
  disband(): Promise<void>;
};

const FLYING = join(import.meta.dir, "flying.ts");

export function makeCrew(): Crew {
  const folder = mkdtempSync(join(tmpdir(), "bssh-flight-"));
  const state = join(folder, "state");
  mkdirSync(state, { mode: 0o700 });
  const children: Bun.Subprocess[] = [];
  return {
    state,
    start(...words) {
      const child = Bun.spawn([process.execPath, FLYING, state, ...words], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      children.push(child);
      return flyerOf(child);
    },
    runs: () => linesOf(join(state, "runs")).length,
    async disband() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.exited));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function flyerOf(child: Bun.Subprocess<"ignore", "pipe", "inherit">): Flyer {
  const lines: string[] = [];
  const hear = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      const parts = (text + decoder.decode(bytes, { stream: true })).split("\n");
      text = parts.pop() ?? "";
      lines.push(...parts);
    }
  };
  const heard = hear();
  return {
    pid: child.pid,
    lines,
    async until(text) {
      const end = Date.now() + 20_000;
      for (;;) {
        const line = lines.find((item) => item.startsWith(text));
        if (line !== undefined) return line;
        if (Date.now() > end) throw new Error(`waited for ${text} in vain; it said ${lines.join(" | ")}`);
        await Bun.sleep(2);
      }
    },
    kill: (signal) => child.kill(signal),
    result: child.exited.then(async () => {
      if (child.signalCode !== null) return null;
      await heard;
      return JSON.parse(lines.at(-1) ?? "null") as Result;
    }),
    end: child.exited.then(() => child.signalCode ?? child.exitCode ?? -1),
  };
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

/** A process that has the lock and stays at this point. */
export async function holding(crew: Crew, point: string, ...words: string[]): Promise<Flyer> {
  const holder = crew.start(`stop-at=${point}`, ...words);
  await holder.until(point);
  return holder;
}

/** Processes that wait for whoever has the lock. */
export async function waiting(crew: Crew, count: number, ...words: string[]): Promise<Flyer[]> {
  const flyers = Array.from({ length: count }, () => crew.start(...words));
  await Promise.all(flyers.map((flyer) => flyer.until("started")));
  await Bun.sleep(100);
  return flyers;
}

export const lockFile = (crew: Crew) => join(crew.state, "issuing.lock");

/** A flight in this process that is not done and then does it itself. */
export function flightOf(crew: Crew, changed: Partial<Flight<string>> = {}): Flight<string> {
  return {
    state: crew.state,
    about: "here",
    isDone: () => null,
    run: async () => "own",
    wait: true,
    say: () => {},
    quiet: false,
    trace: () => {},
    ...changed,
  };
}
