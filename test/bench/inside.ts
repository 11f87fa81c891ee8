// The measurements, made inside a sandbox: `inside.ts BSSH EMPTY FOLDER RUNS PARTS` prints them as one JSON object.
import { readFileSync } from "node:fs";
import { type AgentFigures, measureAgent } from "./agent.ts";
import { type CaFigures, measureCa } from "./ca.ts";
import { firstBytes, wholeChains } from "./cold.ts";
import { type Fleet, measureFleet } from "./fleet.ts";
import { type FlightFigures, measureFlight } from "./flight.ts";
import { type Logins, logins } from "./logins.ts";
import { median } from "./measure.ts";
import { measureProxy, type ProxyFigures } from "./proxy.ts";
import { type Resident, residents } from "./resident.ts";
import { type Starts, startUps } from "./starts.ts";
import { type Traced, traceLogin } from "./traced.ts";
import type { Part } from "./words.ts";

/** Null is what nobody asked for. */
export type Figures = {
  /** Rounds of each. */
  readonly runs: Readonly<Record<"start" | "login" | "cold" | "agent" | "proxy" | "ca", number>>;
  /** Seconds that each part took. */
  readonly took: Readonly<Partial<Record<Part, number>>>;
  readonly start: { readonly times: Starts; readonly traced: Traced | null } | null;
  readonly login: Logins | null;
  /** Milliseconds, medians, and what AWS was asked in the last run, in order. */
  readonly cold: { readonly firstByte: number; readonly chain: number; readonly requests: readonly string[] } | null;
  readonly agent: AgentFigures | null;
  readonly proxy: (ProxyFigures & { readonly pipes: Resident; readonly socket: Resident }) | null;
  readonly fleet: Fleet | null;
  readonly flight: FlightFigures | null;
  readonly ca: CaFigures | null;
};

const [bssh = "", empty = "", folder = "", runsText = "", partsText = ""] = process.argv.slice(2);
const asked = Number(runsText);
const part = (of: number) => Math.max(1, Math.round(asked / of));
const runs = {
  start: asked,
  login: part(4),
  cold: part(8),
  agent: part(4),
  proxy: Math.min(3, part(25)),
  ca: part(10),
};
/** A thousand, with as many rounds as usual or more. */
const crowd = Math.min(1000, asked * 10);
/** Who waits while a holder is killed; at least as many as are killed, and some. */
const waiters = Math.min(100, Math.max(10, asked));
/** A whole GiB but in a trial run. */
const bytes = asked >= 10 ? 1 << 30 : 1 << 25;

const [host = ""] = (process.env["BSSH_SANDBOX_HOSTS"] ?? "").split(" ");
const key = `${process.env["HOME"]}/.ssh/blessid`;
const scene = { bssh, host, folder };

/** What AWS was asked in the last run, in order. */
function lastRequests(): string[] {
  const records = readFileSync(process.env["BSSH_SANDBOX_LOG"] ?? "", "utf8").split("\n");
  const actions = records.filter(Boolean).map((line) => String((JSON.parse(line) as { action: string }).action));
  return actions.slice(actions.lastIndexOf("GetCallerIdentity"));
}

function login(): void {
  const first = Bun.spawnSync([bssh, host, "true"], { stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  if (first.exitCode !== 0) throw new Error("the first login failed");
}

const took: Partial<Record<Part, number>> = {};

async function measured<T>(name: Part, measure: () => T | Promise<T>): Promise<T | null> {
  if (!partsText.split(",").includes(name)) return null;
  // Its bytes and its memory are counted with Linux's libc and /proc.
  if (name === "proxy" && process.platform !== "linux") return null;
  login();
  const from = performance.now();
  const figures = await measure();
  took[name] = (performance.now() - from) / 1000;
  return figures;
}

const figures: Figures = {
  runs,
  took,
  start: await measured("start", () => ({
    times: startUps(scene, empty, runs.start),
    traced: traceLogin(bssh, host, folder),
  })),
  login: await measured("login", () => logins(scene, key, runs.login)),
  cold: await measured("cold", async () => {
    const cold = { bssh, host, folder, config: process.env["BSSH_CONFIG"] ?? "", key };
    const firstByte = median(await firstBytes(cold, runs.cold));
    return { firstByte, chain: median(wholeChains(cold, runs.cold)), requests: lastRequests() };
  }),
  agent: await measured("agent", () => measureAgent(scene, key, runs.agent)),
  proxy: await measured("proxy", async () => ({
    ...(await measureProxy(bssh, runs.proxy, bytes)),
    ...(await residents(scene, key)),
  })),
  fleet: await measured("fleet", () => measureFleet(scene, key, crowd)),
  flight: await measured("flight", () => measureFlight(bssh, crowd, waiters)),
  ca: await measured("ca", () => measureCa(folder, runs.ca)),
};
console.log(JSON.stringify(figures));
