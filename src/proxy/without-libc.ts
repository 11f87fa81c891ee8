// The same by node alone, where bun:ffi can't be had. A descriptor can't be handed over then.
import { lookup } from "node:dns/promises";
import { close, fstatSync, read, write } from "node:fs";
import { connect, type Socket } from "node:net";
import { promisify } from "node:util";
import { Failure } from "../failure.ts";
import type { Destination } from "./destination.ts";
import { unknownHost, unreachable } from "./failures.ts";

const BUFFER = 1 << 16;
/** Milliseconds until a descriptor is tried again that somebody made non-blocking. */
const AGAIN_MS = 10;

const codeOf = (error: unknown) => (error as { code?: string }).code ?? "";

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  ETIMEDOUT: "Connection timed out",
  ENOTFOUND: "Name or service not known",
};

/** Connects and carries bytes; returns the exit status. Throws Failure (255). */
export async function serve(destination: Destination): Promise<number> {
  if (isOneSocket()) {
    throw new Failure("this system lets bssh hand no connection over", "set ProxyUseFdpass to no", 255);
  }
  const socket = await connected(destination);
  let broken = false;
  const over = new Promise<void>((resolve) => {
    socket.on("error", () => {
      broken = true;
    });
    socket.on("close", () => resolve());
  });
  const ways = [sendInput(socket), printOutput(socket)];
  await Promise.race([over, Promise.all(ways)]);
  // What has come before the end is still printed.
  await ways[1];
  return broken ? 255 : 0;
}

function isOneSocket(): boolean {
  try {
    const [input, output] = [fstatSync(0), fstatSync(1)];
    return input.isSocket() && input.ino === output.ino && input.dev === output.dev;
  } catch {
    return false;
  }
}

async function connected(destination: Destination): Promise<Socket> {
  const addresses = await lookup(destination.host, { all: true, verbatim: true }).catch((error) => {
    throw unknownHost(destination.host, WORDS[codeOf(error)] ?? codeOf(error));
  });
  let last = "ENOTFOUND";
  for (const { address } of addresses) {
    try {
      return await connectedTo(address, destination.port);
    } catch (error) {
      last = codeOf(error);
    }
  }
  throw unreachable(destination, WORDS[last] ?? last);
}

function connectedTo(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    socket.pause();
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

async function sendInput(socket: Socket): Promise<void> {
  const buffer = Buffer.alloc(BUFFER);
  for (;;) {
    const got = await patiently(() => promisify(read)(0, buffer, 0, BUFFER, null)).catch(() => ({ bytesRead: 0 }));
    if (got.bytesRead === 0) break;
    const bytes = Buffer.from(buffer.subarray(0, got.bytesRead));
    await new Promise<void>((resolve) => {
      if (socket.destroyed || !socket.writable) resolve();
      else socket.write(bytes, () => resolve());
    });
    if (socket.destroyed) return;
  }
  socket.end();
}

/** Prints what comes until it ends; the socket stands still while a piece is written. */
async function printOutput(socket: Socket): Promise<void> {
  let written: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve) => {
    socket.on("data", (bytes: Buffer) => {
      socket.pause();
      written = printAll(bytes).then(
        () => socket.resume(),
        () => resolve(),
      );
    });
    socket.on("end", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
  await written;
  await promisify(close)(1).catch(() => {});
}

async function printAll(bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await patiently(() => promisify(write)(1, bytes, at))).bytesWritten;
  }
}

/** Without an end while the descriptor, which isn't ours to change, has nothing for now. */
async function patiently<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
      await Bun.sleep(AGAIN_MS);
    }
  }
}
