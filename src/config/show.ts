import { placeOf } from "./load.ts";
import { REGION_SCHEMA } from "./regions.ts";
import { SCHEMA } from "./schema.ts";
import type { Config, Region, Settings } from "./settings.ts";
import { tomlText } from "./toml-text.ts";

type Shown = string | number | boolean | readonly string[];

/** The config in force as TOML, each line with where its value comes from; values that may be secret are not shown. */
export function showConfig(config: Config): string[] {
  const fields = Object.keys(SCHEMA) as (keyof Settings)[];
  const own = fields.filter((field) => field !== "regions");
  const of = (table: string) =>
    own.filter((field) => tableOf(field) === table).map((field) => showSetting(config, field));
  const tables = ["hosts", "host", "lambda"].flatMap((table) => ["", `[${table}]`, ...of(table)]);
  return [...of(""), ...tables, ...showRegions(config)];
}

/** Table that a setting stands in; "" for none. */
function tableOf(field: keyof Settings): string {
  return SCHEMA[field].key.split(".").slice(0, -1).join(".");
}

/** One setting's value as TOML writes it; null when there is none. */
export function valueText(settings: Settings, field: keyof Settings): string | null {
  if (field === "regions") {
    return settings.regions.length === 0
      ? null
      : settings.regions.map((region) => regionText(region, ", ")).join(" · ");
  }
  const value = settings[field] as Shown | null;
  return value === null ? null : tomlText(value);
}

function showSetting(config: Config, field: keyof Settings): string {
  const place = placeOf(config.origins[field]);
  const name = SCHEMA[field].key.replace(/^.*\./, "");
  const text = valueText(config.settings, field);
  if (text === null) return `# ${name} is not set${place === "default" ? "" : ` (${place})`}`;
  if (SCHEMA[field].isSecret) return `# ${name} is set and not shown (${place})`;
  return `${name} = ${text}  # ${place}`;
}

function showRegions(config: Config): string[] {
  const { regions } = config.settings;
  if (regions.length === 0) return ["", "# there is no [[region]]"];
  return regions.flatMap((region, index) => [
    "",
    index === 0 ? `[[region]]  # ${placeOf(config.origins.regions)}` : "[[region]]",
    regionText(region, "\n"),
  ]);
}

function regionText(region: Region, between: string): string {
  const parts = Object.keys(REGION_SCHEMA) as (keyof Region)[];
  return parts.map((part) => `${REGION_SCHEMA[part].key} = ${tomlText(region[part])}`).join(between);
}
