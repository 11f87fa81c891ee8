import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { clockFile, measuredSkew } from "../../src/identity/clock.ts";
import { freshFolder, removeFolders, system } from "./support.ts";

afterAll(removeFolders);

function skewOf(content: string | Uint8Array): number {
  const state = freshFolder();
  writeFileSync(clockFile(state), content);
  return measuredSkew(system, state);
}

test("a measured skew is added in milliseconds", () => {
  expect(skewOf("300000\n")).toBe(300_000);
  expect(skewOf("-300000\n")).toBe(-300_000);
  expect(skewOf("2000")).toBe(2000);
  expect(skewOf("86400000")).toBe(86_400_000);
});

test("a file that holds anything else counts for nothing", () => {
  const hostile = [
    "",
    "\n",
    "-",
    "+5000",
    " 5000",
    "5000 ",
    "5000\n\n",
    "5000\n6000\n",
    "5000\0",
    "5e3",
    "0x1388",
    "NaN",
    "Infinity",
    "-Infinity",
    "5000.5",
    "86400001",
    "-86400001",
    "9999999999",
    "9".repeat(2 << 20),
    "٥٠٠٠",
    '{"skew":5000}',
    Uint8Array.of(0xff, 0xfe, 0x35, 0x00),
  ];
  expect(hostile.map(skewOf).filter((skew) => skew !== 0)).toEqual([]);
});

test("no file, no folder, or a folder in the file's place: no skew", () => {
  const state = freshFolder();
  expect(measuredSkew(system, state)).toBe(0);
  expect(measuredSkew(system, `${state}/nowhere`)).toBe(0);
  mkdirSync(clockFile(state));
  expect(measuredSkew(system, state)).toBe(0);
});
