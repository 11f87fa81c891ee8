import { domainOf } from "../config/domain.ts";
import { loadConfig } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { pathsOf } from "../config/paths.ts";
import type { Config } from "../config/settings.ts";
import { showConfig } from "../config/show.ts";
import { Failure, printable } from "../failure.ts";
import type { CommandCall } from "./call.ts";
import { importConfig } from "./config-import.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
Actions:
  check              reads the config and says what is wrong with it, with file and line
  path               prints the path of your config file, whether it is there or not
  show               prints every setting in force and where it comes from; no secrets
  import FILE|URL    brings in a config.toml or python-blessclient's blessclient.cfg, from a file or over https:
                     checks it, shows what changes, writes it; --force replaces a config that is there (kept as .old)

The system's /etc/bssh/config.toml lies under your own, the environment (BLESSFIXEDIP, BLESSIPCACHELIFETIME,
BLESS_IDENTITYFILE) over both. Status 0 when all is well, 1 when the config is wrong.

Example:
  $ bssh config import https://intranet.example.com/bssh.toml
  $ bssh config check
`;

type Needs = Pick<CommandCall, "words" | "environment" | "readText" | "out">;

const ACTIONS: Readonly<Record<string, (call: Needs) => number | Promise<number>>> = {
  check: checkConfig,
  path: (call) => {
    noWords("path", call.words);
    call.out(pathsOf(call.environment).config);
    return 0;
  },
  show: (call) => {
    noWords("show", call.words);
    for (const line of showConfig(loadConfig(call.environment, call.readText))) call.out(line);
    return 0;
  },
  import: importConfig,
};

/** `bssh config check|path|show|import`: 0, or Failure with status 1 (64 for words that are no action). */
export async function config(call: Needs): Promise<number> {
  const [name, ...words] = call.words;
  if (name === undefined) throw usage("config", "bssh config wants an action: check, path, show or import");
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) {
    const near = nearest(name, Object.keys(ACTIONS));
    const fact = `bssh config has no action ${printable(name, 60)}`;
    throw near === null ? usage("config", fact) : new Failure(fact, `did you mean ${near}?`, 64);
  }
  try {
    return await action({ ...call, words });
  } catch (error) {
    // For these commands a wrong config is the answer, not the obstacle.
    if (error instanceof Failure && error.status === 78) throw new Failure(error.message, error.next, 1);
    throw error;
  }
}

function checkConfig(call: Needs): number {
  noWords("check", call.words);
  const config = loadConfig(call.environment, call.readText);
  domainOf(config);
  if (config.files.length === 0) {
    call.out(`there is no config at ${printable(config.paths.config)}: no host is yours`);
    return 0;
  }
  const missing = missingFor(config);
  if (missing.length > 0) {
    throw new Failure(`the config has no ${missing.join(", no ")}`, "no certificate can be had without it");
  }
  for (const path of config.files) call.out(`${printable(path)} is right`);
  if (config.settings.domainRegex === null) call.out("there is no domain_regex: no host is yours");
  return 0;
}

/** What a login needs beside the pattern of its hosts. */
function missingFor(config: Config): string[] {
  const { domainRegex, function: name, regions } = config.settings;
  if (domainRegex === null) return [];
  return [...(name === null ? ["lambda.function"] : []), ...(regions.length === 0 ? ["[[region]]"] : [])];
}

function noWords(action: string, words: readonly string[]): void {
  if (parseWords("config", words, {}).rest.length > 0) throw usage("config", `bssh config ${action} takes no words`);
}
