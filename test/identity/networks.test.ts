import { expect, test } from "bun:test";
import { networkOf } from "../../src/identity/network.ts";
import { addressesHere, findNetwork, parseNetworks, type Remembered } from "../../src/identity/networks.ts";
import type { System } from "../../src/system/system.ts";
import { HOME_MAC, network } from "./network-tables.ts";

const NOW = 1_800_000_000_000;
const ID = networkOf(network({ mac: HOME_MAC }))?.id ?? "";
const OTHER_MAC = "02:00:00:00:00:99";

function entry(more: Partial<Remembered> = {}): Remembered {
  const four = { address: "203.0.113.7", at: NOW };
  return { id: ID, mac: HOME_MAC, four, six: null, asked: NOW, silent: null, ...more };
}

/** What is known without asking, with these entries in the file. */
function here(system: Pick<System, "read">, networks: readonly Remembered[] | string) {
  const text = typeof networks === "string" ? networks : JSON.stringify({ networks });
  const read = (path: string) => (path === "/state/networks.json" ? new TextEncoder().encode(text) : system.read(path));
  return addressesHere({ read }, "/state", NOW);
}

const home = network({ mac: HOME_MAC });

test("addresses learnt here are known, those learnt elsewhere are not", () => {
  const six = { address: "2001:db8::7", at: NOW };
  expect(here(home, [entry({ six })])).toEqual(["203.0.113.7", "2001:db8::7"]);
  expect(here(network({ mac: OTHER_MAC }), [entry()])).toBe("other network");
  expect(here(network({ mac: HOME_MAC, own: ["20010db8000000000000000000000007"] }), [entry()])).toBe("other network");
  expect(here(home, [])).toBe("other network");
});

test("a neighbour table that forgets the gateway changes nothing", () => {
  expect(here(network({ mac: null }), [entry()])).toEqual(["203.0.113.7"]);
  expect(here(home, [entry({ mac: null })])).toEqual(["203.0.113.7"]);
});

test("of networks that look the same the one with this gateway counts, else the one seen last", () => {
  const cafe = entry({ mac: OTHER_MAC, four: { address: "198.51.100.7", at: NOW } });
  expect(here(home, [entry(), cafe])).toEqual(["203.0.113.7"]);
  expect(here(network({ mac: null }), [entry(), cafe])).toEqual(["198.51.100.7"]);
  expect(findNetwork([entry({ id: "" })], null)?.four?.address).toBe("203.0.113.7");
});

test("services that did not answer are left alone for their time, an hour at most", () => {
  const silent = (until: number) => here(home, [entry({ four: null, silent: { until, ms: 60_000 } })]);
  expect(silent(NOW + 1)).toBe(null);
  expect(silent(NOW)).toBe("other network");
  // A clock that was set back.
  expect(silent(NOW + 7_200_000)).toBe("other network");
  expect(here(home, [entry({ silent: { until: NOW + 1, ms: 60_000 } })])).toEqual(["203.0.113.7"]);
});

test("an own IPv6 address that was changed has to be learnt again; one behind a translator has not", () => {
  const own = ["20010db8000000000000000000000008"];
  const both = network({ mac: HOME_MAC, own });
  const id = networkOf(both)?.id ?? "";
  const at = (address: string) => here(both, [entry({ id, six: { address, at: NOW } })]);
  expect(at("2001:db8::7")).toBe("other network");
  expect(at("2001:db8:0:0::8")).toEqual(["203.0.113.7", "2001:db8:0:0::8"]);
  expect(at("2001:db8:1::7")).toEqual(["203.0.113.7", "2001:db8:1::7"]);
});

test("where the network can't be told everything is believed", () => {
  expect(here({ read: () => null }, [entry({ id: "" })])).toBe(null);
});

test("a damaged file holds nothing, a damaged entry harms no other", () => {
  for (const text of ["", "null", "[]", "{", '{"networks":{}}', "x".repeat(70_000), "[".repeat(60_000)]) {
    expect(here(home, text)).toBe("other network");
  }
  const damaged: unknown[] = [null, 7, {}, { ...entry(), id: 7 }, { ...entry(), mac: 7 }, { ...entry(), asked: "x" }];
  expect(parseNetworks(JSON.stringify({ networks: [...damaged, entry()] }))).toEqual([entry()]);
  const strange: unknown = { ...entry(), four: { address: "2001:db8::7", at: 0 }, silent: { until: 1, ms: 1e12 } };
  expect(parseNetworks(JSON.stringify({ networks: [strange] }))).toEqual([entry({ four: null })]);
  expect(parseNetworks(JSON.stringify({ networks: Array.from({ length: 99 }, () => entry()) }))).toHaveLength(32);
});
