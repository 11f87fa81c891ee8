import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCache } from "../../src/issue/cache.ts";
import { type AddressOrder, isNetwork, sameAddresses, sourceAddress } from "../../src/issue/source-address.ts";

const home = mkdtempSync(join(tmpdir(), "bssh-address-"));
const asked: string[] = [];
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (pathname === "/good") return new Response("203.0.113.7\n");
    if (pathname === "/six") return new Response("2001:db8::7");
    if (pathname === "/page") return new Response(`<html>${"x".repeat(100_000)}`);
    if (pathname === "/away") return Response.redirect("/good");
    if (pathname === "/slow") await Bun.sleep(10_000);
    return new Response("203.0.113.8 ", { status: 500 });
  },
});
const at = (path: string) => `http://127.0.0.1:${server.port}/${path}`;
let folders = 0;
let said: string[] = [];

afterAll(async () => {
  await server.stop(true);
  rmSync(home, { recursive: true, force: true });
});

function order(
  settings: Partial<AddressOrder["settings"]>,
  state = `${home}/${++folders}`,
  now = Date.now(),
): AddressOrder {
  said = [];
  asked.length = 0;
  return {
    settings: { fixedIp: null, ipUrls: [], ipCacheSeconds: 60, bastionIps: [], ...settings },
    environment: {},
    caBundle: null,
    cache: openCache({ state, useOld: true, now: () => now, note: () => {}, trace: () => {} }),
    clock: { skewMs: 0, now: () => now },
    steps: [],
    say: (line) => said.push(line),
    trace: () => {},
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

  test("is asked of the services in their order until one answers with an address", async () => {
    const found = await sourceAddress(
      order({ ipUrls: [at("bad"), at("page"), at("away"), "http://example.com/", at("good"), at("six")] }),
    );
    expect(found.own).toBe("203.0.113.7");
    expect(asked).toEqual(["/bad", "/page", "/away", "/good"]);
    expect((await sourceAddress(order({ ipUrls: [at("six")] }))).own).toBe("2001:db8::7");
  });

  test("is kept for its time", async () => {
    const state = `${home}/kept`;
    const now = Date.now();
    await sourceAddress(order({ ipUrls: [at("good")] }, state, now));
    expect((await sourceAddress(order({ ipUrls: [at("six")] }, state, now + 59_000))).own).toBe("203.0.113.7");
    expect(asked).toEqual([]);
    expect((await sourceAddress(order({ ipUrls: [at("six")] }, state, now + 61_000))).own).toBe("2001:db8::7");
  });

  test("is the last one known when no service answers, and that is said", async () => {
    const state = `${home}/last`;
    const now = Date.now();
    await sourceAddress(order({ ipUrls: [at("good")] }, state, now));
    const late = order({ ipUrls: [at("bad")] }, state, now + 3_600_000);
    expect((await sourceAddress(late)).own).toBe("203.0.113.7");
    expect(said).toEqual(["no address service answers; the certificate is bound to the last address known"]);
  });

  test("is the bastions' when nothing is known, and never anywhere", async () => {
    const found = await sourceAddress(order({ ipUrls: [at("bad")], bastionIps: ["192.0.2.1"] }));
    expect(found.bound).toBe("192.0.2.1");
    expect(said).toHaveLength(1);
    await expect(sourceAddress(order({ ipUrls: [at("bad")] }))).rejects.toThrow("your public address can't be found");
  });

  test("waits two seconds for a service, not longer", async () => {
    const from = performance.now();
    expect((await sourceAddress(order({ ipUrls: [at("slow"), at("good")] }))).own).toBe("203.0.113.7");
    expect(performance.now() - from).toBeLessThan(4000);
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
});
