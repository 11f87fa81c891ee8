// A small server, and clients that reach it through ports that ssh forwards.
import { createServer } from "node:net";
import type { Meanwhile } from "./road.ts";

const REACHED_SECONDS = 30;

/** A server on 127.0.0.1 that sends back what it gets. */
export function startEcho(): { readonly port: number; stop(): void } {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        socket.write(bytes);
      },
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}

/** PORT, which ssh is to listen on. */
export const forwardedPort = async () => ({ PORT: String(await freePort()) });

/** Waits until PORT is listened on; sends the parts one by one, and returns the answers to each. */
async function talk(port: number, parts: readonly Uint8Array[]): Promise<Buffer[]> {
  const until = Date.now() + REACHED_SECONDS * 1000;
  let heard: PromiseWithResolvers<Buffer> = Promise.withResolvers();
  const socket = {
    data: (_: unknown, bytes: Buffer) => heard.resolve(Buffer.from(bytes)),
    close: () => heard.reject(new Error("the forwarded port was closed")),
    error: () => {},
  };
  for (;;) {
    try {
      const connection = await Bun.connect({ hostname: "127.0.0.1", port, socket });
      const answers: Buffer[] = [];
      for (const part of parts) {
        heard = Promise.withResolvers();
        connection.write(part);
        answers.push(await heard.promise);
      }
      heard = Promise.withResolvers();
      heard.promise.catch(() => {});
      connection.end();
      return answers;
    } catch (error) {
      if (Date.now() > until) throw error;
      await Bun.sleep(20);
    }
  }
}

/** Carries a word through a port of `ssh -L`, and leaves the file `word` with what came back. */
export async function throughPort({ folder, variables }: Meanwhile): Promise<void> {
  const [word] = await talk(Number(variables["PORT"]), [Buffer.from("in\n")]);
  await Bun.write(`${folder}/word`, word ?? "");
}

/** The same through the SOCKS port of `ssh -D` (RFC 1928: no authentication, CONNECT to an IPv4 address). */
export async function throughSocks({ folder, variables }: Meanwhile): Promise<void> {
  const echo = Number(variables["ECHO"]);
  const request = Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, echo >> 8, echo & 255);
  const [, , word] = await talk(Number(variables["PORT"]), [Uint8Array.of(5, 1, 0), request, Buffer.from("in\n")]);
  await Bun.write(`${folder}/word`, word ?? "");
}

/** A port of 127.0.0.1 that nobody has just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
