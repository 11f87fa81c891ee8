import { isAlias, isAwsRegion, isKmsKey } from "./form.ts";
import { isTable, type Reading } from "./reading.ts";
import type { Region } from "./settings.ts";

/** The keys of a [[region]] table, all of them wanted. */
export const REGION_SCHEMA: Readonly<
  Record<keyof Region, { key: string; wanted: string; isRight: (text: string) => boolean }>
> = {
  alias: { key: "alias", wanted: "a short name of letters, digits, . _ -", isRight: isAlias },
  awsRegion: {
    key: "aws_region",
    wanted: "an AWS region such as eu-west-1",
    isRight: isAwsRegion,
  },
  kmsauthKey: {
    key: "kmsauth_key",
    wanted: "the id, alias (alias/…) or ARN of the KMS key",
    isRight: isKmsKey,
  },
};

// Loops where a method with a callback would do as well: the first call of each such method costs 0.02 ms.
/** The [[region]] tables, each alias once. */
export function readRegions(given: unknown, reading: Reading): readonly Region[] {
  if (!Array.isArray(given)) return reading.wrong("is no array of tables");
  if (given.length > 64) return reading.wrong("has more than 64 entries");
  const regions: Region[] = [];
  const names = new Set<string>();
  for (let index = 0; index < given.length; index++) {
    const region = readRegion(given[index], index, reading);
    const name = region.alias.toLowerCase();
    if (names.has(name)) {
      return reading.wrong("is the alias of another region too", "each its own", `[${index}].alias`);
    }
    names.add(name);
    regions.push(region);
  }
  return Object.freeze(regions);
}

function readRegion(table: unknown, index: number, reading: Reading): Region {
  if (!isTable(table)) return reading.wrong("is no table", undefined, `[${index}]`);
  const read = (part: keyof Region): string => {
    const { key, wanted, isRight } = REGION_SCHEMA[part];
    const value = table[key];
    if (value === undefined) return reading.wrong(`has no ${key}`, wanted, `[${index}]`);
    if (typeof value !== "string") return reading.wrong("is no text", wanted, `[${index}].${key}`);
    return isRight(value) ? value : reading.wrong("is not of that form", wanted, `[${index}].${key}`);
  };
  return Object.freeze({ alias: read("alias"), awsRegion: read("awsRegion"), kmsauthKey: read("kmsauthKey") });
}
