// The sshd that `bssh host` is about, with everything that its words share.
import { accessSync, constants, realpathSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { absolute } from "../../config/paths.ts";
import { readHostName } from "../../config/reading.ts";
import type { Config } from "../../config/settings.ts";
import { Failure, printable } from "../../failure.ts";
import { dropInPath } from "../../host/drop-in.ts";
import { readSmall } from "../../host/files.ts";
import { type HostKey, readHostKeys } from "../../host/keys.ts";
import { certificateOf } from "../../host/life.ts";
import { DEFAULT_CONFIG } from "../../host/reload.ts";
import { makeRun, type Run } from "../../host/run.ts";
import { askSshd, type Sshd, type SshdFacts } from "../../host/sshd.ts";
import { type Lock, openLock } from "../../issue/lock.ts";
import { folderAt } from "../../sandbox/folder.ts";
import { sha256Fingerprint } from "../../wire/signature.ts";
import type { CommandCall } from "../call.ts";
import { usage } from "../words.ts";

/** Options of all words that do something. */
export const SERVER_OPTIONS = {
  names: "value",
  "sshd-config": "value",
  sshd: "value",
  region: "value",
  "no-reload": "flag",
} as const;

export type Server = {
  readonly config: Config;
  readonly run: Run;
  readonly sshd: Sshd;
  readonly facts: SshdFacts;
  readonly keys: readonly HostKey[];
  /** Keys that are left out, and why. */
  readonly notes: readonly string[];
  /** Names to ask for; empty: all that the policy gives. */
  readonly names: readonly string[];
};

const PLACES = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/** Asks sshd for its keys. Throws Failure. */
export async function openServer(call: CommandCall, values: ReadonlyMap<string, string>): Promise<Server> {
  const config = loadConfig(call.environment, call.readText);
  const names = namesIn(values.get("names")) ?? config.settings.hostNames;
  const path = call.environment["PATH"] ?? "/usr/bin:/bin";
  const run = makeRun(`${path}:${PLACES.join(":")}`);
  const sandbox = sandboxOf(call.environment);
  const configPath = configOf(values.get("sshd-config"), sandbox);
  const sshd = { program: programOf(values.get("sshd"), path), config: configPath };
  const facts = await askSshd(run, sshd);
  if (sandbox !== null) {
    const told = dropInPath(sshd.config, readSmall(sshd.config) ?? "");
    for (const path of [...facts.hostKeys, ...(told === null ? [] : [told])]) checkNotMachines(path);
  }
  return { config, run, sshd, facts, ...readHostKeys(facts.hostKeys), names };
}

/** The keys of the hosts' CA; without them any answer would do. Throws Failure. */
export function pinnedKeys({ settings }: Config): readonly string[] {
  if (settings.hostCaKeys.length > 0) return settings.hostCaKeys;
  throw new Failure(
    "the config doesn't say which CA signs hosts' certificates",
    "set ca_keys and patterns in [hosts]",
    78,
  );
}

/** Keeps two runs for one sshd apart, and what is still to be done for whoever comes next. */
export type Guard = {
  /** False when another run has it. */
  take(): boolean;
  /** Whether sshd has still to be told of certificates that are in place. */
  isPending(): boolean;
  mark(pending: boolean): void;
  close(): void;
};

const PENDING = "reload";

/** The guard lies beside sshd's config, the same for everybody who would change it. Throws Failure. */
export function openGuard({ sshd }: Pick<Server, "sshd">): Guard {
  const path = join(dirname(sshd.config), ".bssh-host.lock");
  const lock = openLock(path);
  if ("why" in lock) {
    const next = /read-only/.test(lock.why)
      ? "make the file system writable and try again"
      : /space|quota/.test(lock.why)
        ? "make room and try again"
        : "run this as root";
    throw new Failure(`${printable(path)} can't be used: ${lock.why}`, next);
  }
  const held: Lock = lock;
  return {
    take: () => held.take(),
    isPending: () => held.read() === PENDING,
    mark(pending) {
      held.write(pending ? PENDING : "");
      if (pending && held.read() !== PENDING)
        throw new Failure(`could not write ${printable(path)}`, "is the disk full?");
    },
    close: () => held.close(),
  };
}

/** One line for a key and its certificate. */
export function describeKey(key: HostKey): string {
  const certificate = certificateOf(key);
  if (certificate === null) return `${key.publicKey.type}: none`;
  const names = certificate.principals.map((name) => printable(name, 253)).join(", ");
  const end = new Date(Number(certificate.validBefore) * 1000).toISOString().slice(0, 10);
  return `${key.publicKey.type}: ${names}, until ${end}, signed by ${sha256Fingerprint(certificate.signatureKey)}`;
}

/** The words that run `bssh host renew` for the same server as these options. */
export function renewWords(program: string, values: ReadonlyMap<string, string>, { sshd }: Server): string[] {
  const words = [program, "host", "renew"];
  const names = values.get("names");
  if (names !== undefined) words.push("--names", names);
  if (values.has("sshd-config")) words.push("--sshd-config", sshd.config);
  if (values.has("sshd")) words.push("--sshd", sshd.program);
  const region = values.get("region");
  if (region !== undefined) words.push("--region", region);
  return words;
}

function namesIn(word: string | undefined): readonly string[] | null {
  if (word === undefined) return null;
  const wrong = (problem: string) => {
    throw usage("host", `--names has a name that ${problem}`);
  };
  const names = word.split(",").map((name) => readHostName(name.trim(), wrong));
  return [...new Set(names)];
}

function programOf(word: string | undefined, path: string): string {
  if (word !== undefined) {
    const program = absolute(word, "");
    if (isProgram(program)) return program;
    throw new Failure(`${printable(word)} is no program`, "name sshd with --sshd");
  }
  for (const folder of [...PLACES, ...path.split(":")]) {
    if (folder.startsWith("/") && isProgram(`${folder}/sshd`)) return `${folder}/sshd`;
  }
  throw new Failure("there is no sshd on this machine", "install it, or name it with --sshd");
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Without a word the machine's own config, and inside a sandbox that of its sshd, never the machine's. */
function configOf(word: string | undefined, sandbox: string | null): string {
  const usual = sandbox === null ? DEFAULT_CONFIG : folderAt(sandbox).sshdConfig;
  const path = word === undefined ? usual : absolute(word, "");
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new Failure(`there is no ${printable(path)}`, "name sshd's config with --sshd-config");
  }
  if (sandbox !== null) {
    checkNotMachines(real);
    checkNotMachines(path);
  }
  return path;
}

/** Folder of the sandbox that this process is in; null outside of one. */
export function sandboxOf(environment: CommandCall["environment"]): string | null {
  return environment["BSSH_SANDBOX"] || null;
}

/** What a sandbox does to the machine's sshd would outlive it. Throws Failure. */
function checkNotMachines(path: string): void {
  if (!/^(\/private)?\/etc\//.test(normalize(path))) return;
  throw new Failure(
    `${printable(path)} is the machine's own, and this is a sandbox (BSSH_SANDBOX is set)`,
    "name a config elsewhere with --sshd-config, or leave the sandbox",
  );
}
