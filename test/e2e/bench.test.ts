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

const named = process.env["BSSH_EXECUTABLE"] === undefined ? {} : { BSSH_EXECUTABLE: process.env["BSSH_EXECUTABLE"] };

function bench(words: readonly string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["node", join(root, ".ci/bun.mjs"), join(root, "test/bench/bench.ts"), ...words],
    {
      env: { ...named, PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: join(folder, "tmp") },
      cwd: "/",
      stdin: "ignore",
    },
  );
  return { exitCode, said: stdout.toString(), erred: stderr.toString() };
}

/** Rows of the table in their order, figures and sizes taken out. */
const ROWS = [
  "bssh -V, over ssh -V",
  "host of ours, valid certificate, over the same program",
  "the same, ssh_config with # blocks",
  "the same, read for dialer and shared connections",
  "another's host, over the same program (ssh -G is asked)",
  "bssh match, valid certificate, over true(#)",
  "ssh -G of another's host, set up by bssh setup, over without",
  "an empty Bun program, over true(#)",
  "sockets before ssh",
  "child processes before ssh",
  "system calls before ssh, all threads",
  "functions compiled while it ran",
  "whole login: ssh -i key (# ms)",
  "whole login: bssh by ssh -i key",
  "whole login: bssh, dialer = true",
  "whole login: bssh, over a live shared connection",
  "whole login: ssh, set up by bssh setup (Match exec)",
  "whole login: ssh, ProxyCommand bssh proxy, pipes",
  "whole login: ssh, ProxyCommand bssh proxy, socket handed over",
  "cold: start to the first byte for STS",
  "cold: the whole chain",
  "agent: key and certificate, beside ssh-add",
  "agent that hangs: added to bssh login --force",
  "proxy, # MiB to the server",
  "nc, # MiB to the server",
  "proxy, # MiB from the server",
  "nc, # MiB from the server",
  "proxy, idle, memory of its own",
  "proxy, pipes: memory of its own below a login's ssh",
  "proxy, socket handed over: processes left",
  "# warm logins, # at once, in turns: ssh -i key",
  "# warm logins, # at once, in turns: bssh by that",
  "of these let in: ssh",
  "of these let in: bssh",
  "# cold logins at once: let in",
  "# cold logins at once: questions",
  "# cold logins at once: GetSessionToken",
  "# cold logins at once: Encrypt",
  "# cold logins at once: AssumeRole",
  "# cold logins at once: Invoke",
  "# cold logins at once: first start to last end, all waiting between",
  "# cold logins at once: answer to last end",
  "holder killed, # waiting: next one has it (# to # ms)",
  "of the others let in",
  "the CA's function, zipped",
  "ssh-keygen -s, an ed# CA, a process for each",
  "the CA, ed#: load to the first certificate",
  "the CA, KMS, ed#: load to the first certificate",
  "the CA, ed#: each one more, beside its signature of # ms",
  "the CA, KMS, ed#: each one more, the call of KMS in it",
];

/** Of these the value is no time of this machine's: it has to be the target. */
const EXACT = /before ssh$|let in|questions$|GetSessionToken$|Encrypt$|AssumeRole$|Invoke$|processes left$/;

type Row = { readonly what: string; readonly value: string; readonly target: string; readonly good: boolean | null };

test("a short run gives every figure, and leaves nothing", () => {
  const { exitCode, said, erred } = bench(["--rounds", "1", "--json"]);
  expect({ exitCode, erred }).toEqual({ exitCode: 0, erred: "" });
  const figures = JSON.parse(said);
  expect(figures.runs).toEqual({ start: 1, login: 1, cold: 1, agent: 1, proxy: 1, ca: 1 });
  const rows: Row[] = figures.rows;
  expect(rows.map(({ what }) => what.replaceAll(/\d+(\.\d+)?/g, "#"))).toEqual(ROWS);
  for (const { what, value, target } of rows) {
    expect([what, value]).toEqual([what, expect.stringMatching(/^-?\d+(\.\d+)?( ms| KB| MB| MB\/s, .*| s)?$/)]);
    if (EXACT.test(what)) expect([what, value]).toEqual([what, target]);
  }
  const [first, second, ...rest] = figures.cold.requests;
  expect([first, second, rest.slice(0, 2).sort(), rest.slice(2)]).toEqual([
    "GetCallerIdentity",
    "GetSessionToken",
    ["AssumeRole", "Encrypt"],
    ["Invoke"],
  ]);
  expect(figures.flight.killed).toMatchObject({ waiters: 10, times: { length: 5 }, left: 6 });
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
}, 120_000);

test("one part alone is measured, and said with its targets and how it was done", () => {
  const { exitCode, said, erred } = bench(["--only", "agent", "--rounds", "1"]);
  expect({ exitCode, erred }).toEqual({ exitCode: 0, erred: "" });
  const table = said.split("\n").filter((line) => /≤| good$| over$/.test(line));
  expect(table.map((line) => line.slice(0, 20))).toEqual(["agent: key and certi", "agent that hangs: ad"]);
  expect(said).toContain("\nMethod: ");
}, 60_000);

test("what it doesn't understand is answered with an example, and --help names the parts", () => {
  const wrong = [["--runs"], ["--runs", "0"], ["--rounds", "many"], ["--rnus", "3"], ["--only"], ["--only", "speed"]];
  for (const words of wrong) {
    const { exitCode, said, erred } = bench(words);
    expect({ words, exitCode, said }).toEqual({ words, exitCode: 64, said: "" });
    expect(erred).toContain("npm run bench -- --rounds 30");
  }
  const { exitCode, said } = bench(["--help"]);
  expect(exitCode).toBe(0);
  for (const part of ["start", "login", "cold", "agent", "proxy", "fleet", "flight", "ca"]) {
    expect(said).toMatch(new RegExp(`^  ${part} `, "m"));
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
