// Two who change the same list do so one after the other, whoever they are and wherever their own folders lie: the lock is on the
// folder of the list, and the kernel gives it back when its process ends, however it ends.
import { closeSync, constants, openSync } from "node:fs";
import { Failure, printable } from "../../failure.ts";
import { lockOpen } from "../../issue/lock.ts";
import { say } from "../../terminal/say.ts";
import { describeTrouble } from "./files.ts";

/** node:fs has no name for it: children must not keep the lock. */
const O_CLOEXEC = process.platform === "darwin" ? 0x1000000 : 0x80000;

const LOOK_MS = 20;

export type Patience = {
  /** Milliseconds after which it is said what is waited for. */
  readonly quiet: number;
  /** Milliseconds after which it is given up. */
  readonly most: number;
};

const PATIENCE: Patience = { quiet: 1000, most: 30_000 };

/** Waits until the folder is this process's alone; returns what gives it back. Throws Failure when it cannot be had. */
export async function lockFolder(folder: string, { quiet, most }: Patience = PATIENCE): Promise<() => void> {
  let file: number;
  try {
    file = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    throw lockless(folder, describeTrouble(error));
  }
  try {
    const start = performance.now();
    for (let isSaid = false; ; ) {
      const locked = lockOpen(file);
      if (locked === "taken") return () => closeSync(file);
      if (locked !== "busy") throw lockless(folder, locked.why);
      const waited = performance.now() - start;
      if (waited >= most) {
        throw new Failure(
          `another process has kept the folder ${printable(folder)} locked for ${Math.round(most / 1000)} seconds`,
          "nothing was changed: see with fuser which one it is",
        );
      }
      if (waited >= quiet && !isSaid) {
        isSaid = true;
        say(`waiting for another process that has the folder ${printable(folder)} locked`);
      }
      await Bun.sleep(LOOK_MS);
    }
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function lockless(folder: string, why: string): Failure {
  return new Failure(
    `the folder ${printable(folder)} cannot be locked: ${why}`,
    "nothing was changed: entries could be lost without a lock, so keep the list elsewhere",
  );
}
