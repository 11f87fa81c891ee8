/** The kernel's tables of a machine in a network, by hand. */
import type { System } from "../../src/system/system.ts";

export const HOME_MAC = "02:00:00:00:00:01";

export type Tables = {
  /** Of the IPv4 gateway 192.168.1.1; null while the neighbour table hasn't it. */
  readonly mac: string | null;
  /** Own global IPv6 addresses, 32 hex digits each; none: no IPv6. */
  readonly own?: readonly string[];
};

/** The files below /proc/net by name. */
export function tables({ mac, own = [] }: Tables): Readonly<Record<string, string>> {
  const [zero, gateway] = ["0".repeat(32), `fe80${"0".repeat(27)}1`];
  return {
    route: `Iface\tDestination\tGateway \tFlags\nwlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n`,
    arp: `IP address HW type Flags HW address Mask Device\n${mac === null ? "" : `192.168.1.1 0x1 0x2 ${mac} * wlan0\n`}`,
    ipv6_route: own.length === 0 ? "" : `${zero} 00 ${zero} 00 ${gateway} 00000400 00000001 00000000 00000003 wlan0\n`,
    if_inet6: own.map((address) => `${address} 02 40 00 00 wlan0\n`).join(""),
    fib_trie: "",
  };
}

export function network(made: Tables): Pick<System, "read"> {
  const files = new Map(Object.entries(tables(made)).map(([name, text]) => [`/proc/net/${name}`, text]));
  return { read: (path) => new TextEncoder().encode(files.get(path) ?? "") };
}
