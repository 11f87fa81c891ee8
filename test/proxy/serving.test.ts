// promise: ssh is handed the connection where it waits for one, and is told in its own words where there is none
import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, copyFileSync, mkdtempSync, readSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, readAsync, servingScript } from "./held.ts";
import { closeAll, makeSocketPair, receiveDescriptor } from "./pipes.ts";

const folder = mkdtempSync(join(tmpdir(), "bssh-serving-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("one local socket for both directions", () => {
  /** A program of the name that runs words as its child, as ssh runs its ProxyCommand. */
  function named(name: string): string {
    const path = join(folder, name);
    copyFileSync("/bin/sh", path);
    return path;
  }

  async function proxyUnder(name: string, onSocket: (socket: Socket) => void) {
    const server = await listen(onSocket);
    const [ours, theirs] = makeSocketPair();
    const words = [process.execPath, servingScript, "127.0.0.1", String(server.port)];
    const script = `"$@"; exit $?`;
    const proxy = Bun.spawn([named(name), "-c", script, "sh", ...words], { stdio: [theirs, theirs, "inherit"] });
    closeSync(theirs);
    return { proxy, ours, server };
  }

  test("ssh is handed the connection with one byte, and nothing stays behind", async () => {
    const { proxy, ours, server } = await proxyUnder("ssh", (socket) => socket.write("banner"));
    expect(await proxy.exited).toBe(0);
    const { bytes, descriptor } = receiveDescriptor(ours);
    expect(bytes).toBe(1);
    expect(descriptor).not.toBeNull();
    await Bun.sleep(50);
    const room = Buffer.alloc(100);
    expect(room.subarray(0, readSync(descriptor ?? -1, room)).toString()).toBe("banner");
    closeAll(ours, descriptor ?? -1);
    server.close();
  });

  test("anybody else gets the bytes, and the end of them", async () => {
    const { proxy, ours, server } = await proxyUnder("libssh-client", (socket) => socket.end("banner"));
    const room = Buffer.alloc(100);
    const first = await readAsync(ours, room, 0, 100, null);
    expect(room.subarray(0, first.bytesRead).toString()).toBe("banner");
    expect((await readAsync(ours, room, 0, 100, null)).bytesRead).toBe(0);
    closeSync(ours);
    expect(await proxy.exited).toBe(0);
    server.close();
  });
});

describe("where no connection can be had", () => {
  async function refused(host: string, port: number, way: readonly string[] = []) {
    const words = [process.execPath, servingScript, host, String(port), ...way];
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { out, err, status: await child.exited };
  }
  for (const way of [[], ["node"]]) {
    const how = way.length > 0 ? "without libc" : "with libc";
    test(`ssh's own words say so, ${how}`, async () => {
      const server = await listen(() => {});
      server.close();
      await Bun.sleep(20);
      expect(await refused("127.0.0.1", server.port, way)).toEqual({
        out: "",
        err: `bssh: connect to host 127.0.0.1 port ${server.port}: Connection refused\n`,
        status: 255,
      });
      const unknown = await refused("nosuch.invalid", 22, way);
      expect(unknown.err).toMatch(/^bssh: could not resolve hostname nosuch\.invalid: [A-Z][a-z ]+\n$/);
      expect([unknown.out, unknown.status]).toEqual(["", 255]);
    });

    test(`every address of a name is tried in turn, ${how}`, async () => {
      // The test's server has no IPv6 address, which localhost has too where /etc/hosts says so.
      const server = await listen((socket) => socket.end("in"));
      expect(await refused("localhost", server.port, way)).toEqual({ out: "in", err: "", status: 0 });
      server.close();
    });
  }

  test("a numeric IPv6 address is one", async () => {
    const server = createServer((socket) => socket.end("six"));
    await new Promise<void>((resolve) => server.listen(0, "::1", () => resolve()));
    const address = server.address();
    expect(await refused("::1", typeof address === "object" ? (address?.port ?? 0) : 0)).toEqual({
      out: "six",
      err: "",
      status: 0,
    });
    server.close();
  });
});
