// The story of house.md in steps, each a plain value for the next: the words, whether they lead to a host of ours, which
// identity that takes, what ssh gets in addition. `main.ts` tells it to ssh; `bssh which` tells it to a person.
import type { Call } from "./argv/call.ts";
import { keptConfig, type WarmConfig } from "./config/kept.ts";
import { type IdentityFiles, identityFiles } from "./identity/files.ts";
import { freshCertificate, isEncrypted, type Unfit, unfitness } from "./identity/fresh.ts";
import { renewIfOld } from "./renewal.ts";
import { type Becoming, hopLink, identityWords } from "./ssh/become.ts";
import { defaultIdentities, namesIdentity, triedDefaults } from "./ssh/defaults.ts";
import type { Ssh } from "./ssh/find.ts";
import { mayMention, mentionedKeywords } from "./ssh/mentions.ts";
import { allowsQuestions, isYes, type Resolved, resolveWords } from "./ssh/resolve.ts";
import { readText, type System } from "./system/system.ts";
import { lastResort, troubleNote, wantedOf } from "./wanted.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What all steps stand on. */
export type Scene = {
  readonly system: System;
  readonly environment: Environment;
  readonly ssh: Ssh;
  readonly call: Call;
  readonly config: WarmConfig;
  /** What `ssh -G` says of the words; asked at most once. Null when ssh refuses them. */
  readonly resolved: () => Resolved | null;
  /** Keywords that ssh's config files mention anywhere; read at most once. Null when that can't be told. */
  readonly mentioned: () => ReadonlySet<string> | null;
};

/**
 * The config for the way to ssh: as it was kept when the last certificate was issued, or read anew when anything has changed
 * since. Throws Failure (78).
 */
export async function openConfig(
  environment: Environment,
  readText: (path: string) => string | null,
): Promise<WarmConfig> {
  const kept = keptConfig(environment, readText);
  if (kept !== null) return kept;
  const [{ loadConfig }, { warmOf }] = await Promise.all([import("./config/load.ts"), import("./config/warm.ts")]);
  return warmOf(loadConfig(environment, readText));
}

export function makeScene(parts: Omit<Scene, "resolved" | "mentioned">): Scene {
  let answer: Resolved | null | undefined;
  let keywords: ReadonlySet<string> | null | undefined;
  return {
    ...parts,
    resolved: () => {
      if (answer === undefined) answer = resolveWords(parts.ssh, parts.call.words, parts.environment);
      return answer;
    },
    mentioned: () => {
      if (keywords === undefined) keywords = mentionedKeywords(parts.system, configPlace(parts));
      return keywords;
    },
  };
}

/** Which files of its own configuration ssh reads for these words. */
function configPlace({ call, config }: Pick<Scene, "call" | "config">) {
  const { configFile } = call;
  return {
    home: config.paths.home,
    userConfig: configFile === null ? config.paths.sshConfig : configFile.toLowerCase() === "none" ? null : configFile,
    withSystemConfig: configFile === null,
  };
}

export type Judgement = {
  /** True when the destination or a jump host is ours: a certificate is seen to. */
  readonly ours: boolean;
  /** True when the destination itself is ours: ssh is given the certificate for it. */
  readonly destination: boolean;
  /** Why, for a person to read. */
  readonly reason: string;
};

/**
 * Whether the words lead to a host of ours. The names typed are tried first; `ssh -G` is asked only when they don't decide.
 */
export function judge(scene: Scene): Judgement {
  const { call, config } = scene;

  if (config.settings.domainRegex === null)
    return { ours: false, destination: false, reason: "no domain_regex is configured" };
  const ours = config.isOurs;
  if (call.host !== null && ours(call.host)) {
    return { ours: true, destination: true, reason: `the name typed, ${call.host}, matches domain_regex` };
  }
  const resolved = scene.resolved();
  const name = resolved?.get("hostname")?.[0];
  if (name !== undefined && ours(name)) {
    return { ours: true, destination: true, reason: `its HostName ${name} matches domain_regex` };
  }
  const jumps = jumpHosts(scene);
  const jump = jumps.find(ours) ?? jumps.find((host) => ours(hostNameOf(scene, host)));
  if (jump !== undefined) {
    return { ours: true, destination: false, reason: `its jump host ${jump} matches domain_regex` };
  }
  return { ours: false, destination: false, reason: "no name matches domain_regex" };
}

function jumpHosts(scene: Scene): string[] {
  if (scene.call.jumps !== null) return scene.call.jumps.map((jump) => jump.host);
  const proxyJump = scene.resolved()?.get("proxyjump")?.[0];
  if (proxyJump === undefined || proxyJump === "none") return [];
  return proxyJump.split(",").map((hop) =>
    hop
      .replace(/^ssh:\/\//, "")
      .replace(/^.*@/, "")
      .replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1"),
  );
}

/** HostName of a jump host: ssh reads the same configuration for it, in a process of its own. */
function hostNameOf(scene: Scene, host: string): string {
  const file = scene.call.configFile === null ? [] : ["-F", scene.call.configFile];
  return resolveWords(scene.ssh, [...file, "--", host], scene.environment)?.get("hostname")?.[0] ?? host;
}

/**
 * The identity that these words use: `BLESS_IDENTITYFILE`, else the first `-i` that is there (unless `typed_identity` is
 * off), else the configured key. Of a key that an agent or a token holds the public half is there.
 */
export function identityOf(scene: Scene): IdentityFiles {
  const { config, call, system } = scene;
  const typed = config.settings.typedIdentity && !config.isIdentityNamed ? call.identityFiles : [];
  const named = typed
    .map((path) => identityFiles(expandHome(path, config.paths.home)))
    .find(({ key, publicKey }) => system.may(key, "read") || system.may(publicKey, "read"));
  return named ?? identityFiles(config.settings.identityFile);
}

function expandHome(path: string, home: string): string {
  return path.startsWith("~/") ? home + path.slice(1) : path;
}

/**
 * Null when the certificate on disk can be used as it is, else why not. One past two thirds of its life is renewed by
 * a process of its own when `renew` says so.
 */
export function judgeCertificate(scene: Scene, files: IdentityFiles, renew?: "renew"): Unfit | null {
  const wanted = wantedOf(scene.system, scene.config);
  const found = freshCertificate(scene.system, files, wanted);
  if (typeof found === "string") return found;
  if (renew !== undefined) renewIfOld({ ...scene, files, certificate: found, now: wanted.now });
  return null;
}

/**
 * True when the certificate on disk is good for now, however near its end and in whatever network: it serves when no other is to
 * be had.
 */
export function servesStill(scene: Scene, files: IdentityFiles): boolean {
  return unfitness(scene.system, files, lastResort(wantedOf(scene.system, scene.config))) === null;
}

/** True when ssh may ask a person: BatchMode is off, typed and configured. */
export function mayAsk(scene: Scene): boolean {
  const typed = scene.call.options.find((option) => option.key === "batchmode")?.value;
  return typed === undefined ? allowsQuestions(scene.resolved()) : !isYes(typed);
}

/** What ssh gets beside the words typed: words of ours for a destination of ours, and the way to its jump hosts. */
export async function additionsFor(scene: Scene, judgement: Judgement, files: IdentityFiles): Promise<Becoming> {
  const inserted = judgement.destination ? await wordsFor(scene, files) : [];
  return { inserted, hop: mayJump(scene) ? hopOf(scene) : null };
}

/** The words that ssh gets in front of those typed, for a destination of ours. */
export async function wordsFor(scene: Scene, files: IdentityFiles): Promise<string[]> {
  const { call, system, config } = scene;
  const named = call.identityFiles.length > 0;
  const anyNamed = named || call.options.some((option) => option.key === "identityfile");
  const typed = call.identityFiles.some((path) => isOf(files, expandHome(path, config.paths.home)));
  // The public half names a key that the agent or a token holds.
  const isElsewhere = !system.may(files.key, "read") && system.may(files.publicKey, "read");
  const words = identityWords({
    certificate: files.certificate,
    key: typed ? null : isElsewhere ? files.publicKey : files.key,
    defaults: anyNamed ? [] : lostDefaults(scene, system, files),
  });
  words.push(...((await hungAgentWords(scene)) ?? agentWords(scene, files)));
  const { dialer, shareConnections } = config.settings;
  if (dialer || shareConnections)
    words.push(...(await (await import("./connection.ts")).connectionWords(scene, files)));
  return words;
}

/** ssh waits without end for an agent that hangs: it is told to do without. Null when there is nothing to say about it. */
async function hungAgentWords({ system, environment, config, call, mentioned }: Scene): Promise<string[] | null> {
  const socket = environment["SSH_AUTH_SOCK"] ?? "";
  const { state } = config.paths;
  if (socket === "" || readText(system, troubleNote(state)) !== `hung ${socket}`) return null;
  if (call.options.some(({ key }) => key === "identityagent") || mentioned()?.has("identityagent") !== false)
    return null;
  return (await (await import("./agent-gift.ts")).hangsStill(state, socket)) ? ["-o", "IdentityAgent=none"] : null;
}

function isOf(files: IdentityFiles, path: string): boolean {
  return identityFiles(path).key === files.key;
}

/**
 * ssh asks for the passphrase of a key itself. With these words it asks once as long as the agent lives: what is asked for
 * at every login is soon typed without a thought. Left out where the person has their own mind of it.
 */
function agentWords({ system, environment, config, call, mentioned }: Scene, files: IdentityFiles): string[] {
  const { agent } = config.settings;
  if (agent === "off" || (environment["SSH_AUTH_SOCK"] ?? "") === "" || !isEncrypted(system, files)) return [];
  if (call.options.some(({ key }) => key === "addkeystoagent") || mentioned()?.has("addkeystoagent") !== false)
    return [];
  return ["-o", `AddKeysToAgent=${agent === "confirm" ? "confirm" : "yes"}`];
}

/** Whether jump hosts may lie on the way: bssh gives them their words as ssh comes by. */
function mayJump(scene: Scene): boolean {
  const { call, system } = scene;
  return call.jumps === null ? mayMention(system, configPlace(scene), "proxyjump") : call.jumps.length > 0;
}

/** The link that leads ssh's jump hosts to bssh; null where there is none. */
function hopOf({ system, config }: Scene): string | null {
  const link = hopLink(config.paths.state);
  return system.may(link, "execute") ? link : null;
}

/**
 * The words for a jump host, as an ssh that bssh became runs it: what a destination gets, with the certificate that is there.
 * None when the host is not ours or no certificate is.
 */
export async function wordsForHop(scene: Scene): Promise<Becoming> {
  const files = identityFiles(scene.config.settings.identityFile);
  const judgement = judge(scene);
  if (!judgement.ours || !servesStill(scene, files)) return { inserted: [], hop: hopOf(scene) };
  return additionsFor(scene, judgement, files);
}

function lostDefaults(scene: Scene, system: System, files: IdentityFiles): string[] {
  const { call, config } = scene;
  const present = defaultIdentities(system, config.paths.home).filter((path) => path !== files.key);
  if (present.length === 0) return [];
  const named = namesIdentity(system, { ...configPlace(scene), host: call.host ?? "" });
  if (named === true) return [];
  // With canonical names ssh reads its files a second time.
  if (named === false && !call.options.some(({ key }) => key === "canonicalizehostname")) return present;
  return triedDefaults(present, scene.resolved()?.get("identityfile") ?? []);
}
