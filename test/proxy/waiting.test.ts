// promise: waiting costs neither time nor memory, and nobody is waited for in vain
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { held, IDLE_TICKS, readSome, ticksInASecond } from "./held.ts";
import { closeAll } from "./pipes.ts";

describe("nobody is waited for in vain", () => {
  test("when the reader has gone and stdin ends, it ends, whatever the server does", async () => {
    const { proxy, input, output, server } = await held(() => {});
    await Bun.sleep(300);
    closeAll(input, output);
    expect(await proxy.exited).toBe(0);
    server.close();
  });

  test("a slow reader costs no memory, and the waiting no time", async () => {
    let taken = 0;
    const { proxy, input, output, server } = await held((socket) => {
      const piece = new Uint8Array(1 << 16);
      const go = () => {
        do taken += piece.length;
        while (taken < 1 << 28 && socket.write(piece));
        if (taken < 1 << 28) socket.once("drain", go);
        else socket.end();
      };
      go();
    });
    await readSome(output);
    await Bun.sleep(200);
    const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${proxy.pid}/status`, "utf8"))?.[1]);
    const before = resident();
    for (let round = 0; round < 10; round++) {
      await readSome(output);
      await Bun.sleep(50);
    }
    expect(resident() - before).toBeLessThan(16 << 10);
    expect(taken).toBeLessThan(64 << 20);
    expect(await ticksInASecond(proxy.pid)).toBeLessThan(IDLE_TICKS);
    closeAll(input, output);
    proxy.kill();
    await proxy.exited;
    server.close();
  });

  test("an idle one computes nothing", async () => {
    const { proxy, input, output, server } = await held((socket) => socket.write("x"));
    expect(await readSome(output)).toBe("x");
    expect(await ticksInASecond(proxy.pid)).toBeLessThan(IDLE_TICKS);
    closeAll(input, output);
    await proxy.exited;
    server.close();
  });

  for (const signal of ["SIGHUP", "SIGTERM", "SIGINT"] as const) {
    test(`${signal} ends it at once`, async () => {
      const { proxy, input, output, server } = await held((socket) => socket.write("x"));
      await readSome(output);
      proxy.kill(signal);
      await proxy.exited;
      expect(proxy.signalCode).toBe(signal);
      closeAll(input, output);
      server.close();
    });
  }
});
