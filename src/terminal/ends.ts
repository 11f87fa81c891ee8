import { dlopen } from "bun:ffi";

/** Signals that end the process. */
const ENDS = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGTERM", 15],
] as const;

/**
 * How a signal ends the process: by the signal, as its parent expects of a program; or with exit status 1, where a death by
 * a signal would be the parent's failure, as it is for ssh with `Match exec` (readconf.c, execute_in_shell).
 */
export type Ending = "signal" | "status";

/** Larger than struct sigaction of any system. */
const ROOMY = 256;

/** What is to be done before the end. The first handler ends the process, so that it does all of it. */
const leaving = new Set<() => void>();

/** Does `leave` before a signal ends the process. Returns what takes that back. */
export function beforeTheEnd(leave: () => void, ending: Ending): () => void {
  const mine = () => leave();
  leaving.add(mine);
  const handlers = ENDS.map(([name, number]) => {
    const handler = () => {
      for (const one of leaving) one();
      if (ending === "signal") raise(name, number);
      process.exit(ending === "status" ? 1 : 128 + number);
    };
    return [name, handler] as const;
  });
  for (const [name, handler] of handlers) process.on(name, handler);
  return () => {
    leaving.delete(mine);
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

/** Lets a signal do what it does to a process that doesn't catch it. False where that can't be had. */
export function raise(name: NodeJS.Signals, number: number): boolean {
  try {
    const { symbols } = dlopen(process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
      sigaction: { args: ["int", "ptr", "ptr"], returns: "int" },
    });
    const [standard, caught] = [new Uint8Array(ROOMY), new Uint8Array(ROOMY)];
    symbols.sigaction(number, standard, caught);
    process.kill(process.pid, name);
    symbols.sigaction(number, caught, null);
    return true;
  } catch {
    // Without the JIT there is no bun:ffi.
    return false;
  }
}
