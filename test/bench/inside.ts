// The measurements, made inside a sandbox: `inside.ts BSSH EMPTY FOLDER RUNS` prints them as one JSON object.
import { readFileSync } from "node:fs";
import { firstBytes, wholeChains } from "./cold.ts";
import { interleave, type Kind, median } from "./measure.ts";
import { type Traced, traceLogin } from "./traced.ts";

/** All times in milliseconds, medians. */
export type Figures = {
  readonly runs: { readonly start: number; readonly login: number; readonly cold: number };
  readonly start: Readonly<Record<"true" | "empty" | "ssh -V" | "bssh -V" | "ours" | "theirs" | "ssh -G", number>>;
  readonly login: Readonly<Record<"ssh" | "bssh" | "ratio", number>>;
  readonly cold: { readonly firstByte: number; readonly chain: number; readonly requests: readonly string[] };
  readonly traced: Traced | null;
};

const [bssh = "", empty = "", folder = "", runsText = ""] = process.argv.slice(2);
const asked = Number(runsText);
const runs = { start: asked, login: Math.max(5, Math.round(asked / 2)), cold: Math.max(5, Math.round(asked / 8)) };
const [host = ""] = (process.env["BSSH_SANDBOX_HOSTS"] ?? "").split(" ");
const key = `${process.env["HOME"]}/.ssh/blessid`;
const inPlace = { BSSH_SSH: "/bin/true" };

/** Starts of programs; `true` is what stands in ssh's place, so that nothing but bssh's own time is added to it. */
function startUps(): Figures["start"] {
  const times = interleave(
    [
      { name: "true", words: ["/bin/true", host, "true"] },
      { name: "empty", words: [empty] },
      { name: "ssh -V", words: [realSsh(), "-V"] },
      { name: "bssh -V", words: [bssh, "-V"], set: { BSSH_SSH: realSsh() } },
      { name: "ours", words: [bssh, host, "true"], set: inPlace },
      { name: "ssh -G", words: [realSsh(), "-G", "web1.example.com"] },
      { name: "theirs", words: [bssh, "web1.example.com", "true"], set: { BSSH_SSH: thatOnlyResolves() } },
    ],
    runs.start,
  );
  return mediansOf(times) as Figures["start"];
}

/** The ssh that the sandbox's own `ssh` runs. */
function realSsh(): string {
  const script = readFileSync(`${process.env["BSSH_SANDBOX"]}/bin/ssh`, "utf8");
  return /^exec '?(\/[^\s']+)/m.exec(script)?.[1] ?? "/usr/bin/ssh";
}

/** In ssh's place for another's host: resolves as ssh does when it is asked to, and is true(1) otherwise. */
function thatOnlyResolves(): string {
  const path = `${folder}/ssh-that-resolves`;
  Bun.spawnSync([
    "/bin/sh",
    "-c",
    `printf '#!/bin/sh\\ncase $1 in -G) exec ${realSsh()} "$@" ;; esac\\n' >"$0"; chmod 755 "$0"`,
    path,
  ]);
  return path;
}

/** Whole logins to the sandbox's sshd; `ssh` is the same program on both sides. */
function logins(): Figures["login"] {
  const kinds: Kind[] = [
    { name: "ssh", words: ["ssh", "-i", key, host, "true"] },
    { name: "bssh", words: [bssh, host, "true"] },
  ];
  const times = interleave(kinds, runs.login);
  const [ssh = [], wrapped = []] = kinds.map(({ name }) => times.get(name));
  // What disturbs this machine for a second disturbs both logins of a round.
  const more = median(wrapped.map((time, round) => time - (ssh[round] ?? Number.NaN)));
  return { ssh: median(ssh), bssh: median(wrapped), ratio: 1 + more / median(ssh) };
}

function mediansOf(times: ReadonlyMap<string, readonly number[]>): Record<string, number> {
  return Object.fromEntries([...times].map(([name, list]) => [name, median(list)]));
}

/** What AWS was asked in the last run, in order. */
function lastRequests(from: number): string[] {
  const records = readFileSync(process.env["BSSH_SANDBOX_LOG"] ?? "", "utf8")
    .split("\n")
    .filter(Boolean);
  const actions = records.slice(from).map((line) => String((JSON.parse(line) as { action: string }).action));
  return actions.slice(actions.lastIndexOf("GetCallerIdentity"));
}

const first = Bun.spawnSync([bssh, host, "true"], { stdin: "ignore", stdout: "ignore", stderr: "inherit" });
if (first.exitCode !== 0) throw new Error("the first login failed");
const start = startUps();
const traced = traceLogin(bssh, host, folder);
const login = logins();
const cold = { bssh, host, folder, config: process.env["BSSH_CONFIG"] ?? "", key };
const firstByte = median(await firstBytes(cold, runs.cold));
const chain = median(wholeChains(cold, runs.cold));
const figures: Figures = { runs, start, login, cold: { firstByte, chain, requests: lastRequests(0) }, traced };
console.log(JSON.stringify(figures));
