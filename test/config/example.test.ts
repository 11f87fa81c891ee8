import { expect, test } from "bun:test";
import { domainOf } from "../../src/config/domain.ts";
import { REGION_SCHEMA } from "../../src/config/regions.ts";
import { SCHEMA } from "../../src/config/schema.ts";
import type { Settings } from "../../src/config/settings.ts";
import { load } from "./support.ts";

const example = await Bun.file(`${import.meta.dir}/../../config.example.toml`).text();
const fields = Object.keys(SCHEMA) as (keyof Settings)[];

test("the example config loads, and makes its hosts ours", () => {
  const config = load(example);
  expect(config.settings.regions).toHaveLength(2);
  expect(["web1.example.com", "10.100.1.2", "github.com"].map(domainOf(config))).toEqual([true, true, false]);
});

test("the example config holds every setting, explained above it", () => {
  const lines = example.split("\n");
  const names = [
    ...fields.map((field) => SCHEMA[field].key.replace(/^.*\./, "")),
    ...Object.values(REGION_SCHEMA).map(({ key }) => key),
  ];
  for (const name of names.filter((key) => key !== "region")) {
    const at = lines.findIndex((line) => line.startsWith(`${name} = `) || line.startsWith(`#${name} = `));
    expect(at, name).toBeGreaterThan(0);
    const above = lines.slice(0, at).findLast((line) => !/^#?\w+ = |^\[\[?\w+\]/.test(line));
    expect(above, name).toStartWith("# ");
  }
});

test("the example config shows the defaults as they are", () => {
  const all = example.replace(/^#(\w+ = )/gm, "$1");
  const shown = load(all).settings;
  const defaults = load(null).settings;
  const given: readonly (keyof Settings)[] = ["domainRegex", "kmsauthService", "function", "regions"];
  for (const field of fields.filter((name) => !given.includes(name)))
    expect(shown[field], field).toEqual(defaults[field]);
});

test("the example config names every variable that goes before it", () => {
  for (const field of fields) {
    const { variable } = SCHEMA[field];
    if (variable !== undefined) expect(example).toContain(`${variable} goes before it`);
  }
});

test("the example config names the bounds of every number", () => {
  for (const field of fields) {
    const { bounds } = SCHEMA[field];
    if (bounds !== undefined) expect(example).toContain(`${bounds[0]} to ${bounds[1]}`);
  }
});
