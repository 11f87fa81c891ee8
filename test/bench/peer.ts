// The server that the benchmark's bytes go to and come from, as fast as libc moves them: `peer.ts sink|source BYTES TIMES`
// prints its port, and serves so many connections one after the other.
import { dlopen, ptr } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["int", "int", "int"], returns: "int" },
  bind: { args: ["int", "ptr", "u32"], returns: "int" },
  listen: { args: ["int", "int"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
  accept: { args: ["int", "ptr", "ptr"], returns: "int" },
  recv: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  send: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  shutdown: { args: ["int", "int"], returns: "int" },
  close: { args: ["int"], returns: "int" },
});

const CHUNK = 1 << 18;
const [way = "", bytesText = "", timesText = ""] = process.argv.slice(2);
const bytes = Number(bytesText);

// struct sockaddr_in: AF_INET, port, 127.0.0.1.
const address = new Uint8Array(16);
address.set([2, 0, 0, 0, 127, 0, 0, 1]);
const server = libc.socket(2, 1, 0);
libc.bind(server, address, 16);
libc.listen(server, 8);
libc.getsockname(server, address, new Uint32Array([16]));
console.log(((address[2] ?? 0) << 8) | (address[3] ?? 0));

const buffer = new Uint8Array(CHUNK).fill(0x5a);
for (let time = 0; time < Number(timesText); time++) {
  const peer = libc.accept(server, null, null);
  let left = bytes;
  if (way === "sink") {
    for (let got = 1; got > 0; ) {
      got = libc.recv(peer, ptr(buffer), CHUNK, 0);
      left -= Math.max(got, 0);
    }
    // One byte back says that all has come.
    libc.send(peer, ptr(buffer), left === 0 ? 1 : 2, 0);
  } else {
    while (left > 0) {
      const put = libc.send(peer, ptr(buffer), Math.min(CHUNK, left), 0);
      if (put <= 0) break;
      left -= put;
    }
    libc.shutdown(peer, 1);
    while (libc.recv(peer, ptr(buffer), CHUNK, 0) > 0);
  }
  libc.close(peer);
}
