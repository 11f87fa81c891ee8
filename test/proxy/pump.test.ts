// promise: every byte arrives, each way ends by itself
import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  held,
  IDLE_TICKS,
  listen,
  readAll,
  readSome,
  receiver,
  type Stdio,
  sender,
  serving,
  ticksInASecond,
} from "./held.ts";
import { closeAll, makePipe, makeSocketPair, sendUrgent } from "./pipes.ts";

const folder = mkdtempSync(join(tmpdir(), "bssh-pump-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Descriptors for the proxy's stdin and stdout, and the test's ends of them. */
const KINDS: Readonly<Record<string, () => { ours: Stdio; theirs: Stdio }>> = {
  pipes: () => {
    const [input, output] = [makePipe(), makePipe()];
    return { theirs: [input.reads, output.writes], ours: [input.writes, output.reads] };
  },
  "two sockets": () => {
    const [input, output] = [makeSocketPair(), makeSocketPair()];
    return { theirs: [input[1], output[1]], ours: [input[0], output[0]] };
  },
  "a pipe and a socket": () => {
    const [input, output] = [makePipe(), makeSocketPair()];
    return { theirs: [input.reads, output[1]], ours: [input.writes, output[0]] };
  },
};

describe("every byte arrives", () => {
  async function echoed(kind: string, bytes: number, sizes: "large" | "random", way: readonly string[] = []) {
    const seed = (Math.random() * 2 ** 32) >>> 0;
    console.log(`seed ${seed}`);
    const server = await listen((socket) => socket.pipe(socket));
    const { ours, theirs } = KINDS[kind]?.() ?? { ours: [-1, -1], theirs: [-1, -1] };
    const proxy = serving(server.port, theirs as Stdio, way);
    const from = sender(bytes, seed, sizes, ours[0]);
    const to = receiver(ours[1]);
    closeAll(...ours, ...theirs);
    const [sent, received, status] = await Promise.all([
      new Response(from.stderr).text(),
      new Response(to.stderr).text(),
      proxy.exited,
    ]);
    server.close();
    expect(sent).toEndWith(` ${bytes}\n`);
    expect(received).toBe(sent);
    expect(status).toBe(0);
    expect(await new Response(proxy.stderr).text()).toBe("");
  }

  test("1 GiB there and back", () => echoed("pipes", 1 << 30, "large"));
  for (const kind of Object.keys(KINDS)) {
    test(`pieces of any size, both ways at once, through ${kind}`, () => echoed(kind, 12_345_678, "random"));
  }
  test("pieces of any size, both ways at once, without libc", () => echoed("pipes", 12_345_678, "random", ["node"]));

  test("from a file into a file", async () => {
    const [source, target] = [join(folder, "source"), join(folder, "target")];
    const content = crypto.getRandomValues(new Uint8Array(60_000));
    await Bun.write(source, content);
    const server = await listen((socket) => socket.pipe(socket));
    const files: Stdio = [openSync(source, "r"), openSync(target, "w")];
    expect(await serving(server.port, files).exited).toBe(0);
    closeAll(...files);
    server.close();
    expect(Bun.hash(await Bun.file(target).bytes())).toBe(Bun.hash(content));
  });

  test("bytes behind urgent ones, at which splice(2) stops", async () => {
    const { proxy, input, output, server } = await held((socket) => {
      socket.write("one ");
      setTimeout(() => sendUrgent((socket as unknown as { _handle: { fd: number } })._handle.fd, "!"), 100);
      setTimeout(() => socket.write("two"), 200);
    });
    expect(await readSome(output)).toBe("one ");
    let rest = "";
    while (!rest.endsWith("two")) rest += await readSome(output);
    expect(rest.replace("!", "")).toBe("two");
    expect(await ticksInASecond(proxy.pid)).toBeLessThan(IDLE_TICKS);
    proxy.kill();
    await proxy.exited;
    closeAll(input, output);
    server.close();
  });
});

for (const way of [[], ["node"]]) {
  describe(`each way ends by itself${way.length > 0 ? ", without libc too" : ""}`, () => {
    test("the end of stdin is told to the server, whose answer still comes", async () => {
      const { proxy, input, output, server } = await held((socket) => {
        let text = "";
        socket.on("data", (bytes) => {
          text += bytes.toString();
        });
        socket.on("end", () => setTimeout(() => socket.end(`answer to ${text}`), 200));
      }, way);
      writeSync(input, "question");
      closeSync(input);
      expect(await readAll(output)).toBe("answer to question");
      expect(await proxy.exited).toBe(0);
      closeSync(output);
      server.close();
    });

    test("the end of the server's side closes stdout at once, and stdin still goes through", async () => {
      let [text, ended] = ["", false];
      const { proxy, input, output, server } = await held((socket) => {
        socket.on("data", (bytes) => {
          text += bytes.toString();
        });
        socket.on("end", () => {
          ended = true;
        });
        socket.end("all I say");
      }, way);
      const from = performance.now();
      expect(await readAll(output)).toBe("all I say");
      expect(performance.now() - from).toBeLessThan(3000);
      expect(await ticksInASecond(proxy.pid)).toBeLessThan(IDLE_TICKS);
      writeSync(input, "and I go on");
      closeSync(input);
      expect(await proxy.exited).toBe(0);
      await Bun.sleep(50);
      expect([text, ended]).toEqual(["and I go on", true]);
      closeSync(output);
      server.close();
    });

    test("a connection that is reset ends it with 255, without a word", async () => {
      const { proxy, input, output, server } = await held((socket) => {
        socket.write("hello");
        setTimeout(() => socket.resetAndDestroy(), 300);
      }, way);
      expect(await readAll(output)).toBe("hello");
      expect(await proxy.exited).toBe(255);
      expect(await new Response(proxy.stderr).text()).toBe("");
      closeAll(input, output);
      server.close();
    });
  });
}
