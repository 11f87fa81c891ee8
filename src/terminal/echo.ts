import { dlopen, type Library } from "bun:ffi";

const DARWIN = process.platform === "darwin";
/** struct termios is 60 bytes on Linux, 72 on macOS; c_lflag stands at 12 (32 bits) or at 24 (64 bits). */
const LAYOUT = DARWIN ? { lflag: 24, library: "libSystem.B.dylib" } : { lflag: 12, library: "libc.so.6" };
const ECHO = 8;
const TCSADRAIN = 1;
const TCSAFLUSH = 2;
/** Larger than struct termios and struct sigaction of any system. */
const ROOMY = 256;

/** Signals that end the process. */
const ENDS = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGTERM", 15],
] as const;
const SIGTSTP = DARWIN ? 18 : 20;

/** What is done to the question when the person leaves it: taken away before, written again after. */
export type Leaving = { readonly erase: () => void; readonly ask: () => void };

/**
 * Turns the terminal's echo off and returns what turns it on again. What was typed before is dropped, what is typed after the
 * answer isn't. Signals that end or stop the process turn echo on first: the runtime restores the terminal by itself only
 * when one of descriptors 0-2 is it, and never for Ctrl-Z. After `fg` the question is asked again.
 */
export function echoOff(tty: number, leaving: Leaving): () => void {
  const terminal = openTerminal(tty);
  if (terminal === null) return () => {};
  const leave = () => {
    leaving.erase();
    terminal.on();
  };
  const handlers: [NodeJS.Signals, () => void][] = ENDS.map(([name, number]) => [
    name,
    () => {
      leave();
      terminal.raise(name, number);
      // Not reached unless the signal didn't end it.
      process.exit(128 + number);
    },
  ]);
  handlers.push([
    "SIGTSTP",
    () => {
      leave();
      terminal.raise("SIGTSTP", SIGTSTP);
      terminal.off();
      leaving.ask();
    },
  ]);
  for (const [name, handler] of handlers) process.on(name, handler);
  terminal.off();
  return () => {
    terminal.on();
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

type Terminal = {
  /** Echo off. */
  off(): void;
  /** The terminal as it was. */
  on(): void;
  /** Lets a signal do what it does to a process that doesn't catch it. */
  raise(name: NodeJS.Signals, number: number): void;
};

/** Null when the descriptor is no terminal. */
function openTerminal(tty: number): Terminal | null {
  let libc: Library<typeof SYMBOLS>["symbols"];
  try {
    libc = dlopen(LAYOUT.library, SYMBOLS).symbols;
  } catch {
    // Without the JIT there is no bun:ffi; stty(1) does it as well.
    return terminalByStty(tty);
  }
  const before = new Uint8Array(ROOMY);
  if (libc.tcgetattr(tty, before) !== 0) return null;
  const silent = before.slice();
  const view = new DataView(silent.buffer);
  view.setUint32(LAYOUT.lflag, view.getUint32(LAYOUT.lflag, true) & ~ECHO, true);
  return {
    off: () => void libc.tcsetattr(tty, TCSAFLUSH, silent),
    on: () => void libc.tcsetattr(tty, TCSADRAIN, before),
    raise(name, number) {
      const [standard, caught] = [new Uint8Array(ROOMY), new Uint8Array(ROOMY)];
      libc.sigaction(number, standard, caught);
      process.kill(process.pid, name);
      libc.sigaction(number, caught, null);
    },
  };
}

const SYMBOLS = {
  tcgetattr: { args: ["int", "ptr"], returns: "int" },
  tcsetattr: { args: ["int", "int", "ptr"], returns: "int" },
  sigaction: { args: ["int", "ptr", "ptr"], returns: "int" },
} as const;

function terminalByStty(tty: number): Terminal {
  const stty = (word: string) => void Bun.spawnSync(["stty", word], { stdin: tty, stdout: "ignore", stderr: "ignore" });
  return {
    off: () => stty("-echo"),
    on: () => stty("echo"),
    raise(name) {
      if (name === "SIGTSTP") process.kill(process.pid, "SIGSTOP");
    },
  };
}
