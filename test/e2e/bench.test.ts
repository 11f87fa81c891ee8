// promise: npm run bench measures what it says it does, and a warm login opens no socket and starts no process
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { interleave, median, table } from "../bench/measure.ts";

const root = resolve(import.meta.dir, "../..");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(/^\/[\w/.-]{1,25}$/.test(tmpdir()) ? tmpdir() : "/tmp", "bssh-m-"));
  mkdirSync(join(folder, "tmp"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bench(words: readonly string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["node", join(root, ".ci/bun.mjs"), join(root, "test/bench/bench.ts"), ...words],
    { env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: join(folder, "tmp") }, cwd: "/", stdin: "ignore" },
  );
  return { exitCode, said: stdout.toString(), erred: stderr.toString() };
}

test("a short run gives every figure, and leaves nothing", () => {
  const { exitCode, said, erred } = bench(["--runs", "2", "--json"]);
  expect({ exitCode, erred }).toEqual({ exitCode: 0, erred: "" });
  const figures = JSON.parse(said);
  expect(figures.runs).toEqual({ start: 2, login: 5, cold: 5 });
  for (const group of [figures.start, figures.login]) {
    for (const value of Object.values(group)) expect(value).toBeGreaterThan(0);
  }
  expect(figures.cold.firstByte).toBeLessThan(figures.cold.chain);
  const [first, second, ...rest] = figures.cold.requests;
  expect([first, second, rest.slice(0, 2).sort(), rest.slice(2)]).toEqual([
    "GetCallerIdentity",
    "GetSessionToken",
    ["AssumeRole", "Encrypt"],
    ["Invoke"],
  ]);
  expect(figures.traced).toMatchObject({ sockets: 0, children: 0 });
  expect(figures.rows.length).toBeGreaterThan(8);
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
}, 120_000);

test("what it doesn't understand is answered with an example", () => {
  for (const words of [["--runs"], ["--runs", "0"], ["--runs", "many"], ["--rnus", "3"]]) {
    const { exitCode, said, erred } = bench(words);
    expect({ words, exitCode, said }).toEqual({ words, exitCode: 64, said: "" });
    expect(erred).toContain("npm run bench -- --runs 30");
  }
});

test("kinds take turns, each once a round, and the warm-up doesn't count", () => {
  const log = join(folder, "log");
  const kind = (name: string) => ({ name, words: ["/bin/sh", "-c", `echo ${name} >>${log}`] });
  const times = interleave([kind("a"), kind("b"), kind("c")], 4, 2);
  const order = Bun.spawnSync(["cat", log]).stdout.toString().replaceAll("\n", "");
  expect(order).toBe("abcbcacababcbcacab");
  expect([...times.values()].map((list) => list.length)).toEqual([4, 4, 4]);
  expect(() => interleave([{ name: "fails", words: ["/bin/false"] }], 1)).toThrow("fails ended with status 1");
});

test("the median is the middle, and columns stand under each other", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  expect(
    table([
      ["a", "10"],
      ["long", "9"],
    ]),
  ).toEqual(["a     10", "long   9"]);
});
