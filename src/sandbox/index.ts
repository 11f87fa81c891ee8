import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { auditLine } from "../ca/audit.ts";
import { Failure, printable } from "../failure.ts";
import { hostFiles, userFiles } from "./aws/ca-files.ts";
import type { CaKeyType } from "./aws/ca-key.ts";
import { folderDeployment } from "./aws/deployment.ts";
import { startAws } from "./aws/server.ts";
import { makeWorld, type World, type WorldOptions } from "./aws/world.ts";
import { writeClientFiles } from "./client-files.ts";
import { askCode, startControl } from "./control.ts";
import { commandEnvironment, exportLines, hostLines, type Place } from "./environment.ts";
import { type Folder, makeFolder, planFolder } from "./folder.ts";
import { type Environment, type Janitor, shellStatus, startJanitor } from "./janitor.ts";
import { startMetadataService } from "./metadata-service.ts";
import { fillBin } from "./programs.ts";
import { findSshd, startSshd } from "./sshd.ts";

export type SandboxOptions = {
  /** Program and words that run inside; null leaves the sandbox in the foreground until it is interrupted. */
  readonly command: readonly string[] | null;
  /** IAM user; `alice` when not given. */
  readonly user?: string;
  /** Names that the sshd answers to; `DEFAULT_HOSTS` when not given. */
  readonly hosts?: readonly string[];
  /** Validity of certificates, seconds; half an hour when not given. */
  readonly certSeconds?: number;
  /** Longest life of every AWS session, seconds. */
  readonly sessionSeconds?: number;
  /** The kind of the CA's key; ed25519 beside the function's code when not given. */
  readonly caKeyType?: CaKeyType;
  /** The person comes from IAM Identity Center rather than as an IAM user. */
  readonly identityCenter?: boolean;
  /** The person answers the question for a code. */
  readonly ask: boolean;
  /** The MFA device's codes change every second. */
  readonly fastClock: boolean;
  /** Further traits of the world, for rehearsals: devices, policies, what the function does. */
  readonly world?: WorldOptions;
  /** Path of the bssh executable that COMMAND finds on its PATH. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
};

export const DEFAULT_HOSTS = [
  "web1.sandbox.test",
  "web2.sandbox.test",
  "db1.sandbox.test",
  "bastion.sandbox.test",
] as const;

const CERTIFICATE_SECONDS = 1800;
const AGENT_SECONDS = 10;
/** How long COMMAND may take to end when the sandbox is told to (by SIGTERM or SIGHUP). */
const GRACE_SECONDS = 5;

/**
 * Runs a sandbox: AWS, the CA, a real sshd and an ssh-agent on this machine, in a folder of its own. Comes back with
 * COMMAND's exit status (128 and the signal's number when one ended it), or with 0 once it was interrupted when there is no
 * COMMAND; by then nothing of the sandbox is left. Throws Failure when a part of it cannot be had.
 */
export async function runSandbox(options: SandboxOptions): Promise<number> {
  const path = options.environment["PATH"] ?? "/usr/bin:/bin";
  const sshd = findSshd(path);
  const hosts = options.hosts ?? DEFAULT_HOSTS;
  const certSeconds = options.certSeconds ?? CERTIFICATE_SECONDS;
  const folder = planFolder(options.environment["TMPDIR"]);
  const world = makeWorld({
    ...options.world,
    certSeconds,
    hosts,
    fastClock: options.fastClock,
    identityCenter: options.identityCenter === true,
    audit: (record) => note(folder.caLog, record),
    ...(options.caKeyType === undefined ? {} : { caKeyType: options.caKeyType }),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.sessionSeconds === undefined ? {} : { sessionSeconds: options.sessionSeconds }),
  });

  const signals = watchSignals();
  const janitor = await startJanitor(folder.root);
  const stops: (() => void)[] = [];
  try {
    makeFolder(folder);
    fillBin(folder, options.environment, options.program);
    writeFileSync(folder.requestLog, "", { mode: 0o600 });
    writeFileSync(folder.caLog, "", { mode: 0o600 });
    deploy(world, world.functionName, folder.ca, userFiles(world, world.bless));
    deploy(world, world.hostFunctionName, folder.hostCa, hostFiles(world));
    const aws = startAws(world, { log: (record) => note(folder.requestLog, record) });
    stops.push(() => void aws.stop());
    const metadata = startMetadataService(world);
    stops.push(metadata.stop);
    stops.push(startControl(folder.controlSocket, world.currentCode).stop);
    const keys = { caKey: world.ca.publicKey, hostCa: world.hostCa.signer };
    const parts = { folder, janitor, sshd, principal: world.user.name, hosts, ...keys };
    const [server] = await Promise.all([
      startSshd({ ...parts, environment: { PATH: path } }),
      startAgent(folder, janitor, { PATH: path }),
    ]);
    writeClientFiles({ folder, world, sshd: server, hosts, certSeconds, ask: options.ask });
    const place: Place = { folder, world, url: aws.url, hosts };
    const lines = exportLines(options.environment, place);
    writeFileSync(folder.environment, `${lines.join("\n")}\n`, { mode: 0o600 });
    writeFileSync(folder.hostEnvironment, `${hostLines(place, metadata.url).join("\n")}\n`, { mode: 0o600 });
    if (signals.ended() !== null) return options.command === null ? 0 : signals.status();
    if (options.command === null) {
      for (const line of guide(place, lines)) options.out(line);
      await signals.end;
      return 0;
    }
    return await runCommand(options.command, commandEnvironment(options.environment, place), janitor, signals);
  } finally {
    await janitor.finish();
    for (const stop of stops) stop();
    signals.stop();
  }
}

/** `bssh sandbox mfa`: prints the code of the sandbox in force; see `askCode`. */
export async function printCode(
  environment: Readonly<Record<string, string | undefined>>,
  out: (line: string) => void,
): Promise<number> {
  out(await askCode(environment));
  return 0;
}

async function runCommand(
  command: readonly string[],
  environment: Environment,
  janitor: Janitor,
  signals: Signals,
): Promise<number> {
  const [word = ""] = command;
  if (Bun.which(word, { PATH: environment["PATH"] ?? "" }) === null) {
    throw new Failure(`there is no program ${printable(word)} to run in the sandbox`, "check its name and PATH", 127);
  }
  const process = janitor.startCommand(command, environment);
  signals.pass((signal) => process.kill(signal));
  const late = Promise.withResolvers<number>();
  let timer: Timer | undefined;
  void signals.end.then(() => {
    timer = setTimeout(() => late.resolve(signals.status()), GRACE_SECONDS * 1000);
  });
  try {
    return await Promise.race([shellStatus(process), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Writes a function's files, and lets it go by what they hold from now on. */
function deploy(world: World, name: string, folder: string, files: ReadonlyMap<string, string>): void {
  for (const [file, text] of files) writeFileSync(`${folder}/${file}`, text, { mode: 0o600 });
  world.deployments.set(name, folderDeployment(folder));
}

/** Adds a line to a log; a full disk or a sandbox that is just going away is no reason to leave a request unanswered. */
function note(path: string, record: object): void {
  try {
    appendFileSync(path, `${auditLine({ ...record })}\n`);
  } catch {
    // See above.
  }
}

async function startAgent(folder: Folder, janitor: Janitor, environment: Environment): Promise<void> {
  const process = janitor.startService(["ssh-agent", "-D", "-a", folder.agentSocket], environment, "ignore");
  const until = Date.now() + AGENT_SECONDS * 1000;
  while (!existsSync(folder.agentSocket)) {
    if (process.exitCode !== null || Date.now() > until) {
      throw new Failure("ssh-agent did not start", "check that ssh-agent is on PATH (package openssh-client)");
    }
    await Bun.sleep(1);
  }
}

type Signals = ReturnType<typeof watchSignals>;

/**
 * What the person or the system says to this process. SIGTERM and SIGHUP end the sandbox; so does SIGINT, unless there is
 * a COMMAND: the terminal gives it to that as well, whose answer counts.
 */
function watchSignals() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let ended: NodeJS.Signals | null = null;
  let pass: ((signal: NodeJS.Signals) => void) | null = null;
  const handlers = (["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
    const handler = () => {
      if (pass !== null && (signal === "SIGINT" || signal === "SIGQUIT")) return;
      ended ??= signal;
      pass?.(signal);
      resolve();
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return {
    end: promise,
    ended: () => ended,
    status: () => (ended === null ? 0 : 128 + (constants.signals[ended] ?? 0)),
    /** From now on there is a COMMAND. */
    pass: (to: (signal: NodeJS.Signals) => void) => {
      pass = to;
      if (ended !== null) to(ended);
    },
    stop: () => {
      for (const stop of handlers) stop();
    },
  };
}

function guide({ folder, world, url, hosts }: Place, lines: readonly string[]): string[] {
  const [host = "127.0.0.1"] = hosts;
  const who =
    world.identityCenter === null ? `its IAM user ${world.user.name}` : `${world.user.name} of IAM Identity Center`;
  return [
    `The sandbox is running, with AWS at ${url} and ${who}; Ctrl-C ends it and leaves nothing.`,
    `Hosts: ${hosts.join(" ")}`,
    "",
    "In another terminal, come in with",
    "",
    `  . ${folder.environment}`,
    "",
    "which is",
    "",
    ...lines.map((line) => `  ${line}`),
    "",
    "and then try",
    "",
    `  bssh ${host} uptime        log in with a certificate of the sandbox's CA`,
    "  bssh status                the certificate, and how long it lasts",
    "  bssh sandbox mfa           the code that the MFA device shows now",
    "  cat $BSSH_SANDBOX_LOG      what was asked of AWS",
  ];
}
