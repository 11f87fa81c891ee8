import { Failure, printable } from "../failure.ts";
import { type Ini, type IniOption, optionOf, parseIni, wrongIni } from "../wire/ini.ts";
import { hasHostBits, isLoopback, parseNetwork } from "./address.ts";
import { compileDomain } from "./domain.ts";
import { REGION_SCHEMA } from "./regions.ts";
import { SCHEMA, type Setting } from "./schema.ts";
import type { Region, Settings } from "./settings.ts";
import { tomlText } from "./toml-text.ts";
import { unusedReason } from "./unused-legacy.ts";

/** What an import gives: our config, and what the person should know of it, a sentence each. */
export type Import = { readonly toml: string; readonly notes: readonly string[] };

type Draft = {
  readonly ini: Ini;
  readonly name: string;
  readonly notes: string[];
  /** `SECTION key` of the options that became settings. */
  readonly used: Set<string>;
};

type Value = string | number | readonly string[];

const KEY_LINES = [
  "# python-blessclient worked with RSA keys alone, and so do Netflix's and Lyft's BLESS.",
  'key_type = "rsa"',
  "# Netflix's BLESS signs with SHA-1, which OpenSSH refuses since 8.2. For servers that still take it:",
  "#allow_sha1 = true",
];

/** True for text that has the form of python-blessclient's config. */
export function isLegacy(text: string): boolean {
  return /^\[(MAIN|CLIENT|LAMBDA)\][ \t]*\r?$/m.test(text);
}

/**
 * Turns a `blessclient.cfg` (python-blessclient 0.3.0) into our config. Every setting is carried over; what bssh has no
 * use for stays in it as a comment with the reason. The result passes `loadConfig`. Throws Failure (78) with `NAME:LINE`
 * for what Python would refuse as well, and for values that cannot be meant.
 */
export function importLegacy(text: string, name = "blessclient.cfg"): Import {
  if (!isLegacy(text))
    throw new Failure(`${printable(name)} is no blessclient.cfg`, "give one that has [MAIN], [CLIENT], [LAMBDA]", 78);
  const draft: Draft = { ini: parseIni(text, name), name, notes: [], used: new Set() };
  const regions = regionsOf(draft);
  const top = [
    ...setting(draft, "domainRegex", "CLIENT", "domain_regex", toPattern),
    ...KEY_LINES,
    ...setting(draft, "principals", "MAIN", "remote_user", toNames),
    ...setting(draft, "kmsauthService", "MAIN", "kms_service_name", (option) => option.value),
    ...setting(draft, "bastionIps", "MAIN", "bastion_ips", toAddresses),
    ...setting(draft, "ipUrls", "CLIENT", "ip_urls", toUrls),
    ...setting(draft, "ipCacheSeconds", "LAMBDA", "ipcachelifetime", (option, key) => toNumber(draft, option, key)),
    ...setting(draft, "certificateMaxSeconds", "LAMBDA", "certlifetime", toLongest),
    ...setting(draft, "sessionSeconds", "CLIENT", "user_session_length", (option, key) => toNumber(draft, option, key)),
    ...setting(draft, "roleSeconds", "CLIENT", "usebless_role_session_length", (option, key) =>
      toNumber(draft, option, key),
    ),
    ...mfaCache(draft),
  ];
  const lambda = [
    ...setting(draft, "function", "LAMBDA", "functionname", (option) => option.value),
    ...setting(draft, "functionVersion", "LAMBDA", "functionversion", (option) => option.value),
    ...setting(draft, "role", "LAMBDA", "user_role", (option) => option.value),
    ...setting(draft, "roleAccount", "LAMBDA", "account_id", (option) => option.value),
    ...setting(draft, "connectSeconds", "LAMBDA", "timeout_connect", (option, key) => toNumber(draft, option, key)),
    ...setting(draft, "readSeconds", "LAMBDA", "timeout_read", (option, key) => toNumber(draft, option, key)),
  ];
  const lines = [
    `# Imported from python-blessclient's ${printable(name)}. Every setting is explained in config.example.toml.`,
    "",
    ...top,
    "",
    ...unused(draft),
    "[lambda]",
    ...lambda,
    ...regions.flatMap((region) => ["", "[[region]]", ...regionLines(region)]),
  ];
  return { toml: `${lines.join("\n")}\n`, notes: draft.notes };
}

/** The line of one setting, checked as the config will be; none when the option is absent or empty. */
function setting(
  draft: Draft,
  field: keyof Settings,
  section: string,
  key: string,
  turn: (option: IniOption, key: keyof Settings, draft: Draft) => Value,
): string[] {
  const option = optionOf(draft.ini, draft.name, section, key);
  if (option === null) return [];
  draft.used.add(`${isOwn(draft, section, key) ? section : "DEFAULT"} ${key}`);
  const value = turn(option, field, draft);
  if (value === "" || (typeof value === "object" && value.length === 0)) return [];
  const { read, wanted, key: ourKey }: Setting<unknown> = SCHEMA[field];
  read(value, {
    home: "/",
    wrong: (problem, own = wanted) => {
      throw wrongIni(draft.name, option.line, `${key} ${problem}`, `give ${own}`);
    },
  });
  return [`${ourKey.replace(/^lambda\./, "")} = ${tomlText(value)}`];
}

function isOwn(draft: Draft, section: string, key: string): boolean {
  return draft.ini.sections.get(section)?.options.has(key) === true;
}

function regionsOf(draft: Draft): Region[] {
  const aliases = optionOf(draft.ini, draft.name, "MAIN", "region_aliases");
  if (aliases === null) {
    draft.notes.push("[MAIN] has no region_aliases: add a [[region]] to the config");
    return [];
  }
  draft.used.add("MAIN region_aliases");
  const names = new Set(split(aliases.value).map((alias) => alias.toUpperCase()));
  // python-blessclient went through the regions in this order.
  return [...names].sort().map((alias) => regionOf(draft, alias, aliases.line));
}

function regionOf(draft: Draft, alias: string, line: number): Region {
  const section = `REGION_${alias}`;
  const found = draft.ini.sections.get(section);
  if (found === undefined)
    throw wrongIni(
      draft.name,
      line,
      `region_aliases names ${printable(alias, 60)}, but there is no [${printable(section, 70)}]`,
    );
  const read = (part: keyof Region, key: string, option: IniOption | null): string => {
    const { wanted, isRight } = REGION_SCHEMA[part];
    if (option === null)
      throw wrongIni(draft.name, found.line, `[${printable(section, 70)}] has no ${key}`, `give ${wanted}`);
    draft.used.add(`${section} ${key}`);
    if (!isRight(option.value)) throw wrongIni(draft.name, option.line, `${key} is not of that form`, `give ${wanted}`);
    return option.value;
  };
  return {
    alias: read("alias", "region_aliases", { value: alias, line }),
    awsRegion: read("awsRegion", "awsregion", optionOf(draft.ini, draft.name, section, "awsregion")),
    kmsauthKey: read("kmsauthKey", "kmsauthkey", optionOf(draft.ini, draft.name, section, "kmsauthkey")),
  };
}

function regionLines(region: Region): string[] {
  return (Object.keys(REGION_SCHEMA) as (keyof Region)[]).map(
    (part) => `${REGION_SCHEMA[part].key} = ${tomlText(region[part])}`,
  );
}

function toPattern(option: IniOption, _field: keyof Settings, draft: Draft): string {
  // In Python the empty pattern matches every host; in our config it would be a mistake.
  const pattern = option.value === "" ? ".*" : option.value;
  compileDomain(pattern, `${printable(draft.name)}:${option.line}`);
  return pattern;
}

function toNames(option: IniOption): readonly string[] {
  return split(option.value);
}

/** Networks by prefix: Python reads masks (`10.0.0.0/255.0.0.0`) as well. */
function toAddresses(option: IniOption): readonly string[] {
  return split(option.value).map((text) => {
    const [address, mask = ""] = text.split("/");
    const bits = mask.includes(".") ? (parseNetwork(mask)?.bytes ?? []) : [];
    const prefix = bits.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
    const isMask = bits.length === 4 && !hasHostBits({ bytes: bits, prefix });
    return isMask ? `${address}/${prefix}` : text;
  });
}

function toUrls(option: IniOption, _field: keyof Settings, draft: Draft): readonly string[] {
  return split(option.value).map((url) => {
    const parts = URL.parse(url);
    if (parts?.protocol !== "http:" || isLoopback(parts.hostname)) return url;
    draft.notes.push(
      `ip_urls: ${printable(parts.host, 80)} is asked over https now, since anyone on the way can answer plain http`,
    );
    return url.replace(/^http:/i, "https:");
  });
}

/** What python-blessclient believed of the certificate's length becomes a bound on it, with room for the CA's own margin. */
function toLongest(option: IniOption, field: keyof Settings, draft: Draft): number {
  const believed = toNumber(draft, option, field);
  draft.notes.push(
    "certlifetime: bssh reads a certificate's end from the certificate; certificate_max_seconds only bounds it",
  );
  return Math.min(Math.max(SCHEMA.certificateMaxSeconds.fallback, believed + 600), 31_536_000);
}

/** Python's int(), brought within the bounds of the setting. */
function toNumber(draft: Draft, option: IniOption, field: keyof Settings): number {
  if (!/^[+-]?\d+(_\d+)*$/.test(option.value)) throw wrongIni(draft.name, option.line, "the value is no whole number");
  const wanted = Number(option.value.replaceAll("_", ""));
  const [least = wanted, most = wanted] = (/from ([\d.]+) to (\d+)/.exec(SCHEMA[field].wanted) ?? [])
    .slice(1)
    .map(Number);
  const value = Math.min(Math.max(wanted, Math.ceil(least)), most);
  if (value !== wanted) draft.notes.push(`line ${option.line}: ${wanted} became ${value}, the nearest that is allowed`);
  return value;
}

/** The file in which another tool keeps its session, by default under the home. */
function mfaCache(draft: Draft): string[] {
  const folder = optionOf(draft.ini, draft.name, "CLIENT", "mfa_cache_dir")?.value ?? "";
  return setting(draft, "mfaCache", "CLIENT", "mfa_cache_file", ({ value }) => {
    if (value === "") return "";
    draft.used.add(`${isOwn(draft, "CLIENT", "mfa_cache_dir") ? "CLIENT" : "DEFAULT"} mfa_cache_dir`);
    const path = value.startsWith("/") || folder === "" ? value : `${folder.replace(/\/+$/, "")}/${value}`;
    return /^~?\//.test(path) ? path : `~/${path}`;
  });
}

/** Everything else, as comments with the reason. */
function unused(draft: Draft): string[] {
  const lines: string[] = [];
  const sections = [["DEFAULT", { line: 1, options: draft.ini.defaults }] as const, ...draft.ini.sections];
  for (const [section, { options }] of sections) {
    for (const [key, option] of options) {
      if (draft.used.has(`${section} ${key}`)) continue;
      const reason = unusedReason(section, key, option.value);
      lines.push(`# [${comment(section)}] ${comment(key)} = ${comment(option.value)}`, `#   ${reason}`);
      draft.notes.push(`[${printable(section, 60)}] ${printable(key, 60)} is kept as a comment: ${reason}`);
    }
  }
  for (const line of draft.ini.strayLines) {
    draft.notes.push(`line ${line} is no setting and was left out (python-blessclient would not start with it)`);
  }
  return lines.length === 0 ? [] : ["# Without a use in bssh:", ...lines, ""];
}

function comment(text: string): string {
  return printable(text.replaceAll("\n", " "), 8192);
}

function split(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
