import type { Environment } from "../story.ts";
import type { System } from "../system/system.ts";

/** What a command is called with. */
export type CommandCall = {
  /** Words behind the command's own. */
  readonly words: readonly string[];
  readonly environment: Environment;
  readonly system: System;
  readonly readText: (path: string) => string | null;
  /** Path of the running executable. */
  readonly program: string;
  /** Prints a line of the command's answer on stdout; false when that can't be done. */
  readonly out: (line: string) => unknown;
};

/** Runs to the exit status of the process, or throws Failure. */
export type Command = (call: CommandCall) => Promise<number>;
