import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call, Jump } from "../../src/argv/call.ts";
import { parseCall } from "../../src/argv/parse.ts";
import { type Files, type Line, makeLine, makeRandom } from "./generator.ts";
import { type Answer, askSsh, meetSsh } from "./ssh-oracle.ts";

/** Other ones in every run; BSSH_LINES says how many. */
const LINES = Number(Bun.env["BSSH_LINES"] ?? 12_000);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-argv-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a config file gives where the words say nothing. */
type Defaults = { readonly user: string; readonly port: string; readonly jump: string | null };
const BASE: Defaults = { user: "user-of-base", port: "7001", jump: "jump-of-base" };
const OTHER: Defaults = { user: "user-of-other", port: "7002", jump: null };

test(`${LINES} random command lines mean to us what they mean to ssh -G`, async () => {
  const seed = Number(Bun.env["BSSH_TEST_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  console.log(`seed ${seed} (BSSH_TEST_SEED=${seed} repeats it)`);
  const started = performance.now();
  const base = writeFile("base", `User ${BASE.user}\nPort ${BASE.port}\nProxyJump ${BASE.jump}\n`);
  const other = writeFile("other", `User ${OTHER.user}\nPort ${OTHER.port}\n`);
  const files: Files = { configs: [base, other], keys: ["key1", "key2", "key 3"].map((name) => writeFile(name, "")) };
  const { version, grammar, ability, me } = await meetSsh();
  const none: Defaults = { user: me, port: "22", jump: null };
  const defaults = (call: Call): Defaults => {
    if (call.configFile === null || call.configFile === base) return BASE;
    return call.configFile === other ? OTHER : none;
  };

  const random = makeRandom(seed);
  const lines = Array.from({ length: LINES }, () => makeLine(random, ability, files));
  const asked = lines.map(({ words }, index) => {
    // ssh refuses a RemoteCommand beside a command, and so shows whether it sees a command.
    const remote = wantsNoCommand(index) ? ["-oRemoteCommand=true"] : [];
    return ["-G", "-F", base, ...remote, ...words];
  });
  const disagreements: string[] = [];
  const tally: Record<string, number> = {};
  await askSsh(asked, folder, (index, answer) => {
    const line = lines[index] ?? { words: [], mute: false };
    const call = parseCall(line.words, grammar);
    const verdict = compare({
      call,
      line,
      answer,
      wantsNoCommand: wantsNoCommand(index),
      defaults: defaults(call),
      keys: files.keys,
    });
    if (verdict.problem !== null) disagreements.push(`${JSON.stringify(line.words)}: ${verdict.problem}`);
    tally[verdict.kind] = (tally[verdict.kind] ?? 0) + 1;
  });

  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${LINES} lines in ${seconds} s with ${version}: ${JSON.stringify(tally)}`);
  expect(disagreements.slice(0, 20)).toEqual([]);
  expect(Object.values(tally).reduce((sum, count) => sum + count, 0)).toBe(LINES);
  expect(tally["compared"] ?? 0).toBeGreaterThan(LINES / 2);
}, 600_000);

function writeFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function wantsNoCommand(index: number): boolean {
  return index % 4 === 0;
}

const COMMAND_SEEN = "Cannot execute command-line and remote command.";

/** Refusals that depend on more than the words we judge. Whatever else ssh refuses, we must have seen. */
const NOT_OURS = new RegExp(
  [
    "Cannot fork into background without a command",
    "Cannot specify multiplexing command with -W",
    "Cannot specify stdio forward with -O",
    "stdio forward already specified",
    "Multiplexing command already specified",
    "Invalid multiplex command",
    "Unsupported query",
    "Bad (escape character|tun device|local forwarding|remote forwarding|dynamic forwarding|stdio forwarding)",
    "Unknown (cipher|mac) type",
    "Can't open user config file",
    "jumphost loop via",
    // A service that /etc/services does not know.
    "Bad port '[a-z]+'",
  ].join("|"),
);

type Case = {
  readonly call: Call;
  readonly line: Line;
  readonly answer: Answer;
  readonly wantsNoCommand: boolean;
  readonly defaults: Defaults;
  readonly keys: readonly string[];
};
type Verdict = { readonly kind: string; readonly problem: string | null };

/** Compares a call with what ssh made of the same words. */
function compare({ call, line, answer, wantsNoCommand, defaults, keys }: Case): Verdict {
  const { status, output } = answer;
  const verdict = (kind: string, agreed: boolean, we: string): Verdict => ({
    kind,
    problem: agreed ? null : `we say ${we}; ssh said ${status} ${output.slice(0, 300)}`,
  });
  if (call.through === "usage") return verdict("refused", status === 255, "that ssh refuses it");
  if (/^usage: ssh /m.test(output)) return verdict("refused", false, `${call.through}`);
  if (status !== 0 && NOT_OURS.test(output)) return verdict("refused for other reasons", true, "");

  const config = parseConfig(output);
  if (call.through === "version" || call.through === "query") {
    const agreed =
      status === 0 && !config.has("hostname") && /^OpenSSH_/m.test(output) === (call.through === "version");
    return verdict(call.through, agreed, call.through);
  }
  const commanded = wantsNoCommand && line.words.slice(call.commandAt).join(" ") !== "";
  if (status !== 0 && commanded) {
    const agreed = line.mute || output.includes(COMMAND_SEEN);
    return verdict("refused for its command", agreed, "that ssh minds the command only");
  }
  if (status !== 0) return verdict("refused for other reasons", line.mute, "that ssh takes it");
  if (commanded) return verdict("refused for its command", false, "that there is a command");

  const wrong = Object.entries(expectation(call, defaults, keys)).filter(([key, values]) => {
    // Without any of ours ssh lists its default keys.
    if (key === "identityfile" && values.length === 0) return !config.get(key)?.includes("~/.ssh/id_rsa");
    return values.toSorted().join("\n") !== (config.get(key) ?? []).toSorted().join("\n");
  });
  const problems = wrong.map(([key, values]) => `${key} ${JSON.stringify([values, config.get(key)])}`);
  return { kind: "compared", problem: problems.length === 0 ? null : `ours, ssh's: ${problems.join(", ")}` };
}

function parseConfig(output: string): Map<string, string[]> {
  const config = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const [, key, value] = /^(host|hostname|user|port|identityfile|proxyjump) (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) config.set(key, [...(config.get(key) ?? []), value]);
  }
  return config;
}

/** The values that `ssh -G` prints when it agrees with the call. */
function expectation(call: Call, defaults: Defaults, keys: readonly string[]): Record<string, readonly string[]> {
  const settings = (key: string): string[] =>
    call.options.flatMap((option) => (option.key === key ? [option.value] : []));
  const host = call.host ?? "";
  const hostName = settings("hostname")[0]?.replaceAll("%h", host) ?? host;
  const configured = settings("proxycommand").length === 0 ? defaults.jump : null;
  const jump = call.jumps === null ? configured : showJumps(call.jumps);
  return {
    host: [host],
    // A bare number is an address to the resolver (443 is 0.0.1.187); `host` is compared all the same.
    ...(/^(0x)?[0-9]+$/.test(hostName) ? {} : { hostname: [/[:%]/.test(hostName) ? hostName : lowerCase(hostName)] }),
    user: [call.user ?? defaults.user],
    port: [call.port === null ? defaults.port : portNumber(call.port)],
    // ssh leaves out files that do not exist.
    identityfile: [
      ...new Set(call.identityFiles.filter((file) => keys.includes(file))),
      ...new Set(settings("identityfile")),
    ],
    proxyjump: jump === null ? [] : [jump],
  };
}

/** ssh lowers the case of names, not of what looks like an address to it. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** ssh repeats all hops but the last as typed; in the last it puts addresses in brackets. */
function showJumps(jumps: readonly Jump[]): string | null {
  const shown = jumps.map(({ user, host, port }, index) => {
    const address = host.includes(":") || (index === jumps.length - 1 && /^[0-9.]+$/.test(host));
    const name = address ? `[${host}]` : host;
    return `${user === null ? "" : `${user}@`}${name}${port === null ? "" : `:${portNumber(port)}`}`;
  });
  return shown.length === 0 ? null : shown.join(",");
}

function portNumber(port: string): string {
  return { ssh: "22", http: "80" }[port] ?? String(Number(port));
}
