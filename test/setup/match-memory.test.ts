import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasFailed as hasFailedOn } from "../../src/commands/match-failed.ts";
import { keepFailure } from "../../src/commands/match-memory.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { makeGround } from "./support.ts";

const ground = makeGround();
const hasFailed = (state: string, ssh: string, now?: number) => hasFailedOn(nodeSystem(), state, ssh, now);
afterAll(() => ground.remove());

test("a failure counts for the ssh that it was told to, for a minute", () => {
  const state = join(ground.folder, "a");
  expect(hasFailed(state, "1-2")).toBe(false);
  keepFailure(state, "1-2");
  expect([hasFailed(state, "1-2"), hasFailed(state, "1-3")]).toEqual([true, false]);
  const then = Date.now() / 1000 - 61;
  utimesSync(join(state, "match", "1-2"), then, then);
  expect(hasFailed(state, "1-2", Date.now() + 61_000)).toBe(false);
  keepFailure(state, "1-3");
  expect(readdirSync(join(state, "match"))).toEqual(["1-3"]);
});

test("never more than 512 are kept", () => {
  const state = join(ground.folder, "b");
  mkdirSync(join(state, "match"), { recursive: true });
  for (let at = 0; at < 700; at++) writeFileSync(join(state, "match", `${at}-1`), "");
  keepFailure(state, "1000-1");
  expect(readdirSync(join(state, "match")).length).toBe(512);
  expect(hasFailed(state, "1000-1")).toBe(true);
});

test("a folder that can't be believed or made is left alone", () => {
  const state = join(ground.folder, "c");
  mkdirSync(state);
  symlinkSync("/", join(state, "match"));
  keepFailure(state, "1-2");
  writeFileSync(join(ground.folder, "d"), "");
  keepFailure(join(ground.folder, "d"), "1-2");
  expect([hasFailed(state, "1-2"), hasFailed(join(ground.folder, "d"), "1-2")]).toEqual([false, false]);
});
