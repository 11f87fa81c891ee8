import { dlopen, type Library } from "bun:ffi";
import { beforeTheEnd, type Ending, raise } from "./ends.ts";

const DARWIN = process.platform === "darwin";
/**
 * struct termios is 60 bytes on Linux, 72 on macOS; c_lflag stands at 12 (32 bits) or at 24 (64 bits), c_cc at 17 or 32. Then
 * places in c_cc, and ISIG.
 */
const LAYOUT = DARWIN
  ? { library: "libSystem.B.dylib", lflag: 24, cc: 32, eol: 1, eol2: 2, intr: 8, quit: 9, isig: 0x80 }
  : { library: "libc.so.6", lflag: 12, cc: 17, eol: 11, eol2: 16, intr: 0, quit: 1, isig: 1 };
const ECHO = 8;
const TCSADRAIN = 1;
const TCSAFLUSH = 2;
/** Larger than struct termios of any system. */
const ROOMY = 256;
const SIGTSTP = DARWIN ? 18 : 20;

/** What is done to the question when the person leaves it: taken away before, written again after. */
export type Leaving = { readonly erase: () => void; readonly ask: () => void };

/** A terminal without echo. */
export type Silenced = {
  /** Turns echo on again, and drops what was half typed when `drop` is given: it must not become the shell's. */
  readonly restore: (drop?: "drop") => void;
  /** Characters that end the line as a signal to all who share the terminal, with the signal's name. */
  readonly signals: ReadonlyMap<string, NodeJS.Signals>;
};

/**
 * Turns the terminal's echo off. What was typed before is dropped, what is typed after the answer isn't. Signals that end or
 * stop the process turn echo on first: the runtime restores the terminal by itself only when one of descriptors 0-2 is it, and
 * never for Ctrl-Z. After `fg` the question is asked again.
 *
 * With `ending` "status" Ctrl-C and Ctrl-\ end the line instead of being signals: ssh, which waits for us, would be gone, and
 * the shell be reading, before echo is on again.
 */
export function echoOff(tty: number, leaving: Leaving, ending: Ending = "signal"): Silenced {
  const terminal = openTerminal(tty, ending);
  if (terminal === null) return { restore: beforeTheEnd(leaving.erase, ending), signals: new Map() };
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
  const restore = (drop?: "drop") => {
    terminal.on(drop);
    forgetEnds();
    process.off("SIGTSTP", stop);
  };
  return { restore, signals: terminal.signals };
}

type Terminal = {
  /** Echo off. */
  off(): void;
  /** The terminal as it was. */
  on(drop?: "drop"): void;
  readonly signals: Silenced["signals"];
};

/** Null when the descriptor is no terminal. */
function openTerminal(tty: number, ending: Ending): Terminal | null {
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
  const signals = new Map<string, NodeJS.Signals>();
  let cleared = ECHO;
  if (ending === "status") {
    cleared |= LAYOUT.isig;
    for (const [name, from, to] of [
      ["SIGINT", LAYOUT.intr, LAYOUT.eol],
      ["SIGQUIT", LAYOUT.quit, LAYOUT.eol2],
    ] as const) {
      const character = before[LAYOUT.cc + from] ?? 0;
      silent[LAYOUT.cc + to] = character;
      if (character !== 0 && character !== 0xff) signals.set(String.fromCharCode(character), name);
    }
  }
  view.setUint32(LAYOUT.lflag, view.getUint32(LAYOUT.lflag, true) & ~cleared, true);
  return {
    off: () => void libc.tcsetattr(tty, TCSAFLUSH, silent),
    on: (drop) => void libc.tcsetattr(tty, drop === undefined ? TCSADRAIN : TCSAFLUSH, before),
    signals,
  };
}

const SYMBOLS = {
  tcgetattr: { args: ["int", "ptr"], returns: "int" },
  tcsetattr: { args: ["int", "int", "ptr"], returns: "int" },
} as const;

function terminalByStty(tty: number): Terminal {
  const stty = (word: string) => void Bun.spawnSync(["stty", word], { stdin: tty, stdout: "ignore", stderr: "ignore" });
  return { off: () => stty("-echo"), on: () => stty("echo"), signals: new Map() };
}
