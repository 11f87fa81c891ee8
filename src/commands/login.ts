import { giveToAgent } from "../agent-gift.ts";
import { loadConfig } from "../config/load.ts";
import { Failure, printable } from "../failure.ts";
import { identityFiles } from "../identity/files.ts";
import { freshCertificate } from "../identity/fresh.ts";
import { isImported } from "../imported.ts";
import * as privateFiles from "../issue/private-files.ts";
import { type Obtaining, obtain } from "../obtain.ts";
import { answerPending } from "../terminal/answer-pending.ts";
import { askOnTerminal } from "../terminal/ask.ts";
import { tracer } from "../terminal/say.ts";
import { wantedOf } from "../wanted.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
Options:
  --force           a new certificate even when the one there is fresh, or taken into use by hand; caches are used
  --nocache         as --force, and no cached session, token or role is used: asks for a code
  --region ALIAS    begin with this region
  --config FILE     this config file instead of the user's
  --host HOST       only when the host is ours; silent otherwise, with status 1
  --gui             the question comes in a window, also where there is a terminal
  --background      renews a certificate, or gets one, where that takes no question; says nothing

Example:
  $ bssh login
  MFA code for alice:
  $ bssh status
`;

export const OPTIONS = {
  force: "flag",
  nocache: "flag",
  gui: "flag",
  background: "flag",
  region: "value",
  config: "value",
  host: "value",
} as const;

/** `bssh login`: the certificate now, without connecting. 0 when a fresh one is there, 1 when none is to be had. */
export async function login(call: CommandCall): Promise<number> {
  const { flags, values, rest } = parseWords("login", call.words, OPTIONS);
  if (rest.length > 0) throw usage("login", "bssh login takes no words beside its options");
  const configFile = values.get("config");
  if (configFile !== undefined && call.readText(configFile) === null) {
    throw new Failure(`there is no file ${printable(configFile)}`, "name another with --config", 78);
  }
  const environment = configFile === undefined ? call.environment : { ...call.environment, BSSH_CONFIG: configFile };
  const config = loadConfig(environment, call.readText);
  const host = values.get("host");
  // python-blessclient's own default for --host, which always matched.
  if (host !== undefined && host !== "BLESS") {
    const { domainOf } = await import("../config/domain.ts");
    if (!domainOf(config)(host)) return 1;
  }
  if (config.files.length === 0) {
    throw new Failure(
      `there is no config at ${config.paths.config}`,
      "get your organisation's: bssh config import URL",
      1,
    );
  }
  const files = identityFiles(config.settings.identityFile);
  const found = freshCertificate(call.system, files, wantedOf(call.system, config));
  const why = typeof found === "string" ? found : null;
  const background = flags.has("background");
  const force = flags.has("force") || flags.has("nocache") || background;
  const { system } = call;
  // What was taken into use by hand stays until it ends, or the person wants another.
  const stays = background && typeof found !== "string" && isImported(system, config.paths.state, found);
  if (stays) return 0;
  if (why === null && !force) {
    await giveToAgent({ system, environment, config, files }, false);
    return 0;
  }
  const order: Obtaining = {
    system,
    environment,
    config,
    files,
    why,
    useCaches: !flags.has("nocache"),
    region: values.get("region") ?? null,
    mayAsk: true,
    background,
    inWindow: flags.has("gui"),
    // Another process may be waiting for an answer that can be given here.
    ...(background || flags.has("gui") ? {} : { meanwhile: () => answerHere(config.paths.state) }),
  };
  try {
    await obtain(order);
    return 0;
  } catch (error) {
    if (!background) throw error;
    tracer(environment)(error instanceof Failure ? error.sentence : String(error));
    return 1;
  }
}

async function answerHere(state: string): Promise<void> {
  await answerPending(
    { state, files: privateFiles },
    { code: null, askHere: (question) => askOnTerminal(question), limitMs: ANSWER_MS },
  );
}

/** How long the process that asks may be silent after an answer was given here. */
const ANSWER_MS = 30_000;
