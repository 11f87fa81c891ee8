// Who may import whom (house.md), and what the hot path may not load. The graph is taken from the sources: static imports
// only, types left out, because they are gone once compiled.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const source = join(root, "src");

/** What is parsed at every login must not hold these; each with its reason. */
const BANNED: Readonly<Record<string, string>> = {
  "@aws-sdk/": "a valid certificate needs no AWS; the clients cost 8 ms",
  sshpk: "4 ms, and only keys of other tools need it",
  "smol-toml": "1 ms; a login goes by the config as it was kept when its certificate was issued",
  "src/config/schema.ts": "as smol-toml",
  "node:fs": "0.5 ms; libc reads the four files of a login",
  "node:crypto": "1 ms; a stored certificate was verified before it was stored",
  "node:path": "0.2 ms",
  "src/issue/": "the cold path",
  "src/sandbox/": "nobody's login",
  "src/ca/": "the Lambda's",
  "src/wire/signature.ts": "it needs node:crypto",
};

/** Rooms that a room may import (itself, failure.ts and types aside), as house.md has it. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  argv: [],
  wire: [],
  system: [],
  config: ["wire"],
  identity: ["wire", "system"],
  agent: ["wire"],
  proxy: ["system", "wire"],
  // The grammar of ssh's words, by which its config files are read as well.
  ssh: ["system", "argv"],
  setup: ["config", "ssh", "argv"],
  terminal: [],
  issue: ["wire", "identity", "agent", "system"],
  ca: ["wire"],
  // The lines of sshd_config have the grammar of ssh's words.
  host: ["wire", "argv"],
  sandbox: ["ca", "wire"],
};

/** Packages that a room may import. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  config: ["smol-toml"],
  identity: ["sshpk"],
  issue: ["@aws-sdk/", "@smithy/"],
  // OpenSSH's key files with a passphrase.
  ca: ["bcrypt-pbkdf"],
  // The policies that are documented are those that the sandbox judges by.
  sandbox: ["docs/deploy/policies/"],
};

type Import = { readonly from: string; readonly lazy: boolean };

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const found: Import[] = [];
  for (const [, clause = "", from = ""] of text.matchAll(/^(?:import|export)\s+([^;"']*?)\s*from\s+"([^"]+)"/gm)) {
    const names = /^\{([^}]*)\}$/s
      .exec(clause)?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const typesOnly = /^type\b/.test(clause) || names?.every((name) => name.startsWith("type ")) === true;
    if (!typesOnly) found.push({ from, lazy: false });
  }
  for (const [, from = ""] of text.matchAll(/^import\s+"([^"]+)"/gm)) found.push({ from, lazy: false });
  for (const [, from = ""] of text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)) found.push({ from, lazy: true });
  return found;
}

function nameOf(file: string, from: string): string {
  return from.startsWith(".") ? relative(root, resolve(dirname(file), from)) : from;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.ts$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => join(folder, name));
}

function staticGraph(...starts: readonly string[]): Map<string, string> {
  const reachedFrom = new Map<string, string>(starts.map((start) => [relative(root, start), "the start"]));
  const queue = [...starts];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    for (const { from, lazy } of importsOf(file)) {
      if (lazy) continue;
      const name = nameOf(file, from);
      if (reachedFrom.has(name)) continue;
      reachedFrom.set(name, relative(root, file));
      if (from.startsWith(".") && /\.ts$/.test(from)) queue.push(resolve(dirname(file), from));
    }
  }
  return reachedFrom;
}

describe("the hot path", () => {
  // main.ts opens story.ts for a host; a login with a valid certificate opens nothing else.
  const graph = staticGraph(join(source, "main.ts"), join(source, "story.ts"));
  for (const [banned, reason] of Object.entries(BANNED)) {
    test(`loads no ${banned}: ${reason}`, () => {
      const bad = [...graph].filter(
        ([name]) => name === banned || name.startsWith(banned) || (banned === "node:fs" && name === "fs"),
      );
      expect(bad.map(([name, by]) => `${name}, imported by ${by}`)).toEqual([]);
    });
    test(`${banned} is still there to be banned`, () => {
      const used = sources(source).some((file) =>
        importsOf(file).some(({ from }) => nameOf(file, from).startsWith(banned)),
      );
      expect(used || existsSync(join(root, banned))).toBe(true);
    });
  }
  test("no file touches process.stdout or process.stderr: that makes the descriptor non-blocking for everybody", () => {
    expect(
      sources(source).filter((file) =>
        /\bprocess\.std(out|err)\b/.test(readFileSync(file, "utf8").replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "")),
      ),
    ).toEqual([]);
  });
  test("is what main.ts says it is", () => {
    const rooms = new Set(
      [...graph.keys()].filter((name) => name.startsWith("src/")).map((name) => name.split("/")[1]),
    );
    expect([...rooms].filter((room) => !room?.endsWith(".ts")).sort()).toEqual([
      "argv",
      "commands",
      "config",
      "identity",
      "ssh",
      "system",
      "wire",
    ]);
  });
});

describe("the rooms", () => {
  for (const [room, allowed] of Object.entries(MAY)) {
    test(`${room} imports ${allowed.length === 0 ? "no other room" : `only ${allowed.join(", ")}`}`, () => {
      const folder = join(source, room);
      const bad: string[] = [];
      for (const file of existsSync(folder) ? sources(folder) : []) {
        for (const { from } of importsOf(file)) {
          const name = nameOf(file, from);
          if (name === "src/failure.ts" || name.startsWith("node:") || name.startsWith("bun")) continue;
          if (name.startsWith(`src/${room}/`)) continue;
          if (allowed.some((other) => name.startsWith(`src/${other}/`))) continue;
          if ((PACKAGES[room] ?? []).some((name2) => name.startsWith(name2))) continue;
          bad.push(`${relative(root, file)} imports ${name}`);
        }
      }
      expect(bad).toEqual([]);
    });
  }
  test("have no default exports, enums or files called utils", () => {
    const bad = sources(source).filter(
      (file) =>
        /^export default|^(export )?(const )?enum /m.test(readFileSync(file, "utf8")) ||
        /util/i.test(file.slice(root.length)),
    );
    expect(bad).toEqual([]);
  });
});
