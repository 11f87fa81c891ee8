import { ptr } from "bun:ffi";
import { Failure } from "../failure.ts";
import { type Libc, textAt } from "./libc.ts";

const SCM_RIGHTS = 1;
const EINTR = 4;

/** Hands a descriptor to ssh over 1, as ssh wants it with ProxyUseFdpass (monitor_fdpass.c). Throws Failure (255). */
export function passDescriptor(libc: Libc, descriptor: number): void {
  const byte = new Uint8Array(1);
  const part = new BigUint64Array([BigInt(ptr(byte)), 1n]);
  const { header, control } = libc.linux === null ? darwinMessage(libc, descriptor) : linuxMessage(libc, descriptor);
  // struct msghdr: the vector at 16, its length at 24, the control block at 32, its length at 40; 48 or 56 bytes.
  header[2] = BigInt(ptr(part));
  header[3] = 1n;
  header[4] = BigInt(ptr(control));
  header[5] = BigInt(control.length);
  for (;;) {
    if (libc.calls.sendmsg(1, header, 0) === 1) return;
    const error = libc.errno();
    if (error === EINTR) continue;
    const why = textAt(libc.calls.strerror(error));
    throw new Failure(`the connection could not be handed to ssh: ${why}`, "set ProxyUseFdpass to no", 255);
  }
}

type Message = { readonly header: BigUint64Array; readonly control: Uint8Array };

function linuxMessage({ layout }: Libc, descriptor: number): Message {
  // struct cmsghdr: 64-bit length, level, type; padded to eight bytes.
  const control = new Uint8Array(24);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, 20n, true);
  view.setInt32(8, layout.SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  view.setInt32(16, descriptor, true);
  return { header: new BigUint64Array(7), control };
}

function darwinMessage({ layout }: Libc, descriptor: number): Message {
  // struct cmsghdr: 32-bit length, level, type; padded to four bytes.
  const control = new Uint8Array(16);
  const view = new DataView(control.buffer);
  view.setUint32(0, 16, true);
  view.setInt32(4, layout.SOL_SOCKET, true);
  view.setInt32(8, SCM_RIGHTS, true);
  view.setInt32(12, descriptor, true);
  return { header: new BigUint64Array(7), control };
}
