// promise: a certificate that another process made between the look and the turn isn't made again
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { loadConfig } from "../../src/config/load.ts";
import { obtain } from "../../src/obtain.ts";
import { openSystem } from "../../src/system/open.ts";
import { readText } from "../../src/system/system.ts";
import { type Home, makeHome } from "../e2e/ours.ts";

let home: Home;
beforeAll(async () => {
  home = await makeHome("web", 3600, ['agent = "off"']);
});
afterAll(() => home.remove());

async function order() {
  const system = await openSystem();
  const { environment, files } = home;
  const config = loadConfig(environment, (path) => readText(system, path));
  return { system, environment, config, files, useCaches: true, region: null, mayAsk: false };
}

test("who found none, and finds a good one when it is their turn, takes it", async () => {
  const before = readFileSync(home.files.certificate, "utf8");
  expect(await obtain({ ...(await order()), why: "no certificate" })).toEqual({ fetched: false, agent: false });
  expect(readFileSync(home.files.certificate, "utf8")).toBe(before);
});

test("who wants a good one renewed goes on to the CA, of which this config knows none", async () => {
  await expect(obtain({ ...(await order()), why: null })).rejects.toThrow("region");
});

test("a renewal in the background leaves a certificate alone that another one made meanwhile", async () => {
  const before = readFileSync(home.files.certificate, "utf8");
  expect(await obtain({ ...(await order()), why: null, background: true })).toEqual({ fetched: false, agent: false });
  expect(readFileSync(home.files.certificate, "utf8")).toBe(before);
});
