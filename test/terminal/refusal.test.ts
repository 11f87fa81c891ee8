// promise: who gave no answer isn't asked again for a while, and what is remembered is never believed for longer than an hour
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as files from "../../src/issue/private-files.ts";
import { forget, recall, remember } from "../../src/terminal/refusal.ts";

const NOW = 1_800_000_000_000;
let root: string;
let state: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bssh-refusal-"));
});
beforeEach(() => {
  count += 1;
  state = join(root, String(count));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("a refusal is remembered for its seconds, and no longer", () => {
  remember(files, state, "the question was declined", 60, NOW);
  expect(recall(files, state, NOW)).toEqual({ fact: "the question was declined", secondsLeft: 60 });
  expect(recall(files, state, NOW + 59_999)).toEqual({ fact: "the question was declined", secondsLeft: 1 });
  expect(recall(files, state, NOW + 60_000)).toBeNull();
  expect(statSync(join(state, "refused.json")).mode & 0o777).toBe(0o600);
  expect(readdirSync(state)).toEqual(["refused.json"]);
});

test("a later refusal takes the place of an earlier one", () => {
  remember(files, state, "first", 60, NOW);
  remember(files, state, "second", 60, NOW + 30_000);
  expect(recall(files, state, NOW + 61_000)).toEqual({ fact: "second", secondsLeft: 29 });
});

test("it can be forgotten, also when there is none", () => {
  remember(files, state, "declined", 60, NOW);
  forget(files, state);
  expect(recall(files, state, NOW)).toBeNull();
  expect(existsSync(join(state, "refused.json"))).toBe(false);
  forget(files, state);
});

test("with no seconds nothing is remembered", () => {
  for (const seconds of [0, -5, Number.NaN]) remember(files, state, "declined", seconds, NOW);
  expect(existsSync(state)).toBe(false);
});

test("a file that lasts longer than an hour isn't believed: the clock was wrong when it was written", () => {
  remember(files, state, "declined", 1_000_000, NOW);
  expect(recall(files, state, NOW)).toEqual({ fact: "declined", secondsLeft: 3600 });
  expect(recall(files, state, NOW - 2000)).toBeNull();
});

test("what is damaged, open to others, or no file isn't believed", () => {
  mkdirSync(state, { mode: 0o700 });
  const file = join(state, "refused.json");
  const good = JSON.stringify({ until: NOW + 1000, fact: "x" });
  for (const text of [
    "",
    "null",
    "[]",
    "{",
    '{"until":null,"fact":"x"}',
    `{"until":${NOW + 1000}}`,
    `{"until":"${NOW + 1000}","fact":"x"}`,
    '{"until":1e999,"fact":"x"}',
    good.slice(0, -3),
    "x".repeat(100_000),
  ]) {
    writeFileSync(file, text, { mode: 0o600 });
    expect([text.slice(0, 60), recall(files, state, NOW)]).toEqual([text.slice(0, 60), null]);
  }
  writeFileSync(file, good);
  expect(recall(files, state, NOW)).toEqual({ fact: "x", secondsLeft: 1 });
  chmodSync(file, 0o644);
  expect(recall(files, state, NOW)).toBeNull();
  rmSync(file);
  writeFileSync(join(state, "other"), good, { mode: 0o600 });
  symlinkSync("other", file);
  expect(recall(files, state, NOW)).toBeNull();
});

test("what it says is fit for a terminal, and short", () => {
  remember(files, state, `no\u001b[2J${"x".repeat(5000)}`, 60, NOW);
  const fact = recall(files, state, NOW)?.fact ?? "";
  expect(fact.startsWith("no?[2Jxxx")).toBe(true);
  expect(fact.length).toBeLessThan(310);
});

test("a folder that can't be written to is no error", () => {
  writeFileSync(state, "a file");
  remember(files, state, "declined", 60, NOW);
  expect(recall(files, state, NOW)).toBeNull();
  forget(files, state);
});
