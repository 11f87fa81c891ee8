// What a person names to be read: a file, or a pipe that something writes into; perhaps a folder, a device without end or a
// pipe that nobody writes into.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** The descriptor, in place of a path. */
export const STANDARD_INPUT = 0;

/** How long a pipe is waited for that something has opened and writes nothing into, in milliseconds. */
const PATIENCE_MS = 5000;

const PAUSE_MS = 20;

/** All of it, or why not: a word of these, or the system's name of the error. Waits for standard input without a limit. */
export async function readBounded(from: string | typeof STANDARD_INPUT, most: number): Promise<Uint8Array | string> {
  let file: number;
  try {
    file = from === STANDARD_INPUT ? from : openSync(from, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "missing" : code;
  }
  try {
    const found = fstatSync(file);
    if (found.isDirectory()) return "folder";
    if (found.isFile() && found.size > most) return "too long";
    if (from === STANDARD_INPUT)
      return await readAll(file, most, { patienceMs: Number.POSITIVE_INFINITY, comes: false });
    return await readAll(file, most, { patienceMs: PATIENCE_MS, comes: found.isFIFO() });
  } catch (error) {
    return codeOf(error);
  } finally {
    if (from !== STANDARD_INPUT) closeSync(file);
  }
}

/** `comes`: whether an end at the beginning is only that nobody has come to write yet. */
type Patience = { readonly patienceMs: number; readonly comes: boolean };

async function readAll(file: number, most: number, { patienceMs, comes }: Patience): Promise<Uint8Array | string> {
  const bytes = new Uint8Array(most + 1);
  let length = 0;
  for (let waited = 0; length <= most; ) {
    try {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      length += count;
      if (count > 0) continue;
      if (length > 0 || !comes) return bytes.subarray(0, length);
    } catch (error) {
      const code = codeOf(error);
      if (code !== "EAGAIN" && code !== "EINTR") throw error;
    }
    if (waited >= patienceMs) return "silent";
    await Bun.sleep(PAUSE_MS);
    waited += PAUSE_MS;
  }
  return "too long";
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "unknown error";
}
