import { describe, expect, test } from "bun:test";
import {
  hardwareAddress,
  type Network,
  networkOf,
  otherTables,
  ownAddresses,
  waysOut,
  waysOutSix,
} from "../../src/identity/network.ts";
import { SystemError } from "../../src/system/system.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
const row = (device: string, to: string, by: string, flags: string, metric: number, mask: string) =>
  `${device}\t${to}\t${by}\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0${" ".repeat(60)}`;
const table = (...rows: string[]) => `${[HEAD, ...rows].join("\n")}\n`;

/** A laptop in a docking station: cable before wireless. */
const LAPTOP = table(
  row("wlan0", "00000000", "0101A8C0", "0003", 600, "00000000"),
  row("eth0", "00000000", "010200C0", "0003", 100, "00000000"),
  row("docker0", "000011AC", "00000000", "0001", 0, "0000FFFF"),
  row("eth0", "000200C0", "00000000", "0001", 100, "00FFFFFF"),
);

/** OpenVPN's redirect-gateway def1. */
const OPENVPN = table(
  row("tun0", "00000000", "0100080A", "0003", 0, "00000080"),
  row("eth0", "00000000", "010200C0", "0003", 100, "00000000"),
  row("tun0", "00000080", "0100080A", "0003", 0, "00000080"),
  row("eth0", "057100CB", "010200C0", "0007", 0, "FFFFFFFF"),
);

const ARP = `IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:FC:00:00:00:05     *        eth0
192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0
192.168.1.1      0x1         0x2         02:fc:00:00:00:06     *        wlan0
`;

/** As captured, the rows that lead nowhere with them. */
const SIX = `fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000004 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`;
const OWN = `fd000000000000000000000000000002 02 40 00 82     eth0
00000000000000000000000000000001 01 80 10 80       lo
fe8000000000000000fc00fffe000001 02 40 20 80     eth0
fd000000000000000000000000000003 02 40 00 21     eth0
fd000000000000000000000000000004 02 40 00 40     eth0
20010db8000000000000000000000005 03 40 00 01    eth1
`;

/** What the kernel says of four tables, `trie` one with nothing beside the usual where it isn't given. */
function machine(files: { route?: string; arp?: string; six?: string; own?: string; trie?: string }) {
  const named: Readonly<Record<string, string | undefined>> = {
    "/proc/net/route": files.route,
    "/proc/net/arp": files.arp,
    "/proc/net/ipv6_route": files.six,
    "/proc/net/if_inet6": files.own,
    "/proc/net/fib_trie": files.trie,
  };
  const read = (path: string) => (named[path] === undefined ? null : new TextEncoder().encode(named[path]));
  return { read };
}

describe("the way out by IPv4", () => {
  test("is the default route of the lowest metric", () => {
    expect(waysOut(LAPTOP)).toEqual({ ways: [{ device: "eth0", gateway: "192.0.2.1" }], tunnelEnds: [] });
  });
  test("is a VPN's when it takes both halves, with the place that the tunnel leads to", () => {
    expect(waysOut(OPENVPN)).toEqual({ ways: [{ device: "tun0", gateway: "10.8.0.1" }], tunnelEnds: ["203.0.113.5"] });
  });
  test("may be a tunnel without a gateway", () => {
    const tunnel = table(row("ppp0", "00000000", "00000000", "0001", 0, "00000000"));
    expect(waysOut(tunnel)).toEqual({ ways: [{ device: "ppp0", gateway: null }], tunnelEnds: [] });
  });
  test("may be several of the same metric, each once", () => {
    const two = ["0101A8C0", "0201A8C0", "0101A8C0"].map((by) => row("eth0", "00000000", by, "0003", 0, "00000000"));
    expect(waysOut(table(...two)).ways.map(({ gateway }) => gateway)).toEqual(["192.168.1.1", "192.168.1.2"]);
  });
  test("is none where routes are down, refused or not there", () => {
    for (const flags of ["0002", "0203"]) {
      expect(waysOut(table(row("eth0", "00000000", "010200C0", flags, 0, "00000000"))).ways).toEqual([]);
    }
    expect(waysOut(table(row("eth0", "000200C0", "00000000", "0001", 0, "00FFFFFF"))).ways).toEqual([]);
    expect(waysOut("").ways).toEqual([]);
  });
});

describe("the way out by IPv6", () => {
  test("is the default route of every table, those that refuse left out", () => {
    expect(waysOutSix(SIX)).toEqual([{ device: "eth0", gateway: "fd000000000000000000000000000001" }]);
  });
  test("may be a tunnel, and the halves that VPNs cut the world into", () => {
    const zero = "0".repeat(32);
    const line = (to: string, length: string) =>
      `${to} ${length} ${zero} 00 ${zero} 00000400 00000001 00000000 00000001     tun0`;
    expect(waysOutSix(line(zero, "00"))).toEqual([{ device: "tun0", gateway: null }]);
    const halves = [line(`2${"0".repeat(31)}`, "04"), line(`3${"0".repeat(31)}`, "04")].join("\n");
    expect(waysOutSix(halves)).toEqual([{ device: "tun0", gateway: null }]);
  });
});

describe("the kernel's other tables", () => {
  test("name a neighbour's hardware address when it is known", () => {
    expect(hardwareAddress(ARP, "eth0", "192.0.2.1")).toBe("02:fc:00:00:00:05");
    expect(hardwareAddress(ARP, "eth0", "192.0.2.9")).toBe(null);
    expect(hardwareAddress(ARP, "eth0", "192.168.1.1")).toBe(null);
    expect(hardwareAddress(ARP, "wlan0", "192.168.1.1")).toBe("02:fc:00:00:00:06");
  });
  test("name the global addresses that are in use", () => {
    expect(ownAddresses(OWN)).toEqual([
      { device: "eth0", address: "fd000000000000000000000000000002", prefix: "fd00000000000000/64" },
      { device: "eth1", address: "20010db8000000000000000000000005", prefix: "20010db800000000/64" },
    ]);
  });
  test("name routing tables of VPNs that have a default route", () => {
    const leaf = (table: string, net: string, length: number) =>
      `${table}:\n  +-- 0.0.0.0/0 3 0 5\n     |-- ${net}\n        /${length} universe UNICAST\n`;
    const tables = [
      leaf("Id 52", "100.64.0.0", 10),
      leaf("Id 51820", "0.0.0.0", 0),
      leaf("Main", "0.0.0.0", 0),
      leaf("Local", "0.0.0.0", 0),
    ];
    expect(otherTables(tables.join(""))).toEqual(["51820"]);
  });
});

describe("a network", () => {
  const at = (files: Parameters<typeof machine>[0]): Network | null => networkOf(machine(files));
  const laptop = { route: LAPTOP, arp: ARP };

  test("is the routes of both families, the gateway's hardware address and the prefix", () => {
    expect(at({ ...laptop, six: SIX, own: OWN })).toEqual({
      id: "eth0 192.0.2.1, eth0 fd000000000000000000000000000001, eth0 fd00000000000000/64",
      mac: "02:fc:00:00:00:05",
      hasSix: true,
      ownSix: ["fd000000000000000000000000000002", "20010db8000000000000000000000005"],
    });
  });
  test("keeps its name while the neighbour table forgets the gateway", () => {
    expect(at({ route: LAPTOP })).toEqual({ id: "eth0 192.0.2.1", mac: null, hasSix: false, ownSix: [] });
    expect(at({ ...laptop, arp: ARP.replaceAll("0x2 ", "0x0 ") })?.id).toBe("eth0 192.0.2.1");
  });
  test("is another one with a VPN, whichever way it takes", () => {
    const names = [
      at(laptop),
      at({ route: OPENVPN }),
      at({ route: OPENVPN.replace("057100CB", "067100CB") }),
      at({ ...laptop, trie: "Id 51820:\n  +-- 0.0.0.0/0\n     |-- 0.0.0.0\n        /0 universe UNICAST\n" }),
    ].map((network) => network?.id);
    expect(new Set(names).size).toBe(4);
  });
  test("can't be told without a route, from rubbish or from what can't be read", () => {
    expect(at({})).toBe(null);
    expect(at({ route: HEAD })).toBe(null);
    for (const text of [
      "\0\x1b[2J\n",
      "eth0 00000000",
      "x".repeat(1 << 20),
      "0 ".repeat(1 << 19),
      "\n".repeat(1 << 20),
    ]) {
      expect(at({ route: text, arp: text, six: text, own: text, trie: text })).toBe(null);
    }
    const refuse = () => {
      throw new SystemError("EACCES", "/proc/net/route");
    };
    expect(networkOf({ read: refuse })).toBe(null);
  });
  test("is told from damaged tables or not at all, never with an error", () => {
    const seed = Date.now() % 2 ** 31;
    let state = seed;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    const damage = (text: string) => {
      const bytes = new TextEncoder().encode(text);
      for (let times = random(8); times > 0; times -= 1) bytes[random(bytes.length)] = random(256);
      return new TextDecoder().decode(bytes.subarray(0, random(bytes.length * 2)));
    };
    for (let round = 0; round < 500; round += 1) {
      const found = at({ route: damage(LAPTOP), arp: damage(ARP), six: damage(SIX), own: damage(OWN) });
      if (found !== null && !/^[\x20-\x7e]{1,1000}$/.test(found.id)) throw new Error(`seed ${seed}: ${found.id}`);
      expect(found === null || found.id.length > 0).toBe(true);
    }
  });
  test("among thousands of routes is found", () => {
    const many = Array.from({ length: 5000 }, () => row("eth0", "000200C0", "00000000", "0001", 100, "00FFFFFF"));
    expect(at({ route: table(...many, row("eth0", "00000000", "010200C0", "0003", 0, "00000000")) })?.id).toBe(
      "eth0 192.0.2.1",
    );
  });
});
