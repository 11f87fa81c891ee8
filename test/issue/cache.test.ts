import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asText, type Cache, type Kind, openCache } from "../../src/issue/cache.ts";

const WORD: Kind<string> = { name: "word", marginMs: 1000, parse: (value) => asText(value, 20) };
let home = "";
let notes: string[] = [];
let traces: string[] = [];

function open(useOld = true): Cache {
  return openCache({
    state: `${home}/state`,
    useOld,
    now: () => Date.now(),
    note: (line) => notes.push(line),
    trace: (line) => traces.push(line),
  });
}

const folder = () => `${home}/state/cache`;
const files = () => readdirSync(folder());
const only = () => `${folder()}/${files()[0]}`;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bssh-cache-"));
  notes = [];
  traces = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe("the cache", () => {
  test("gives what was kept to the next process, until a margin before its end", () => {
    open().keep(WORD, ["a"], "secret", 10_000);
    const next = open();
    expect(next.read(WORD, ["a"], 8999)).toBe("secret");
    expect(next.isOld(WORD, ["a"])).toBe(true);
    expect(next.read(WORD, ["a"], 9000)).toBeNull();
  });

  test("has a place of its own for each kind and key", () => {
    const cache = open();
    cache.keep(WORD, ["a", "b"], "one", 10_000);
    for (const key of [["a"], ["ab"], ["a,b"], ["b", "a"], ["a", "b", ""], []])
      expect(cache.read(WORD, key, 0)).toBeNull();
    expect(cache.read({ ...WORD, name: "other" }, ["a", "b"], 0)).toBeNull();
    expect(files()).toHaveLength(1);
    expect(files()[0]).toMatch(/^word-[0-9a-f]{40}\.json$/);
  });

  test("names no file after what it is for", () => {
    open().keep(WORD, ["AKIAIOSFODNN7EXAMPLE"], "x", 10_000);
    expect(files().join()).not.toContain("AKIA");
    expect(readFileSync(only(), "utf8")).not.toContain("AKIA");
  });

  test("gives nothing of earlier processes when told so, but what it kept itself", () => {
    open().keep(WORD, ["a"], "old", 10_000);
    const cache = open(false);
    expect(cache.read(WORD, ["a"], 0)).toBeNull();
    cache.keep(WORD, ["a"], "new", 10_000);
    expect(cache.read(WORD, ["a"], 0)).toBe("new");
    expect(cache.isOld(WORD, ["a"])).toBe(false);
    expect(open().read(WORD, ["a"], 0)).toBe("new");
  });

  test("forgets", () => {
    const cache = open();
    cache.keep(WORD, ["a"], "x", 10_000);
    cache.forget(WORD, ["a"]);
    expect(cache.read(WORD, ["a"], 0)).toBeNull();
    expect(files()).toEqual([]);
  });

  test("takes rights away from others that they have on its folder", () => {
    mkdirSync(folder(), { recursive: true, mode: 0o755 });
    chmodSync(folder(), 0o777);
    chmodSync(`${home}/state`, 0o777);
    open();
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    expect(statSync(`${home}/state`).mode & 0o777).toBe(0o700);
  });
});

describe("a file that can't be believed counts as none, and heals", () => {
  const heals = (spoil: () => void) => {
    open().keep(WORD, ["a"], "first", 10_000);
    spoil();
    const cache = open();
    expect(cache.read(WORD, ["a"], 0)).toBeNull();
    cache.keep(WORD, ["a"], "second", 10_000);
    expect(open().read(WORD, ["a"], 0)).toBe("second");
    expect(lstatSync(only()).isFile()).toBe(true);
    expect(statSync(only()).mode & 0o777).toBe(0o600);
    expect(notes).toEqual([]);
  };

  test.each([
    "",
    "{",
    "null",
    "[]",
    "7",
    '{"version":2,"ends":1e15,"value":"x"}',
    '{"version":1,"ends":"1e15","value":"x"}',
    '{"version":1,"ends":1e15,"value":7}',
    '{"version":1,"ends":1e15,"value":"a longer text than fits"}',
    '{"version":1,"ends":1e15,"value":"a\\u001bb"}',
    '{"version":1,"ends":1e999,"value":"x"}',
  ])("%j", (text) => {
    heals(() => writeFileSync(only(), text));
  });
  test("one that others may read", () => heals(() => chmodSync(only(), 0o644)));
  test("one that others may write", () => heals(() => chmodSync(only(), 0o620)));
  test("one that is too large", () =>
    heals(() => writeFileSync(only(), `{"version":1,"ends":1e15,"value":"x"}${" ".repeat(70_000)}`)));
  test("a symbolic link, and what it points to stays", () => {
    const target = `${home}/target`;
    writeFileSync(target, '{"version":1,"ends":1e15,"value":"x"}', { mode: 0o600 });
    heals(() => {
      const path = only();
      rmSync(path);
      symlinkSync(target, path);
    });
    expect(readFileSync(target, "utf8")).toContain('"x"');
  });
  test("a pipe, without waiting for its other end", () => {
    heals(() => {
      const path = only();
      rmSync(path);
      Bun.spawnSync(["mkfifo", "-m", "600", path]);
    });
  });
  test("one that belongs to another user", () => {
    if (isRoot) return heals(() => Bun.spawnSync(["chown", "65534", only()]));
    open().keep(WORD, ["a"], "first", 10_000);
    asAnother(() => expect(open().read(WORD, ["a"], 0)).toBeNull());
  });
});

/** Only root can give files away; an ordinary user takes on another name instead. */
const isRoot = process.getuid?.() === 0;

function asAnother(run: () => void): void {
  const spy = spyOn(process, "getuid").mockReturnValue(4242);
  try {
    run();
  } finally {
    spy.mockRestore();
  }
}

describe("a place that can't be used", () => {
  test("is noted once, and everything goes on in memory", () => {
    mkdirSync(`${home}/elsewhere`);
    mkdirSync(`${home}/state`, { mode: 0o700 });
    symlinkSync(`${home}/elsewhere`, folder());
    const cache = open();
    cache.keep(WORD, ["a"], "x", 10_000);
    cache.keep(WORD, ["b"], "y", 10_000);
    expect(cache.read(WORD, ["a"], 0)).toBe("x");
    expect(notes).toEqual([`nothing is kept for the next login: ${folder()}: is not a folder`]);
    expect(readdirSync(`${home}/elsewhere`)).toEqual([]);
  });

  test("is a file in the folder's place", () => {
    writeFileSync(`${home}/state`, "");
    open().keep(WORD, ["a"], "x", 10_000);
    expect(notes).toHaveLength(1);
  });

  test("is a folder of another user", () => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    if (isRoot) Bun.spawnSync(["chown", "65534", folder()]);
    const keep = () => open().keep(WORD, ["a"], "x", 10_000);
    if (isRoot) keep();
    else asAnother(keep);
    expect(notes.join("\n")).toMatch(/^nothing is kept for the next login: \S+: belongs to another user$/);
  });

  test("left-over temporary files are swept after an hour, long unused ones later", () => {
    open().keep(WORD, ["a"], "x", 10_000);
    writeFileSync(`${folder()}/.word.0123`, "half");
    writeFileSync(`${folder()}/.word.4567`, "half");
    writeFileSync(`${folder()}/session-old.json`, "{}");
    const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
    utimesSync(`${folder()}/.word.0123`, ago(1), ago(1));
    utimesSync(`${folder()}/session-old.json`, ago(60), ago(60));
    open().keep(WORD, ["b"], "y", 10_000);
    expect(files().filter((name) => !/^word-/.test(name))).toEqual([".word.4567"]);
  });
});
