import { dlopen, type Library } from "bun:ffi";
import { beforeTheEnd, type Ending, raise } from "./ends.ts";

const DARWIN = process.platform === "darwin";
/** struct termios is 60 bytes on Linux, 72 on macOS; c_lflag stands at 12 (32 bits) or at 24 (64 bits). */
const LAYOUT = DARWIN ? { lflag: 24, library: "libSystem.B.dylib" } : { lflag: 12, library: "libc.so.6" };
const ECHO = 8;
const TCSADRAIN = 1;
const TCSAFLUSH = 2;
/** Larger than struct termios of any system. */
const ROOMY = 256;
const SIGTSTP = DARWIN ? 18 : 20;

/** What is done to the question when the person leaves it: taken away before, written again after. */
export type Leaving = { readonly erase: () => void; readonly ask: () => void };

/**
 * Turns the terminal's echo off and returns what turns it on again. What was typed before is dropped, what is typed after the
 * answer isn't, unless `drop` is given: a half-typed answer must not become the shell's. Signals that end or stop the process
 * turn echo on first: the runtime restores the terminal by itself only when one of descriptors 0-2 is it, and never for
 * Ctrl-Z. After `fg` the question is asked again.
 */
export function echoOff(tty: number, leaving: Leaving, ending: Ending = "signal"): (drop?: "drop") => void {
  const terminal = openTerminal(tty);
  if (terminal === null) return beforeTheEnd(leaving.erase, ending);
  const leave = () => {
    leaving.erase();
    terminal.on();
  };
  const forgetEnds = beforeTheEnd(leave, ending);
  const stop = () => {
    leave();
    if (!raise("SIGTSTP", SIGTSTP)) process.kill(process.pid, "SIGSTOP");
    terminal.off();
    leaving.ask();
  };
  process.on("SIGTSTP", stop);
  terminal.off();
  return (drop) => {
    terminal.on(drop);
    forgetEnds();
    process.off("SIGTSTP", stop);
  };
}

type Terminal = {
  /** Echo off. */
  off(): void;
  /** The terminal as it was. */
  on(drop?: "drop"): void;
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
    on: (drop) => void libc.tcsetattr(tty, drop === undefined ? TCSADRAIN : TCSAFLUSH, before),
  };
}

const SYMBOLS = {
  tcgetattr: { args: ["int", "ptr"], returns: "int" },
  tcsetattr: { args: ["int", "int", "ptr"], returns: "int" },
} as const;

function terminalByStty(tty: number): Terminal {
  const stty = (word: string) => void Bun.spawnSync(["stty", word], { stdin: tty, stdout: "ignore", stderr: "ignore" });
  return { off: () => stty("-echo"), on: () => stty("echo") };
}
