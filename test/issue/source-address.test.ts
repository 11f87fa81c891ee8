import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AddressOrder,
  isNetwork,
  learnAddresses,
  sameAddresses,
  sourceAddress,
} from "../../src/issue/source-address.ts";
import { HOME_MAC, network } from "../identity/network-tables.ts";

const home = mkdtempSync(join(tmpdir(), "bssh-address-"));
const asked: string[] = [];
const answers = new Map<string, () => Response | Promise<Response>>([
  ["/good", () => new Response("203.0.113.7\n")],
  ["/cafe", () => new Response("198.51.100.7")],
  ["/six", () => new Response("2001:db8::7")],
  ["/mapped", () => new Response("::ffff:203.0.113.7")],
  ["/zone", () => new Response("fe80::1%eth0")],
  ["/page", () => new Response(`<html>${"x".repeat(100_000)}`)],
  ["/away", () => Response.redirect("/good")],
  ["/slow", () => Bun.sleep(10_000).then(() => new Response("203.0.113.9"))],
]);
const serve = (hostname: string) =>
  Bun.serve({
    port: 0,
    hostname,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      return answers.get(pathname)?.() ?? new Response("203.0.113.8 ", { status: 500 });
    },
  });
const [four, six] = [serve("127.0.0.1"), serve("::1")];
const at = (path: string) => `http://127.0.0.1:${four.port}/${path}`;
const at6 = (path: string) => `http://[::1]:${six.port}/${path}`;
const HOME = network({ mac: HOME_MAC });
const HOME_BOTH = network({ mac: HOME_MAC, own: ["20010db8000000000000000000000007"] });
let folders = 0;
let said: string[] = [];

afterAll(async () => {
  await Promise.all([four.stop(true), six.stop(true)]);
  rmSync(home, { recursive: true, force: true });
});

function order(
  settings: Partial<AddressOrder["settings"]>,
  more: Partial<Omit<AddressOrder, "settings">> & { readonly at?: number } = {},
): AddressOrder {
  said = [];
  asked.length = 0;
  const now = more.at ?? Date.now();
  return {
    settings: { fixedIp: null, ipUrls: [], ipCacheSeconds: 60, bastionIps: [], ...settings },
    environment: {},
    caBundle: null,
    state: `${home}/${++folders}`,
    useCaches: true,
    now: () => now,
    steps: [],
    system: HOME,
    say: (line) => said.push(line),
    trace: () => {},
    ...more,
  };
}

describe("the address that certificates are bound to", () => {
  test("is the fixed one and the bastions'", async () => {
    const bastionIps = ["192.0.2.1", "198.51.100.0/24"];
    expect(await sourceAddress(order({ fixedIp: "203.0.113.9", bastionIps }))).toEqual({
      own: "203.0.113.9",
      bound: "203.0.113.9,192.0.2.1,198.51.100.0/24",
    });
    await expect(sourceAddress(order({ fixedIp: "here" }))).rejects.toThrow("is no address");
  });

  test("is the bastions' when there is no address service, and anywhere without bastions", async () => {
    expect(await sourceAddress(order({ bastionIps: ["192.0.2.1", "192.0.2.2"] }))).toEqual({
      own: "192.0.2.1",
      bound: "192.0.2.1,192.0.2.2",
    });
    expect(await sourceAddress(order({}))).toEqual({ own: "0.0.0.0/0", bound: "0.0.0.0/0,::/0" });
  });

  test("is asked of the services in their order until one answers with an address of its family", async () => {
    const ipUrls = [
      at("bad"),
      at("page"),
      at("away"),
      "http://example.com/",
      at("zone"),
      at("six"),
      at("good"),
      at("x"),
    ];
    expect((await sourceAddress(order({ ipUrls }))).own).toBe("203.0.113.7");
    expect(asked).toEqual(["/bad", "/page", "/away", "/zone", "/six", "/good"]);
    expect((await sourceAddress(order({ ipUrls: [at("mapped")] }))).own).toBe("203.0.113.7");
  });

  test("is of both families where the machine has a way out by both", async () => {
    const ipUrls = [at6("six"), at("good")];
    const bastionIps = ["192.0.2.1"];
    expect(await sourceAddress(order({ ipUrls, bastionIps }, { system: HOME_BOTH }))).toEqual({
      own: "203.0.113.7",
      bound: "203.0.113.7,2001:db8::7,192.0.2.1",
    });
    expect(asked.sort()).toEqual(["/good", "/six"]);
    expect((await sourceAddress(order({ ipUrls }))).bound).toBe("203.0.113.7");
    expect(asked).toEqual(["/good"]);
    const only = await sourceAddress(order({ ipUrls: [at("bad"), at6("six")] }, { system: HOME_BOTH }));
    expect(only).toEqual({ own: "2001:db8::7", bound: "2001:db8::7" });
  });

  test("is not waited for by one family when the other has it", async () => {
    const from = performance.now();
    const found = await sourceAddress(order({ ipUrls: [at("good"), at6("slow"), at6("slow")] }, { system: HOME_BOTH }));
    expect(found.bound).toBe("203.0.113.7");
    expect(performance.now() - from).toBeLessThan(2500);
  });

  test("is kept for its time, in its network", async () => {
    const state = `${home}/kept`;
    const now = Date.now();
    await sourceAddress(order({ ipUrls: [at("good")] }, { state, at: now }));
    const later = (system: AddressOrder["system"], more: number, useCaches = true) =>
      sourceAddress(
        order({ ipUrls: [at("cafe")] }, { state, at: now + more, useCaches, ...(system ? { system } : {}) }),
      );
    expect((await later(HOME, 59_000)).own).toBe("203.0.113.7");
    expect(asked).toEqual([]);
    // The neighbour table has forgotten the gateway.
    expect((await later(network({ mac: null }), 59_000)).own).toBe("203.0.113.7");
    expect((await later(network({ mac: "02:00:00:00:00:99" }), 59_000)).own).toBe("198.51.100.7");
    expect((await later(HOME, 59_000)).own).toBe("203.0.113.7");
    expect(asked).toEqual([]);
    expect((await later(HOME, 59_000, false)).own).toBe("198.51.100.7");
    expect((await later(HOME, 120_000)).own).toBe("198.51.100.7");
    // A clock that was set back.
    expect((await later(HOME, -60_000)).own).toBe("198.51.100.7");
    expect(asked).toEqual(["/cafe"]);
  });

  test("is kept where the network can't be told, as long as it is believed", async () => {
    const state = `${home}/nowhere`;
    const system = { read: () => null };
    const now = Date.now();
    await sourceAddress(order({ ipUrls: [at("good")] }, { state, at: now, system }));
    const later = (more: number) => order({ ipUrls: [at("cafe")] }, { state, at: now + more, system });
    expect((await sourceAddress(later(59_000))).own).toBe("203.0.113.7");
    expect((await sourceAddress(later(61_000))).own).toBe("198.51.100.7");
  });

  test("is the last one known in this network when no service answers, and that is said", async () => {
    const state = `${home}/last`;
    const now = Date.now();
    await sourceAddress(order({ ipUrls: [at("good")] }, { state, at: now }));
    const late = (more: number, system = HOME) =>
      sourceAddress(order({ ipUrls: [at("bad")], bastionIps: ["192.0.2.1"] }, { state, at: now + more, system }));
    expect((await late(3_600_000)).bound).toBe("203.0.113.7,192.0.2.1");
    expect(said).toEqual(["no address service answers; the certificate is bound to the last address known"]);
    expect((await late(3_600_000, network({ mac: "02:00:00:00:00:99" }))).bound).toBe("192.0.2.1");
    expect((await late(86_400_000)).bound).toBe("192.0.2.1");
  });

  test("is the bastions' when nothing is known, and never anywhere", async () => {
    const found = await sourceAddress(order({ ipUrls: [at("bad")], bastionIps: ["192.0.2.1"] }));
    expect(found.bound).toBe("192.0.2.1");
    expect(said).toHaveLength(1);
    await expect(sourceAddress(order({ ipUrls: [at("bad")] }))).rejects.toThrow("your public address can't be found");
  });

  test("waits two seconds for a service, and four for all", async () => {
    const from = performance.now();
    expect((await sourceAddress(order({ ipUrls: [at("slow"), at("good")] }))).own).toBe("203.0.113.7");
    const first = performance.now();
    expect(first - from).toBeLessThan(4000);
    const found = sourceAddress(order({ ipUrls: Array.from({ length: 9 }, () => at("slow")) }));
    await expect(found).rejects.toThrow("your public address can't be found");
    expect(performance.now() - first).toBeLessThan(6000);
  });
});

describe("addresses of a network", () => {
  const learn = (more: Parameters<typeof order>[1], ipUrls = [at("good")]) => learnAddresses(order({ ipUrls }, more));

  test("are learnt once, and remembered in a file that nobody else reads", async () => {
    const state = `${home}/learnt`;
    expect(await learn({ state })).toEqual({ four: "203.0.113.7", six: null });
    expect(await learn({ state })).toEqual({ four: "203.0.113.7", six: null });
    expect(asked).toEqual([]);
    expect(statSync(`${state}/networks.json`).mode & 0o777).toBe(0o600);
  });

  test("are not asked for where they are fixed or nobody is to be asked", async () => {
    expect(await learnAddresses(order({ fixedIp: "192.0.2.9", ipUrls: [at("good")] }))).toBe(null);
    expect(await learnAddresses(order({}))).toBe(null);
    expect(asked).toEqual([]);
  });

  test("are not asked for again for a while when no service answers, for longer each time", async () => {
    const state = `${home}/silent`;
    const now = Date.now();
    const tries: number[] = [];
    for (let seconds = 0; seconds < 400; seconds += 10) {
      expect(await learn({ state, at: now + seconds * 1000 }, [at("bad")])).toBe(null);
      if (asked.length > 0) tries.push(seconds);
    }
    expect(tries).toEqual([0, 60, 180]);
    expect(said).toEqual([]);
    expect(await learn({ state, at: now + 420_000 })).toEqual({ four: "203.0.113.7", six: null });
  });

  test("are learnt anew when the machine has changed its own IPv6 address", async () => {
    const state = `${home}/temporary`;
    const changed = network({ mac: HOME_MAC, own: ["20010db8000000000000000000000008"] });
    const ipUrls = [at6("six"), at("good")];
    expect(await learn({ state, system: HOME_BOTH }, ipUrls)).toEqual({ four: "203.0.113.7", six: "2001:db8::7" });
    expect(await learn({ state, system: HOME_BOTH }, ipUrls)).toEqual({ four: "203.0.113.7", six: "2001:db8::7" });
    expect(asked).toEqual([]);
    expect(await learn({ state, system: changed }, [at6("bad"), at("good")])).toEqual({
      four: "203.0.113.7",
      six: null,
    });
    expect(asked.sort()).toEqual(["/bad", "/good"]);
    expect(await learn({ state, system: changed }, ipUrls)).toEqual({ four: "203.0.113.7", six: null });
    expect(asked).toEqual([]);
  });

  test("are remembered of 32 networks, and damage in the file does no harm", async () => {
    const state = `${home}/many`;
    const nth = (number: number) => network({ mac: `02:00:00:00:00:${String(number + 10)}` });
    for (let number = 0; number < 40; number += 1) await learn({ state, system: nth(number) });
    const file = `${state}/networks.json`;
    expect(JSON.parse(readFileSync(file, "utf8")).networks).toHaveLength(32);
    await learn({ state, system: nth(8) });
    expect(asked).toEqual([]);
    await learn({ state, system: nth(7) });
    expect(asked).toEqual(["/good"]);
    for (const text of ["", "null", "{", '{"networks":[null,7,{"id":1}]}', "x".repeat(70_000), "[".repeat(50_000)]) {
      writeFileSync(file, text, { mode: 0o600 });
      expect(await learn({ state })).toEqual({ four: "203.0.113.7", six: null });
      expect(asked).toEqual(["/good"]);
    }
  });
});

describe("addresses", () => {
  test("are single ones or networks", () => {
    for (const good of ["192.0.2.1", "192.0.2.0/24", "::1", "2001:db8::/32", "0.0.0.0/0"])
      expect(isNetwork(good)).toBe(true);
    for (const bad of ["", "192.0.2", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/24/1", "::/129", "x", "192.0.2.1 "]) {
      expect(isNetwork(bad)).toBe(false);
    }
  });
  test("are the same in any order", () => {
    expect(sameAddresses("a,b", "b,a,a")).toBe(true);
    expect(sameAddresses("a,b", "a")).toBe(false);
    expect(sameAddresses("", "a")).toBe(false);
  });
  test("are the same however IPv6 is written", () => {
    expect(sameAddresses("192.0.2.7,2001:DB8:0::7", "2001:db8::7/128,192.0.2.7/32")).toBe(true);
    expect(sameAddresses("2001:db8::/64", "2001:db8::/65")).toBe(false);
    expect(sameAddresses("::7", "0.0.0.7")).toBe(false);
  });
});
