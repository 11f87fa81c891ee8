// ProxyCommand behind the certificate: the connection, and then the socket for ssh or the bytes.
import type { System } from "../system/system.ts";
import type { Destination } from "./destination.ts";
import { openLibc } from "./libc.ts";

/**
 * Connects, and hands the socket to ssh when it waits for one (ProxyUseFdpass), else carries bytes until both ways have
 * ended. Nothing is read from 0 before the connection stands. Ends the process itself where it can, else returns its exit
 * status; throws Failure (255).
 */
export async function serve(system: Pick<System, "read">, destination: Destination): Promise<number> {
  const libc = openLibc();
  if (libc === null) return (await import("./without-libc.ts")).serve(destination);
  const [{ connectTo }, { wantsDescriptor }] = await Promise.all([import("./connect.ts"), import("./descriptors.ts")]);
  const socket = connectTo(libc, destination);
  if (wantsDescriptor(libc, system)) {
    const { passDescriptor } = await import("./pass-descriptor.ts");
    passDescriptor(libc, socket);
    libc.calls._exit(0);
  }
  const { carry } = await import("./pump.ts");
  libc.calls._exit(carry(libc, socket));
  return 0;
}
