import { dlopen } from "bun:ffi";

/** struct termios is 60 bytes on Linux, 72 on macOS; c_lflag stands at 12 (32 bits) or at 24 (64 bits). */
const LAYOUT =
  process.platform === "darwin" ? { lflag: 24, library: "libSystem.B.dylib" } : { lflag: 12, library: "libc.so.6" };
const ECHO = 8;
const TCSADRAIN = 1;
const TCSAFLUSH = 2;

const SIGNALS = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const;

/**
 * Turns the terminal's echo off and returns what turns it on again. Signals that end the process turn it on first: the runtime
 * restores the terminal by itself only when one of descriptors 0-2 is it.
 */
export function echoOff(tty: number): () => void {
  let libc: ReturnType<typeof openLibc>;
  try {
    libc = openLibc();
  } catch {
    // Without the JIT there is no bun:ffi; stty(1) does it as well.
    return echoOffByStty(tty);
  }
  const before = new Uint8Array(128);
  if (libc.tcgetattr(tty, before) !== 0) return () => {};
  const after = before.slice();
  const view = new DataView(after.buffer);
  view.setUint32(LAYOUT.lflag, view.getUint32(LAYOUT.lflag, true) & ~ECHO, true);
  const restore = () => void libc.tcsetattr(tty, TCSADRAIN, before);
  const handlers = SIGNALS.map(([name, number]) => {
    const handler = () => {
      restore();
      process.removeAllListeners(name);
      libc.signal(number, 0n);
      process.kill(process.pid, name);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  libc.tcsetattr(tty, TCSAFLUSH, after);
  return () => {
    restore();
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

function openLibc() {
  return dlopen(LAYOUT.library, {
    tcgetattr: { args: ["int", "ptr"], returns: "int" },
    tcsetattr: { args: ["int", "int", "ptr"], returns: "int" },
    signal: { args: ["int", "usize"], returns: "usize" },
  }).symbols;
}

function echoOffByStty(tty: number): () => void {
  const stty = (word: string) => Bun.spawnSync(["stty", word], { stdin: tty, stdout: "ignore", stderr: "ignore" });
  stty("-echo");
  return () => void stty("echo");
}
