import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Finding, runScenario } from "./run.ts";
import { parseScenario } from "./scenario.ts";

const folder = import.meta.dir;
const only = process.env["BSSH_SCENARIO"];
const scenarios = readdirSync(folder)
  .filter((name) => name.endsWith(".txt") && (only === undefined || name.includes(only)))
  .sort()
  .map((name) => ({ name, scenario: parseScenario(readFileSync(join(folder, name), "utf8")) }));

/** They sleep and wait more than they work. */
const AT_A_TIME = 4;

/** Every scenario runs twice: as it is, judged; and with BLESSDEBUG=1, only looked through for secrets. */
const found = new Map<string, Promise<Finding>>();

function start(): void {
  const waiting = scenarios.flatMap(({ name, scenario }) =>
    ["judged", "debugged"].map((way) => {
      const { promise, resolve, reject } = Promise.withResolvers<Finding>();
      found.set(`${name} ${way}`, promise);
      return () => runScenario(scenario, way === "debugged").then(resolve, reject);
    }),
  );
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  };
  for (let lane = 0; lane < AT_A_TIME; lane += 1) void work();
}

describe("scenario", () => {
  beforeAll(start);
  for (const { name, scenario } of scenarios) {
    test(`${name}: ${scenario.promise}`, async () => {
      const finding = await found.get(`${name} judged`);
      expect(finding?.wrong.join("\n\n")).toBe("");
    }, 120_000);
  }
});

describe("all scenarios", () => {
  test("print and write none of the secrets planted in them, with BLESSDEBUG=1 or without", async () => {
    const findings = await Promise.all(found.values());
    expect(findings.flatMap((finding) => finding.leaks)).toEqual([]);
    const count = (what: "secrets" | "codes" | "outputs") => findings.reduce((sum, finding) => sum + finding[what], 0);
    expect(count("secrets")).toBeGreaterThan(scenarios.length * 10);
    expect(count("codes")).toBeGreaterThan(0);
    expect(count("outputs")).toBeGreaterThan(scenarios.length * 2);
  }, 300_000);
});
