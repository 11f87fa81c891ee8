import { dlopen } from "bun:ffi";

const TIOCGWINSZ = 0x5413;

/** Characters in a row of the terminal; null when that can't be told. */
export function columnsOf(tty: number): number | null {
  // ioctl(2) takes its arguments by another convention on macOS.
  if (process.platform !== "linux") return null;
  try {
    const { symbols } = dlopen("libc.so.6", { ioctl: { args: ["int", "u64", "ptr"], returns: "int" } });
    const size = new Uint16Array(4);
    return symbols.ioctl(tty, TIOCGWINSZ, size) === 0 && size[1] !== undefined && size[1] > 0 ? size[1] : null;
  } catch {
    return null;
  }
}
