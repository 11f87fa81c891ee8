import { constants } from "node:os";
import type { Subprocess } from "bun";
import { Failure } from "../failure.ts";
import janitorScript from "./janitor.sh" with { type: "text" };
import startScript from "./start.sh" with { type: "text" };

/** Name of the variable that marks the processes which end with the sandbox; its value is the sandbox's folder. */
export const MARK = "BSSH_SANDBOX_PROCESS";

/** Output of a process that lives as long as the sandbox: a file's descriptor, or nowhere. */
type Output = number | "ignore";

export type Janitor = {
  /** Starts a process of the sandbox in a session of its own, away from the terminal. `environment` is all it gets. */
  readonly startService: (words: readonly string[], environment: Environment, output: Output) => Subprocess;
  /** Starts COMMAND on the terminal and the standard streams of this process. */
  readonly startCommand: (words: readonly string[], environment: Environment) => Subprocess;
  /** Ends every process of the sandbox, removes its folder, and comes back when both are done. */
  readonly finish: () => Promise<void>;
};

export type Environment = Readonly<Record<string, string>>;

/**
 * Starts the process that cleans up after the sandbox in `root`, and waits until it is on guard. It lives in a session of
 * its own and does its work when this process closes the pipe to it, or dies of whatever. The folder is made afterwards,
 * so that there is no moment at which a kill -9 would leave it. Throws Failure when there is no /bin/sh.
 */
export async function startJanitor(root: string): Promise<Janitor> {
  const guard = Bun.spawn(["/bin/sh", "-c", janitorScript, "bssh-janitor", root], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    detached: true,
  });
  const reader = guard.stdout.getReader();
  const first = await reader.read();
  if (first.value === undefined) {
    throw new Failure("the sandbox's janitor did not start", "check that /bin/sh works here");
  }

  const words = (rest: readonly string[]) => ["/bin/sh", "-c", startScript, "bssh-start", root, ...rest];
  return {
    startService: (rest, environment, output) =>
      Bun.spawn(words(rest), {
        cwd: "/",
        env: { ...environment, [MARK]: root },
        stdin: "ignore",
        stdout: output,
        stderr: output,
        detached: true,
      }),
    startCommand: (rest, environment) =>
      Bun.spawn(words(rest), {
        env: { ...environment, [MARK]: root },
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
      }),
    finish: async () => {
      await guard.stdin.end();
      await guard.exited;
    },
  };
}

/** Exit status as a shell gives it: the process's own, or 128 and the number of the signal that ended it. */
export async function shellStatus(process: Subprocess): Promise<number> {
  await process.exited;
  if (process.signalCode !== null) {
    return 128 + (constants.signals[process.signalCode as keyof typeof constants.signals] ?? 0);
  }
  return process.exitCode ?? 1;
}
