// promise: what ssh receives is what was typed, byte for byte, and for a host of ours the same words after ours
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseCall } from "../../src/argv/parse.ts";
import { grammarFor } from "../../src/argv/ssh-options.ts";
import { corpus } from "../argv/corpus.ts";
import { type Home, makeHome } from "./ours.ts";

const bssh = resolve(import.meta.dir, "../../dist/bssh");
const version = Bun.spawnSync(["ssh", "-V"]).stderr.toString();
let home: Home;
let record: string;
let ssh: string;

beforeAll(async () => {
  home = await makeHome(".*");
  record = join(home.folder, "record");
  ssh = join(home.folder, "recorder");
  // Asked for its version it tells that of the real one, too.
  writeFileSync(ssh, `#!/bin/sh\ncat /proc/$$/cmdline >"$RECORD"\ntest "$*" != -V || exec ssh -V\n`, { mode: 0o755 });
});
afterAll(() => home.remove());

/** Runs bssh with these bytes, and gives the bytes of the words that the recorder was given. Bun can't pass bytes; xargs can. */
function send(words: readonly Uint8Array[], environment: Readonly<Record<string, string>>): Uint8Array {
  const input = join(home.folder, "words");
  writeFileSync(input, Buffer.concat(words.flatMap((word) => [word, Uint8Array.of(0)])));
  rmSync(record, { force: true });
  const { stderr } = Bun.spawnSync(["xargs", "-0", "-x", "-n", "100000", "-s", "1000000", "-a", input, bssh], {
    env: { ...environment, BSSH_SSH: ssh, RECORD: record },
    stdin: "ignore",
  });
  if (!existsSync(record)) throw new Error(`nothing was recorded: ${stderr}`);
  const bytes = readFileSync(record);
  // The interpreter and the recorder's own name come first.
  return bytes.subarray(`/bin/sh\0${ssh}\0`.length);
}

const shown = (bytes: Uint8Array) => JSON.stringify(Buffer.from(bytes).toString("latin1").slice(0, 500));
const joined = (words: readonly (Uint8Array | string)[]) =>
  Buffer.concat(words.flatMap((word) => [typeof word === "string" ? Buffer.from(word) : word, Uint8Array.of(0)]));

/** Those of the corpus that don't come out as `expected` says. */
function differing(
  environment: Readonly<Record<string, string>>,
  expected: (words: readonly Uint8Array[]) => Uint8Array,
): string[] {
  const wrong: string[] = [];
  for (const words of corpus) {
    const got = send(words, environment);
    const wanted = expected(words);
    if (Buffer.compare(got, wanted) !== 0) wrong.push(`wanted ${shown(wanted)}\n   got ${shown(got)}`);
  }
  return wrong;
}

test("there are at least 200 command lines, some of them not UTF-8", () => {
  expect(corpus.length).toBeGreaterThanOrEqual(200);
  const odd = corpus.filter((words) =>
    words.some((word) => Buffer.from(Buffer.from(word).toString()).compare(word) !== 0),
  );
  expect(odd.length).toBeGreaterThan(3);
});

test("without a config every word is ssh's, and no other", () => {
  const { BSSH_CONFIG: _, ...environment } = home.environment;
  const wrong = differing({ ...environment, BSSH_HOME: join(home.folder, "empty") }, joined);
  expect(wrong).toEqual([]);
}, 120_000);

test("for a host of ours the certificate comes first, and every word typed after it", () => {
  const grammar = grammarFor(version);
  let blessed = 0;
  const wrong = differing(home.environment, (words) => {
    const call = parseCall(
      words.map((word) => Buffer.from(word).toString()),
      grammar,
    );
    if (call.through !== null || call.host === null) return joined(words);
    blessed += 1;
    return joined([...home.inserted, ...words]);
  });
  expect(wrong).toEqual([]);
  console.log(`${corpus.length} command lines, ${blessed} of them to a host of ours`);
  expect(blessed).toBeGreaterThan(100);
}, 120_000);

test("a command's name behind `ssh` or `--` is a host, and `--` is ssh's to read", () => {
  const send = (words: readonly string[]) => {
    rmSync(record, { force: true });
    Bun.spawnSync([bssh, ...words], { env: { ...home.environment, BSSH_SSH: ssh, RECORD: record }, stdin: "ignore" });
    return readFileSync(record, "latin1").split("\0").slice(2, -1);
  };
  expect(send(["ssh", "status", "x y"])).toEqual([...home.inserted, "status", "x y"]);
  expect(send(["--", "status", "x y"])).toEqual([...home.inserted, "--", "status", "x y"]);
});
