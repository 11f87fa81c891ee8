import { expect, test } from "bun:test";
import { faceOf } from "../../src/argv/face.ts";
import { parseCall } from "../../src/argv/parse.ts";
import { grammarFor } from "../../src/argv/ssh-options.ts";
import { corpus } from "./corpus.ts";

const COMMANDS = [
  "login",
  "status",
  "config",
  "which",
  "sandbox",
  "request",
  "proxy",
  "match",
  "mfa",
  "doctor",
  "setup",
];
const decoded = corpus.map((words) => words.map((word) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(word)));

test("the corpus holds at least 220 different lines, all of them the wrapper's", () => {
  const different = new Set(corpus.map((words) => JSON.stringify(words.map((word) => word.toHex()))));
  expect(different.size).toBe(corpus.length);
  expect(corpus.length).toBeGreaterThanOrEqual(220);
  expect(corpus.flat().some((word) => word.includes(0))).toBe(false);
  for (const words of decoded) expect(faceOf("bssh", words, COMMANDS)).toEqual({ face: "wrapper", words });
});

test("reading a line of the corpus never fails, and takes microseconds", () => {
  const grammar = grammarFor(null);
  const started = performance.now();
  for (const words of decoded) expect(parseCall(words, grammar).words).toBe(words);
  expect((performance.now() - started) / decoded.length).toBeLessThan(1);
});
