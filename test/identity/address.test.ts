import { describe, expect, test } from "bun:test";
import { addressBits, networksHold } from "../../src/identity/address.ts";

const HOLD: readonly [string, string][] = [
  ["192.0.2.7", "192.0.2.7"],
  ["192.0.2.7/32", "192.0.2.7"],
  ["192.0.2.0/24", "192.0.2.255"],
  ["192.0.2.99/24", "192.0.2.1"],
  ["10.0.0.0/8", "10.255.0.1"],
  ["128.0.0.0/1", "255.255.255.255"],
  ["0.0.0.0/0", "203.0.113.9"],
  ["2001:db8::/32", "2001:db8:ffff::1"],
  ["2001:db8::1", "2001:0db8:0:0:0:0:0:1"],
  ["::/0", "fe80::1"],
  ["::1/128", "::1"],
  ["::ffff:192.0.2.0/120", "::ffff:192.0.2.9"],
  ["1::", "1:0:0:0:0:0:0:0"],
  ["fe80::/10", "FEBF::1"],
];

const HOLD_NOT: readonly [string, string][] = [
  ["192.0.2.7", "192.0.2.8"],
  ["192.0.2.0/25", "192.0.2.128"],
  ["0.0.0.0/0", "::1"],
  ["::/0", "192.0.2.7"],
  ["::ffff:192.0.2.0/120", "192.0.2.9"],
  ["2001:db8::/33", "2001:db8:8000::1"],
  ["192.0.2.7/33", "192.0.2.7"],
  ["192.0.2.7/-1", "192.0.2.7"],
  ["192.0.2.7/", "192.0.2.7"],
  ["192.0.2.7/ 32", "192.0.2.7"],
  ["192.0.2.7/0x20", "192.0.2.7"],
  ["192.0.2.7/2e1", "192.0.2.7"],
  ["::1/129", "::1"],
  ["", "192.0.2.7"],
  ["*", "192.0.2.7"],
  ["web1", "192.0.2.7"],
  ["192.0.2.7", "web1"],
  ["192.0.2.7", ""],
];

const WRONG = [
  "",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "1.2.3.256",
  "1.2.3.4 ",
  "1.2.3.-4",
  "0x1.2.3.4",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "1::2::3",
  "1::2:3:4:5:6:7:8",
  "1.2.3.4::1",
  "12345::",
  "g::",
  "1.2.3.4::",
  "::1.2.3",
  "fe80::1%eth0",
  "[::1]",
];

describe("networksHold", () => {
  for (const [network, address] of HOLD) {
    test(`${network} holds ${address}`, () => expect(networksHold([network], address)).toBe(true));
  }
  for (const [network, address] of HOLD_NOT) {
    test(`"${network}" doesn't hold "${address}"`, () => expect(networksHold([network], address)).toBe(false));
  }
  test("one of many is enough, whatever the others are", () => {
    expect(networksHold(["rubbish/99", "::1", "192.0.2.0/24"], "192.0.2.1")).toBe(true);
    expect(networksHold([], "192.0.2.1")).toBe(false);
  });
});

test("what is no address has no bits", () => {
  expect(WRONG.filter((text) => addressBits(text) !== null)).toEqual([]);
});

test("addresses are the numbers they stand for", () => {
  expect(addressBits("1.2.3.4")).toEqual({ width: 32, value: 0x01020304n });
  expect(addressBits("1:2:3:4:5:6:7:8")).toEqual({ width: 128, value: 0x00010002000300040005000600070008n });
  expect(addressBits("::")).toEqual({ width: 128, value: 0n });
  expect(addressBits("::1:2:3:4:5:6:7")?.value).toBe(0x00000001000200030004000500060007n);
  expect(addressBits("64:ff9b::192.0.2.33")?.value).toBe(0x0064ff9b0000000000000000c0000221n);
});
