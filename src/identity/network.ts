// Which network this machine is in, told from the kernel's tables alone: nobody is asked, nothing is sent. Linux so far; where it
// can't be told, addresses are believed for their time.
import type { System } from "../system/system.ts";
import { readText } from "../system/system.ts";

/** The network that packets leave by. */
export type Network = {
  /** The default routes as readable text, the gateway's hardware address left out: neighbour tables come and go. */
  readonly id: string;
  /** Hardware address of the IPv4 gateway, since 192.168.1.1 is everywhere; null while it isn't known, and in tunnels. */
  readonly mac: string | null;
  /** True when IPv6 leaves this machine. */
  readonly hasSix: boolean;
  /** The machine's own global IPv6 addresses that it prefers (RFC 4862), as 32 hex digits. */
  readonly ownSix: readonly string[];
};

/** A way out; `gateway` is null in a tunnel. IPv4 dotted, IPv6 as 32 hex digits. */
export type Way = { readonly device: string; readonly gateway: string | null };

const UP = 0x1;
const GATEWAY = 0x2;
const HOST = 0x4;
const REJECT = 0x200;

const NO_ADDRESS = "0".repeat(32);

/** The network, or null where it can't be told: no route out, tables that can't be read, another system than Linux. Never throws. */
export function networkOf(system: Pick<System, "read">): Network | null {
  try {
    const four = waysOut(readText(system, "/proc/net/route") ?? "");
    const six = waysOutSix(readText(system, "/proc/net/ipv6_route") ?? "");
    if (four.ways.length === 0 && six.length === 0) return null;
    const [first] = four.ways;
    const mac =
      first === undefined || first.gateway === null
        ? null
        : hardwareAddress(readText(system, "/proc/net/arp") ?? "", first.device, first.gateway);
    const own = six.length === 0 ? [] : ownAddresses(readText(system, "/proc/net/if_inet6") ?? "");
    const devices = new Set(six.map(({ device }) => device));
    const prefixes = own.filter(({ device }) => devices.has(device)).map(({ device, prefix }) => `${device} ${prefix}`);
    const words = [
      ...four.ways.map(wordsOf),
      ...four.tunnelEnds.map((end) => `by ${end}`),
      ...otherTables(readText(system, "/proc/net/fib_trie") ?? "").map((table) => `table ${table}`),
      ...six.map(wordsOf).sort(),
      ...[...new Set(prefixes)].sort(),
    ];
    const id = words.join(", ");
    if (id.length > 1000) return null;
    return { id, mac, hasSix: six.length > 0, ownSix: own.map(({ address }) => address) };
  } catch {
    // Larger than anybody's own machine has them, or closed to us.
    return null;
  }
}

function wordsOf({ device, gateway }: Way): string {
  return gateway === null ? device : `${device} ${gateway}`;
}

/**
 * The IPv4 ways out by /proc/net/route: the halves 0.0.0.0/1 and 128.0.0.0/1 that VPNs put before the default route, else the
 * default route of the lowest metric. `tunnelEnds`: where a tunnel without a gateway that can be told from others is carried to.
 */
export function waysOut(table: string): { readonly ways: readonly Way[]; readonly tunnelEnds: readonly string[] } {
  const rows = table.split("\n", MOST_ROWS).flatMap((line) => {
    const [device = "", to = "", by = "", flags = "", , , metric = "", mask = ""] = line.trim().split(/\s+/);
    if (!isDevice(device) || !isHex(to, 8) || !isHex(by, 8) || !isHex(mask, 8) || !isHex(flags, 4)) return [];
    const bits = Number(`0x${flags}`);
    const height = Number(metric || "none");
    if ((bits & UP) === 0 || (bits & REJECT) !== 0 || device === "lo" || !Number.isFinite(height)) return [];
    const gateway = (bits & GATEWAY) === 0 || by === "00000000" ? null : dotted(by);
    return [{ device, to, gateway, isHost: (bits & HOST) !== 0, metric: height, mask }];
  });
  const halves = rows.filter(({ to, mask }) => mask === "00000080" && (to === "00000000" || to === "00000080"));
  const whole = rows.filter(({ to, mask }) => mask === "00000000" && to === "00000000");
  const chosen = halves.length > 0 ? halves : whole;
  const best = Math.min(...chosen.map(({ metric }) => metric));
  const ways = new Map(
    chosen
      .filter(({ metric }) => metric === best)
      .map(({ device, gateway }) => [`${device} ${gateway}`, { device, gateway }]),
  );
  const isTunnel = halves.length > 0 || [...ways.values()].some(({ gateway }) => gateway === null);
  const ends = rows.filter(({ isHost, gateway }) => isTunnel && isHost && gateway !== null).map(({ to }) => dotted(to));
  return { ways: [...ways.values()], tunnelEnds: [...new Set(ends)].sort() };
}

/** The IPv6 ways out by /proc/net/ipv6_route, whose rows are of all routing tables; VPNs cut 2000::/3 into halves. */
export function waysOutSix(table: string): Way[] {
  const ways = table.split("\n", MOST_ROWS).flatMap((line): [string, Way][] => {
    const [to = "", length = "", , , by = "", , , , flags = "", device = ""] = line.trim().split(/\s+/);
    if (!isDevice(device) || device === "lo" || !/^0[0-4]$/.test(length)) return [];
    if (!/^[0-3]0{31}$/.test(to) || !/^[0-9a-f]{32}$/.test(by) || !/^[0-9a-f]{8}$/.test(flags)) return [];
    const bits = Number.parseInt(flags, 16);
    if ((bits & UP) === 0 || (bits & REJECT) !== 0) return [];
    const gateway = (bits & GATEWAY) === 0 || by === NO_ADDRESS ? null : by;
    return [[`${device} ${by}`, { device, gateway }]];
  });
  return [...new Map(ways).values()];
}

/** Hardware address of a neighbour by /proc/net/arp; null while the kernel has none. */
export function hardwareAddress(table: string, device: string, address: string): string | null {
  for (const line of table.split("\n", MOST_ROWS)) {
    const [at, , flags = "", mac = "", , on] = line.trim().split(/\s+/);
    if (at !== address || on !== device || !/^0x[0-9a-f]+$/i.test(flags) || (Number(flags) & COMPLETE) === 0) continue;
    if (/^[0-9a-f]{2}(:[0-9a-f]{2}){1,19}$/i.test(mac) && !/^[0:]+$/.test(mac)) return mac.toLowerCase();
  }
  return null;
}

/** ATF_COM of linux/if_arp.h. */
const COMPLETE = 0x2;

/** Global IPv6 addresses by /proc/net/if_inet6 that new connections may come from, with the part that is the network's. */
export function ownAddresses(table: string): { device: string; address: string; prefix: string }[] {
  return table.split("\n", MOST_ROWS).flatMap((line) => {
    const [address = "", , length = "", scope = "", flags = "", device = ""] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{32}$/.test(address) || !/^[0-9a-f]{2}$/.test(length) || scope !== "00" || !isDevice(device))
      return [];
    if (!/^[0-9a-f]{2,8}$/.test(flags) || (Number.parseInt(flags, 16) & UNUSED) !== 0) return [];
    const bits = Math.min(Number.parseInt(length, 16), 64);
    return [{ device, address, prefix: `${address.slice(0, Math.floor(bits / 4))}/${bits}` }];
  });
}

/** IFA_F_DADFAILED, IFA_F_DEPRECATED and IFA_F_TENTATIVE of linux/if_addr.h. */
const UNUSED = 0x08 | 0x20 | 0x40;

/** Routing tables beside the usual ones that have a default route (WireGuard's, Tailscale's), by /proc/net/fib_trie. */
export function otherTables(trie: string): string[] {
  const found = new Set<string>();
  let table: string | null = null;
  let isDefault = false;
  for (const line of trie.split("\n", MOST_ROWS)) {
    const head = /^(?:(Main|Local)|Id (\d{1,10})):/.exec(line);
    if (head !== null) table = head[2] ?? null;
    const leaf = /^\s*\|-- (\S+)/.exec(line);
    if (leaf !== null) isDefault = leaf[1] === "0.0.0.0";
    if (table !== null && isDefault && /^\s*\/0 \w+ UNICAST/.test(line)) found.add(table);
  }
  return [...found].sort();
}

/** A table longer than this is not looked through to its end. */
const MOST_ROWS = 20_000;

/** So many hexadecimal digits. No pattern: compiling one takes longer than all of this. */
function isHex(text: string, length: number): boolean {
  return text.length === length && Number.isInteger(Number(`0x${text}`));
}

function isDevice(name: string): boolean {
  return /^[\w.@:-]{1,15}$/.test(name);
}

/** Dotted form of an address as /proc/net/route has it: a number in this machine's byte order, little-endian on all we run on. */
function dotted(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");
}
