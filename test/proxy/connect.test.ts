// promise: a host is tried by every address that it has

import { type Pointer, toArrayBuffer } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { closeSync } from "node:fs";
import { connectTo } from "../../src/proxy/connect.ts";
import { type Calls, type Libc, openLibc, zero } from "../../src/proxy/libc.ts";
import { getOption } from "./pipes.ts";

function theLibc(): Libc {
  const libc = openLibc();
  if (libc === null) throw new Error("libc can't be called here");
  return libc;
}

/** A resolver that knows the host by these addresses, in this order. */
function resolving(libc: Libc, addresses: readonly string[]): Libc {
  const getaddrinfo = ((_host: unknown, port: Uint8Array, hints: Int32Array, answer: BigUint64Array) => {
    let last = 0n;
    for (const address of addresses) {
      const one = new BigUint64Array(1);
      const status = libc.calls.getaddrinfo(zero(address), port, hints, one);
      if (status !== 0) return status;
      if (last === 0n) answer[0] = one[0] ?? 0n;
      // ai_next of struct addrinfo.
      else new BigUint64Array(toArrayBuffer(Number(last) as Pointer, 40, 8))[0] = one[0] ?? 0n;
      last = one[0] ?? 0n;
    }
    return 0;
  }) as unknown as Calls["getaddrinfo"];
  return { ...libc, calls: { ...libc.calls, getaddrinfo } };
}

describe("a host with several addresses", () => {
  test("is reached by the one that answers, wherever it stands", () => {
    const libc = theLibc();
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    for (const addresses of [["127.0.0.1"], ["::1", "127.0.0.1"], ["127.0.0.2", "::1", "127.0.0.1", "127.0.0.3"]]) {
      const socket = connectTo(resolving(libc, addresses), { host: "web1", port: server.port });
      expect(socket).toBeGreaterThan(2);
      // SO_KEEPALIVE of SOL_SOCKET and TCP_NODELAY of IPPROTO_TCP: Linux has 1 for on.
      expect([getOption(socket, 1, 9), getOption(socket, 6, 1)]).toEqual([1, 1]);
      closeSync(socket);
    }
    server.stop(true);
  });

  test("is not reached when none answers, and the last reason is said", () => {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = server;
    server.stop(true);
    expect(() => connectTo(resolving(theLibc(), ["127.0.0.1", "127.0.0.2"]), { host: "web1", port })).toThrow(
      `connect to host web1 port ${port}: Connection refused`,
    );
  });
});
