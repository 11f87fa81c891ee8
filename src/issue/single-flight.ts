// Any number of processes, one chain of AWS calls: one has the lock and does it, the others wait and take what it left.
import { Failure } from "../failure.ts";
import { AT_IT, type Holder, isAsking, isStopped, lockPath, readHolder, writeHolder } from "./holder.ts";
import { type Lock, openLock } from "./lock.ts";
import { describeErrno, prepareFolder } from "./private-files.ts";
import { forgetFailure, readFailure, writeFailure } from "./shared-failure.ts";

export { ASKING_CODE, type Holder, heldBy } from "./holder.ts";

export type Flight<T> = {
  /** The folder that the lock lies in. */
  readonly state: string;
  /**
   * What it is for, such as the identity's path, and who may be asked: a failure is shared with those who wait for the same.
   */
  readonly about: string;
  /** What another process may have done meanwhile; null when it is still to be done. Called before running and after waiting. */
  readonly isDone: () => T | null;
  /** Does it. `doing` tells those who wait what is being done now; `ASKING_CODE` while a question is open. */
  readonly run: (doing: (what: string) => void) => Promise<T>;
  /**
   * False: comes back with null at once when another process is at it (background renewal); its own failure is nobody
   * else's, since it could not ask the person.
   */
  readonly wait: boolean;
  /**
   * Looked at while another process is at it: the failure with which the wait ends, or null. `waitedMs` is how long it has
   * lasted. Without it the wait ends only with the other process.
   */
  readonly patience?: (holder: Holder, waitedMs: number) => Failure | null;
  /** Called again and again while another process is at it; what it throws ends the wait. */
  readonly meanwhile?: () => Promise<void>;
  readonly say: (line: string) => void;
  /** True: doesn't say what it waits for. */
  readonly quiet: boolean;
  readonly trace: (line: string) => void;
};

/** Who waits so long says what for, and then waits in the kernel; milliseconds. */
const SILENT_MS = 2000;

/** How often the lock is looked at by who waits for a person's answer, in milliseconds. */
const PATIENT_MS = 250;

/** How often the lock is looked at before that, in milliseconds: from the first to the last, each half as long again. */
const LOOK_MS = { first: 5, last: 100 };

const ENDS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;

/**
 * Does it, or waits until another process has done it. Throws what `run` threw, here or in the process that was waited
 * for; null only with `wait` false. Where no lock can be had everybody does it for themselves.
 */
export async function singleFlight<T>(flight: Flight<T>): Promise<T | null> {
  const { state, trace } = flight;
  const trouble = prepareFolder(state, "readable");
  const lock = trouble === null ? openLock(lockPath(state)) : { why: trouble };
  if ("why" in lock) {
    trace(`${lockPath(state)}: ${lock.why}; other processes are not waited for`);
    return flight.isDone() ?? flight.run(() => {});
  }
  try {
    return await inTurn(flight, lock);
  } finally {
    lock.close();
  }
}

async function inTurn<T>(flight: Flight<T>, lock: Lock): Promise<T | null> {
  const before = readFailure(flight.state)?.id;
  const outcome = () => flight.isDone() ?? adoptFailure(flight, before);
  const wait = waiter(flight, lock);
  for (;;) {
    if (lock.take()) {
      writeHolder(lock, AT_IT);
      try {
        // It may have been done since it was looked at.
        return outcome() ?? (await runHolding(flight, lock));
      } finally {
        lock.write("");
      }
    }
    if (!flight.wait) return null;
    await wait();
    const done = outcome();
    if (done !== null) return done;
  }
}

/** Throws the failure that an attempt left since `before`, where it is one of this flight's too. */
function adoptFailure<T>(flight: Flight<T>, before: string | undefined): null {
  const last = flight.wait ? readFailure(flight.state) : null;
  if (last === null || last.id === before) return null;
  if (last.about !== flight.about) return null;
  flight.trace("another process tried meanwhile and failed");
  throw last.failure;
}

async function runHolding<T>(flight: Flight<T>, lock: Lock): Promise<T> {
  const { state, about, trace } = flight;
  try {
    const done = await flight.run((what) => writeHolder(lock, what));
    forgetFailure(state);
    return done;
  } catch (error) {
    if (flight.wait && error instanceof Failure) {
      try {
        writeFailure(state, about, error);
      } catch (trouble) {
        trace(`${state}: the failure is not shared: ${describeErrno(trouble)}`);
      }
    }
    throw error;
  }
}

/** Waits until nobody has the lock. How often it looks, and what it has said, goes on from call to call. */
function waiter<T>(flight: Flight<T>, lock: Lock): () => Promise<void> {
  const began = performance.now();
  const { meanwhile } = flight;
  let pause = LOOK_MS.first;
  let said = flight.quiet;
  const speak = () => {
    if (!said) flight.say(sentence(lock, lockPath(flight.state)));
    said = true;
  };
  return async () => {
    for (;;) {
      // Who comes back from the kernel and finds another one faster goes back to it: not at the same moment as all others.
      await Bun.sleep(pause * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 1.5, LOOK_MS.last);
      if (lock.isFree()) return;
      const waited = performance.now() - began;
      const holder = readHolder(lock);
      const tired = flight.patience?.(holder, waited) ?? null;
      if (tired !== null) throw tired;
      const long = waited >= SILENT_MS;
      if (long) speak();
      if (meanwhile !== undefined) await meanwhile();
      else if (long && isPatient(flight, holder) && !isListening()) return lock.waitFree();
      if (long && !isPatient(flight, holder)) pause = PATIENT_MS;
    }
  };
}

/** A person's answer may be long in coming: who has only so much patience does not wait for it in the kernel. */
function isPatient<T>({ patience }: Flight<T>, holder: Holder): boolean {
  return patience === undefined || !isAsking(holder);
}

/** True when a signal is answered by a function of ours, which could not be called while the process is blocked. */
function isListening(): boolean {
  return ENDS.some((name) => process.listenerCount(name) > 0);
}

function sentence(lock: Lock, path: string): string {
  const holder = readHolder(lock);
  const { pid, doing } = holder;
  const who = pid === 0 ? "another process" : `process ${pid}`;
  if (isStopped(pid)) return `waiting for ${who}, which is stopped (lock ${path}); bring it back with fg, or kill it`;
  return `waiting for ${who}, which is ${doing} (lock ${path})${isAsking(holder) ? "; answer it with bssh mfa" : ""}`;
}
