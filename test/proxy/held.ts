// A proxy with the test at both of its ends.
import { read, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { closeAll, makePipe } from "./pipes.ts";

const bytesScript = join(import.meta.dir, "bytes.ts");
export const servingScript = join(import.meta.dir, "serving.ts");

type Server = { readonly port: number; readonly close: () => void };

export function listen(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" ? (address?.port ?? 0) : 0;
      resolve({ port, close: () => server.close() });
    });
  });
}

export type Stdio = readonly [input: number, output: number];

export function serving(port: number, [input, output]: Stdio, way: readonly string[] = []) {
  return Bun.spawn([process.execPath, servingScript, "127.0.0.1", String(port), ...way], {
    stdio: [input, output, "pipe"],
  });
}

export function sender(bytes: number, seed: number, sizes: "large" | "random", output: number) {
  return Bun.spawn([process.execPath, bytesScript, "send", String(bytes), String(seed), sizes], {
    stdio: ["ignore", output, "pipe"],
  });
}

export function receiver(input: number) {
  return Bun.spawn([process.execPath, bytesScript, "receive"], { stdio: [input, "ignore", "pipe"] });
}

/** A proxy on pipes of which the test holds the other ends. */
export async function held(onSocket: (socket: Socket) => void, way: readonly string[] = []) {
  const server = await listen(onSocket);
  const [input, output] = [makePipe(), makePipe()];
  const proxy = serving(server.port, [input.reads, output.writes], way);
  closeAll(input.reads, output.writes);
  return { proxy, input: input.writes, output: output.reads, server };
}

export const readAsync = promisify(read);

export async function readSome(descriptor: number, most = 65536): Promise<string> {
  const { bytesRead, buffer } = await readAsync(descriptor, Buffer.alloc(most), 0, most, null);
  return buffer.subarray(0, bytesRead).toString();
}

export async function readAll(descriptor: number): Promise<string> {
  let text = "";
  for (let part = await readSome(descriptor); part !== ""; part = await readSome(descriptor)) text += part;
  return text;
}

/** Processor time of a process so far, in hundredths of a second: proc(5), stat. */
function ticksOf(id: number): number {
  const stat = readFileSync(`/proc/${id}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Hundredths of a second that a process computes while it should be waiting, in one second. */
export async function ticksInASecond(id: number): Promise<number> {
  await Bun.sleep(300);
  const before = ticksOf(id);
  await Bun.sleep(1000);
  return ticksOf(id) - before;
}

export const IDLE_TICKS = 25;
