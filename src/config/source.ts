import { parse, TomlError } from "smol-toml";
import { Failure, printable } from "../failure.ts";
import { lineOf, linesOf } from "./lines.ts";
import { nearest } from "./nearest.ts";
import { isTable } from "./reading.ts";
import { REGION_SCHEMA } from "./regions.ts";
import { SCHEMA, type Setting } from "./schema.ts";
import type { Settings } from "./settings.ts";

/** One config file, read and checked: the settings that it names, in their own form. */
export type Source = {
  readonly path: string;
  readonly text: string;
  readonly values: ReadonlyMap<keyof Settings, unknown>;
};

/** No config comes near it, and parsing more would be felt. */
const MAX_CHARACTERS = 256 * 1024;

/** Arrays and inline tables inside each other; the settings need two. */
const MAX_DEPTH = 16;

const REGION_KEYS: readonly string[] = [
  REGION_SCHEMA.alias.key,
  REGION_SCHEMA.awsRegion.key,
  REGION_SCHEMA.kmsauthKey.key,
];

/** Tables of settings: what is before the dot in a setting's key. */
const TABLES: readonly string[] = ["lambda", "hosts", "host"];

const FIELDS = new Map<string, keyof Settings>();
for (const field of Object.keys(SCHEMA) as (keyof Settings)[]) FIELDS.set(SCHEMA[field].key, field);

/**
 * Reads one config file's text. Throws Failure (78) with `PATH:LINE`, what is the case and what is wanted; never what
 * stands there, which may be a secret in the wrong place (smol-toml's own message shows the lines around an error).
 */
export function readSource(path: string, text: string, home: string): Source {
  if (text.length > MAX_CHARACTERS) throw wrongConfig(printable(path), "is larger than 256 KiB", "give a smaller file");
  const values = new Map<keyof Settings, unknown>();
  const table = tableOf(path, text);
  for (const name of Object.keys(table)) {
    const value = table[name];
    if (TABLES.includes(name) && isTable(value)) {
      for (const part of Object.keys(value)) take(`${name}.${part}`, value[part]);
    } else take(name, value);
  }
  return { path, text, values };

  function take(key: string, given: unknown): void {
    const field = FIELDS.get(key);
    if (field === undefined) throw unknownKey(key, place(key));
    const setting: Setting<unknown> = SCHEMA[field];
    values.set(
      field,
      setting.read(given, {
        home,
        wrong: (problem, wanted = setting.wanted, part = "") => {
          throw wrongConfig(place(key + part), `${key}${part} ${problem}`, `give ${wanted}`);
        },
      }),
    );
    if (field === "regions") checkRegionKeys(given);
  }

  function checkRegionKeys(given: unknown): void {
    if (!Array.isArray(given)) return;
    for (let index = 0; index < given.length; index++) {
      for (const name of Object.keys(given[index])) {
        const key = `region[${index}].${name}`;
        if (!REGION_KEYS.includes(name)) throw unknownKey(key, place(key));
      }
    }
  }

  function place(key: string): string {
    return `${printable(path)}:${lineOf(linesOf(text), key)}`;
  }
}

/** The failure of everything that is wrong with the config: `PLACE: FACT; NEXT`, exit status 78 (EX_CONFIG). */
export function wrongConfig(place: string, fact: string, next: string): Failure {
  return new Failure(`${place}: ${fact}`, next, 78);
}

function tableOf(path: string, text: string): Record<string, unknown> {
  try {
    return parse(withoutComments(text), { maxDepth: MAX_DEPTH });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = `${printable(path)}:${error.line}:${error.column}`;
    if (/^\[(MAIN|CLIENT|LAMBDA)\]\s*$/m.test(text)) {
      throw wrongConfig(place, "this is python-blessclient's form", "turn it into ours with bssh config import FILE");
    }
    throw wrongConfig(place, describe(error), "write KEY = VALUE on a line of its own, text in quotes");
  }
}

/**
 * The text with lines that are a comment made empty: smol-toml goes through them a character at a time, which in a config
 * that explains itself takes longer than all the rest. Texts of several lines may hold such lines and are left alone.
 */
function withoutComments(text: string): string {
  if (text.includes('"""') || text.includes("'''")) return text;
  const whole = `\n${text}`;
  let kept = "";
  let from = 0;
  for (let at = whole.indexOf("\n#"); at !== -1; at = whole.indexOf("\n#", from)) {
    kept += whole.slice(from, at + 1);
    from = whole.indexOf("\n", at + 1);
    if (from === -1) return kept.slice(1);
  }
  return (kept + whole.slice(from)).slice(1);
}

/** smol-toml's reason in our words; its own text is not passed on, since the part behind it quotes the file. */
function describe(error: TomlError): string {
  const reason = error.message.slice("Invalid TOML document: ".length, 120);
  const found = REASONS.find(([start]) => reason.startsWith(start));
  return found?.[1] ?? "this is not TOML";
}

const REASONS: readonly (readonly [string, string])[] = [
  ["trying to redefine", "a key or table that is there already"],
  ["control characters", "a control character, or a text whose closing quote is missing"],
  ["document contains excessively nested", "too many brackets inside each other"],
  ["each key-value declaration", "something behind the value"],
  ["expected comma", "a comma or the closing bracket is missing"],
  ["illegal leading zero", "a number with a zero in front"],
  ["integer value", "a number that is too large"],
  ["incomplete key-value", "a key without = and value"],
  ["unfinished string", "a text whose closing quote is missing"],
  ["unfinished array", "an array whose closing bracket is missing"],
  ["unfinished table", "a table whose closing bracket is missing"],
  ["unrecognised escape", "a backslash that TOML does not know (in single quotes it stands for itself)"],
  ["invalid value", "a value that is neither text in quotes nor number, true, false or array"],
];

function unknownKey(key: string, place: string): Failure {
  if (TABLES.includes(key)) {
    return wrongConfig(place, `${key} is no table`, `write its settings under a line [${key}]`);
  }
  const last = key.replace(/^.*[.]/, "");
  const fact = `unknown key ${printable(key, 80)}`;
  const region = /^region\[\d+\]\./.test(key);
  if (TABLES.some((table) => key.startsWith(`${table}.`)) || region) {
    // TOML's trap: a key below a [table] header belongs to that table.
    if (FIELDS.has(last) && last !== "region") return wrongConfig(place, fact, `move ${last} above the first [table]`);
  }
  const table = TABLES.find((name) => FIELDS.has(`${name}.${last}`));
  if (table !== undefined) return wrongConfig(place, fact, `put ${last} under [${table}]`);
  const candidates = region ? REGION_KEYS : [...FIELDS.keys(), ...TABLES];
  const near = OLD_NAMES[last.toLowerCase()] ?? nearest(region ? last : key, candidates) ?? nearest(last, candidates);
  return wrongConfig(
    place,
    fact,
    near === null ? "take it out (config.example.toml has every key)" : `did you mean ${near}?`,
  );
}

/** What python-blessclient called our settings, where the name is too far for a typing error. */
const OLD_NAMES: Readonly<Record<string, string>> = Object.assign(Object.create(null) as Record<string, string>, {
  kms_service_name: "kmsauth_service",
  user_session_length: "session_seconds",
  usebless_role_session_length: "role_seconds",
  user_role: "lambda.role",
  functionname: "lambda.function",
  functionversion: "lambda.version",
  timeout_connect: "lambda.connect_seconds",
  timeout_read: "lambda.read_seconds",
  certlifetime: "certificate_max_seconds",
  ipcachelifetime: "ip_cache_seconds",
  mfa_cache_file: "mfa_cache",
  awsregion: "aws_region",
  region: "aws_region",
  kmsauthkey: "kmsauth_key",
  region_aliases: "[[region]]",
});
