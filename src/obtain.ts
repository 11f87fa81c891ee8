// The cold half of the story: the key is made if it isn't there, the certificate asked for, checked and stored. Opened only
// when there is no fresh certificate.
import { mkdirSync } from "node:fs";
import { keptFile } from "./config/kept.ts";
import type { Config } from "./config/settings.ts";
import { keptText } from "./config/warm.ts";
import type { IdentityFiles } from "./identity/files.ts";
import type { Unfit } from "./identity/fresh.ts";
import { ensureKey } from "./identity/keypair.ts";
import { keepForeignCertificate, replaceFile, storeCertificate } from "./identity/store.ts";
import { type Issued, issueCertificate } from "./issue/index.ts";
import type { Environment } from "./story.ts";
import { readText, type System } from "./system/system.ts";
import { askCommand, askOnTerminal } from "./terminal/ask.ts";
import { say, tracer } from "./terminal/say.ts";

export type Obtaining = {
  readonly system: System;
  readonly environment: Environment;
  readonly config: Config;
  readonly files: IdentityFiles;
  /** Why the certificate on disk isn't used; null when it is renewed because the person asked for it. */
  readonly why: Unfit | null;
  readonly useCaches: boolean;
  /** Alias of the region to begin with; null takes the first. */
  readonly region: string | null;
  /** False: nobody is asked anything, as ssh asks nobody with BatchMode; `mfa_command` still answers. */
  readonly mayAsk: boolean;
};

/** Why a certificate may be one that the person got elsewhere. */
const FOREIGN: readonly Unfit[] = ["other CA", "other principals", "host certificate"];

/** Gets a certificate and stores it beside its key. Throws Failure; what was on disk is then still there. */
export async function obtain(order: Obtaining): Promise<Issued> {
  const { system, environment, config, files } = order;
  const trace = tracer(environment);
  trace(`${files.certificate}: ${order.why ?? "renewed as asked"}`);
  const publicKey = await ensureKey(system, files, config.settings.keyType, async (path) =>
    order.mayAsk ? askOnTerminal({ text: `passphrase for ${path}`, secret: true }) : null,
  );
  const issued = await issueCertificate({
    settings: config.settings,
    state: config.paths.state,
    publicKey,
    environment,
    ask: async ({ text, kind, signal }) => {
      const command = config.settings.mfaCommand;
      if (kind === "code" && command !== null) return askCommand(command, environment);
      return order.mayAsk ? askOnTerminal({ text, secret: kind === "code", signal }) : null;
    },
    say,
    trace,
    now: () => Date.now(),
    useCaches: order.useCaches,
    region: order.region,
  });
  if (order.why !== null && FOREIGN.includes(order.why)) keepForeignCertificate(files);
  storeCertificate(files, issued.certificate);
  trace(`stored ${files.certificate}`);
  keepConfig(system, environment, config);
  return issued;
}

/** Keeps the config for the logins to come, which then need not read it; a failure to do so costs them some time. */
function keepConfig(system: System, environment: Environment, config: Config): void {
  const { state } = config.paths;
  try {
    const text = keptText(config, environment);
    if (text === null || text === readText(system, keptFile(state))) return;
    mkdirSync(state, { recursive: true, mode: 0o700 });
    replaceFile(keptFile(state), text, 0o600);
  } catch {}
}
