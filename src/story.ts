// The story of house.md in steps, each a plain value for the next: the words, whether they lead to a host of ours, which
// identity that takes, what ssh gets in addition. `main.ts` tells it to ssh; `bssh which` tells it to a person.
import type { Call } from "./argv/call.ts";
import { keptConfig, type WarmConfig } from "./config/kept.ts";
import { measuredSkew } from "./identity/clock.ts";
import { type IdentityFiles, identityFiles } from "./identity/files.ts";
import { type Unfit, unfitness, type Wanted } from "./identity/fresh.ts";
import { identityWords } from "./ssh/become.ts";
import { defaultIdentities, namesIdentity, triedDefaults } from "./ssh/defaults.ts";
import type { Ssh } from "./ssh/find.ts";
import { type Resolved, resolveWords } from "./ssh/resolve.ts";
import type { System } from "./system/system.ts";

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

export function makeScene(parts: Omit<Scene, "resolved">): Scene {
  let answer: Resolved | null | undefined;
  return {
    ...parts,
    resolved: () => {
      if (answer === undefined) answer = resolveWords(parts.ssh, parts.call.words, parts.environment);
      return answer;
    },
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
 * The identity that these words use: `BLESS_IDENTITYFILE`, else the first `-i` that is there, else the configured key.
 */
export function identityOf(scene: Scene): IdentityFiles {
  const { config, call, system } = scene;
  const typed = call.identityFiles.map((path) => expandHome(path, config.paths.home));
  const named = typed.find((path) => system.may(identityFiles(path).key, "read"));
  if (named === undefined || config.isIdentityNamed) {
    return identityFiles(config.settings.identityFile);
  }
  return identityFiles(named);
}

function expandHome(path: string, home: string): string {
  return path.startsWith("~/") ? home + path.slice(1) : path;
}

/** What the certificate must be, by the settings and by AWS's clock. */
export function wantedOf(system: System, config: Pick<WarmConfig, "settings" | "paths">): Wanted {
  return {
    principals: config.settings.principals,
    caKeys: config.settings.caKeys,
    renewMarginSeconds: config.settings.renewMarginSeconds,
    address: config.settings.fixedIp?.includes("/") === true ? null : config.settings.fixedIp,
    now: Date.now() + measuredSkew(system, config.paths.state),
  };
}

/** Null when the certificate on disk can be used as it is, else why not. */
export function judgeCertificate(scene: Scene, files: IdentityFiles): Unfit | null {
  return unfitness(scene.system, files, wantedOf(scene.system, scene.config));
}

/** True when the certificate on disk is good for now, however near its end: it serves when no other is to be had. */
export function servesStill(scene: Scene, files: IdentityFiles): boolean {
  return unfitness(scene.system, files, { ...wantedOf(scene.system, scene.config), renewMarginSeconds: 0 }) === null;
}

/** True when ssh may ask a person: BatchMode is off, typed and configured. */
export function mayAsk(scene: Scene): boolean {
  const typed = scene.call.options.find((option) => option.key === "batchmode")?.value;
  return !/^(yes|true)$/i.test(typed ?? scene.resolved()?.get("batchmode")?.[0] ?? "no");
}

/** The words that ssh gets in front of those typed, for a destination of ours. */
export function wordsFor(scene: Scene, files: IdentityFiles): string[] {
  const { call, system, config } = scene;
  const named = call.identityFiles.length > 0;
  const anyNamed = named || call.options.some((option) => option.key === "identityfile");
  return identityWords({
    certificate: files.certificate,
    key: call.identityFiles.some((path) => identityFiles(expandHome(path, config.paths.home)).key === files.key)
      ? null
      : files.key,
    defaults: anyNamed ? [] : lostDefaults(scene, system, files),
  });
}

function lostDefaults(scene: Scene, system: System, files: IdentityFiles): string[] {
  const { call, config } = scene;
  const present = defaultIdentities(system, config.paths.home).filter((path) => path !== files.key);
  if (present.length === 0) return [];
  const typedFile = call.configFile;
  const named = namesIdentity(system, {
    home: config.paths.home,
    userConfig: typedFile === null ? config.paths.sshConfig : typedFile.toLowerCase() === "none" ? null : typedFile,
    withSystemConfig: typedFile === null,
    host: call.host ?? "",
  });
  if (named === true) return [];
  // With canonical names ssh reads its files a second time.
  if (named === false && !call.options.some(({ key }) => key === "canonicalizehostname")) return present;
  return triedDefaults(present, scene.resolved()?.get("identityfile") ?? []);
}
