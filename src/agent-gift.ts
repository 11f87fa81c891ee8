// What the agent is given of an identity, and what the person hears when it doesn't take it.
import { basename } from "node:path";
import { openAgent } from "./agent/client.ts";
import { agentCertificates, loadAgent } from "./agent/load.ts";
import { agentSentence } from "./agent/sentence.ts";
import type { WarmConfig } from "./config/kept.ts";
import type { IdentityFiles } from "./identity/files.ts";
import { readPrivate, removePrivate, writePrivate } from "./issue/private-files.ts";
import type { Environment } from "./story.ts";
import { readText, type System } from "./system/system.ts";
import { say, tracer } from "./terminal/say.ts";
import { troubleNote, wantedOf } from "./wanted.ts";
import { encodeListRequest } from "./wire/agent.ts";
import { decodeBase64, equalBytes } from "./wire/bytes.ts";
import { splitKeyLine } from "./wire/public-key.ts";

export type Gift = {
  readonly system: System;
  readonly environment: Environment;
  readonly config: Pick<WarmConfig, "settings" | "paths">;
  readonly files: IdentityFiles;
  /** True: nothing is said. */
  readonly background?: boolean;
};

/** How long a login waits for an agent that was found hanging before, in milliseconds. */
const AGAIN_MS = 200;

/** Whether an agent that was noted as hanging does so still; if not, the note goes. */
export async function hangsStill(state: string, socket: string): Promise<boolean> {
  const agent = await openAgent(socket, AGAIN_MS);
  const answer = typeof agent === "string" ? agent : await agent.ask(encodeListRequest());
  if (typeof agent !== "string") agent.close();
  if (answer === "hung") return true;
  removePrivate(troubleNote(state));
  return false;
}

/**
 * Sees to it that the agent holds key and certificate until the certificate ends. False when it doesn't: the files serve as well.
 * An agent that gave trouble is told of once, and left alone by logins that have no new certificate for it. Never throws.
 */
export async function giveToAgent(gift: Gift, isNew = true): Promise<boolean> {
  const { system, environment, config, files } = gift;
  const socket = environment["SSH_AUTH_SOCK"] ?? "";
  const { agent } = config.settings;
  if (agent === "off" || socket === "") return false;
  const { state } = config.paths;
  const noted = readPrivate(troubleNote(state)).text;
  if (!isNew && noted?.endsWith(` ${socket}`) === true) return false;
  try {
    const certificate = readText(system, files.certificate)?.trimEnd() ?? "";
    if (!isNew && (await holds(socket, decodeBase64(splitKeyLine(certificate).base64)))) return true;
    const key = readText(system, files.key) ?? "";
    const { now } = wantedOf(system, config);
    const loaded = await loadAgent({ socket, key, path: files.key, certificate, confirm: agent === "confirm", now });
    if (loaded.loaded) {
      if (noted !== null) removePrivate(troubleNote(state));
      return true;
    }
    const sentence = agentSentence(loaded.trouble, socket);
    tracer(environment)(`agent ${socket}: ${loaded.trouble}`);
    const note = `${loaded.trouble} ${socket}`;
    if (sentence === null || note === noted) return false;
    writePrivate(state, basename(troubleNote(state)), note);
    if (gift.background !== true) say(sentence);
  } catch {
    // The key is a security token's, or the state can't be written.
  }
  return false;
}

/** Whether the agent holds a key, given as its public blob. */
export async function agentHolds({ environment, config }: Gift, blob: Uint8Array): Promise<boolean> {
  const socket = environment["SSH_AUTH_SOCK"] ?? "";
  if (config.settings.agent === "off" || socket === "") return false;
  return holds(socket, blob);
}

async function holds(socket: string, blob: Uint8Array): Promise<boolean> {
  return (await agentCertificates(socket))?.some((held) => equalBytes(held.blob, blob)) === true;
}
