import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { isLoopback } from "../config/address.ts";
import { compileDomain } from "../config/domain.ts";
import { importLegacy, isLegacy } from "../config/import-legacy.ts";
import { loadConfig } from "../config/load.ts";
import { pathsOf } from "../config/paths.ts";
import { SCHEMA } from "../config/schema.ts";
import type { Settings } from "../config/settings.ts";
import { valueText } from "../config/show.ts";
import { readSource } from "../config/source.ts";
import { Failure, printable } from "../failure.ts";
import { describeErrno, writePrivate } from "../issue/private-files.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

type Needs = Pick<CommandCall, "words" | "environment" | "readText" | "out">;

export const OPTIONS = { force: "flag" } as const;

const MAX_BYTES = 256 * 1024;
const DEADLINE_MS = 15_000;
const MAX_REDIRECTS = 5;

/**
 * `bssh config import FILE|URL [--force]`: checks the config there, prints what changes, and writes it (0600, beside and
 * renamed; a link is followed). Throws Failure, and changes nothing, when the config is wrong or another is there.
 */
export async function importConfig(call: Needs): Promise<number> {
  const { flags, rest } = parseWords("config", call.words, OPTIONS);
  const [from, ...more] = rest;
  if (from === undefined || more.length > 0) throw usage("config", "bssh config import wants one file or URL");
  const { toml, notes, name } = await fetchConfig(from, call);
  const paths = pathsOf(call.environment);
  const before = call.readText(paths.config);
  const after = checked(name, toml, call);
  for (const note of notes) call.out(`note: ${note}`);
  if (before === toml) {
    call.out(`${printable(paths.config)} is the same already`);
    return 0;
  }
  for (const line of changes(
    before === null ? null : settingsOf(paths.config, before, call),
    after,
    settingsAlone("", call),
  ))
    call.out(line);
  if (before !== null && !flags.has("force")) {
    throw new Failure(
      `there is a config at ${printable(paths.config)}`,
      "import with --force to replace it (it is kept as .old)",
    );
  }
  write(paths.config, toml, before);
  call.out(`written to ${printable(paths.config)}`);
  return 0;
}

async function fetchConfig(
  from: string,
  call: Needs,
): Promise<{ toml: string; notes: readonly string[]; name: string }> {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(from);
  const name = isUrl ? nameOf(from) : from;
  const text = isUrl ? await download(from, name) : readFile(from, call);
  if (isLegacy(text)) return { ...importLegacy(text, name), name };
  if (/^\s*</.test(text))
    throw new Failure(`${printable(name)} is a web page`, "give the address of the config itself");
  return { toml: text, notes: [], name };
}

function readFile(path: string, call: Needs): string {
  let text: string | null;
  try {
    text = call.readText(path);
  } catch (error) {
    throw new Failure(`${printable(path)} cannot be read: ${describeErrno(error)}`, "give a file that you may read");
  }
  if (text === null)
    throw new Failure(`there is no file ${printable(path)}`, "give the path of a config, or its https URL");
  return text;
}

/** The URL without what may be secret in it: user, password and query. */
function nameOf(url: string): string {
  const parts = URL.parse(url);
  if (parts === null) throw new Failure("this is no URL", "give one that begins with https://");
  return `${parts.origin}${parts.pathname}`;
}

/** The text at an https URL (http on loopback), redirects followed under the same rule, within 15 seconds and 256 KiB. */
async function download(from: string, name: string): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  let url = new URL(from);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
      throw new Failure(
        `${printable(nameOf(url.href))} is not https`,
        "a config from elsewhere can run commands: give an https URL",
      );
    }
    let answer: Response;
    let body: string;
    try {
      // NODE_TLS_REJECT_UNAUTHORIZED=0 must not hand the config to whoever is on the way.
      answer = await fetch(url.href, { redirect: "manual", signal, tls: { rejectUnauthorized: true } });
      body = await textOf(answer, name);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure(
        `${printable(name)} cannot be fetched: ${signal.aborted ? "no answer within 15 s" : reasonOf(error)}`,
        "try again, or import it from a file",
      );
    }
    const next = answer.headers.get("location");
    if (answer.status >= 300 && answer.status < 400 && next !== null) {
      const target = URL.parse(next, url.href);
      if (target === null) break;
      url = target;
      continue;
    }
    if (answer.status === 200) return body;
    throw new Failure(
      `${printable(name)} answers with HTTP status ${answer.status}`,
      "give the address of the config itself",
    );
  }
  throw new Failure(`${printable(name)} leads from address to address`, "give the address of the config itself");
}

/** Bun names what went wrong in `code`, such as ConnectionRefused. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? printable(code, 60) : "no connection";
}

async function textOf(answer: Response, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES)
      throw new Failure(`${printable(name)} is larger than 256 KiB`, "give the address of the config itself");
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** The settings that the text gives by itself; throws Failure with the place in `name`. */
function checked(name: string, toml: string, call: Needs): Settings {
  const pattern = readSource(name, toml, pathsOf(call.environment).home).values.get("domainRegex");
  if (typeof pattern === "string") compileDomain(pattern, printable(name));
  return settingsAlone(toml, call);
}

/** Settings of the config that is there; null when it is wrong, which is a reason to replace it and none to stop. */
function settingsOf(path: string, toml: string, call: Needs): Settings | null {
  try {
    readSource(path, toml, pathsOf(call.environment).home);
    return settingsAlone(toml, call);
  } catch {
    return null;
  }
}

function settingsAlone(toml: string, call: Needs): Settings {
  const { HOME } = call.environment;
  return loadConfig({ HOME, BSSH_CONFIG: "/config.toml" }, (path) => (path === "/config.toml" ? toml : null)).settings;
}

/** A line for each setting that changes; without a config before, for each that is not its default. */
function changes(before: Settings | null, after: Settings, defaults: Settings): string[] {
  const lines = (Object.keys(SCHEMA) as (keyof Settings)[]).flatMap((field) => {
    const { key, isSecret } = SCHEMA[field];
    const old = valueText(before ?? defaults, field);
    const now = valueText(after, field);
    if (now === old) return [];
    // What comes in is shown even when it is a command: the person is about to trust it.
    const was = before === null || old === null ? "" : isSecret ? " (was another)" : ` (was ${old})`;
    return [`${key}: ${now ?? "not set"}${was}`];
  });
  return lines.length === 0 ? ["no setting changes"] : lines;
}

function write(path: string, toml: string, before: string | null): void {
  const target = before === null ? path : realpathSync(path);
  const slash = target.lastIndexOf("/");
  const folder = target.slice(0, slash) || "/";
  const name = target.slice(slash + 1);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // The first one kept is the person's own; a later import doesn't take its place.
    if (before !== null && !existsSync(`${folder}/${name}.old`)) writePrivate(folder, `${name}.old`, before);
    writePrivate(folder, name, toml);
  } catch (error) {
    throw new Failure(`${printable(target)} cannot be written: ${describeErrno(error)}`, "nothing was changed");
  }
}
