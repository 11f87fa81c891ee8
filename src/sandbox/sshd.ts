import { randomBytes } from "node:crypto";
import { existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { Failure, printable } from "../failure.ts";
import { type CertificateSigner, makeCertificate } from "../wire/certificate-maker.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import type { Folder } from "./folder.ts";
import type { Environment, Janitor } from "./janitor.ts";
import { MARK } from "./janitor.ts";
import { holdRunFolder, RUN_FOLDER } from "./run-folder.ts";

export type Sshd = {
  readonly port: number;
  /** The host's public key: type and base64. Its certificate is what clients go by. */
  readonly hostKey: string;
};

export type SshdParts = {
  readonly folder: Folder;
  readonly janitor: Janitor;
  readonly environment: Environment;
  /** Path of sshd; see `findSshd`. */
  readonly sshd: string;
  /** Name that a certificate must carry. */
  readonly principal: string;
  /** Public key of the CA that is trusted, as a line. */
  readonly caKey: string;
  /** The CA that vouches for the host, and the names it vouches for. */
  readonly hostCa: CertificateSigner;
  readonly hosts: readonly string[];
};

const PLACES = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/sbin", "/opt/local/sbin", "/usr/lib/ssh"];
const HOUR_SECONDS = 3600;
const YEAR_SECONDS = 31_536_000;
const START_SECONDS = 15;
const PORT_TRIES = 20;

/** Path of the machine's sshd, which must be absolute. Throws Failure that names the package when there is none. */
export function findSshd(path: string, places: readonly string[] = PLACES): string {
  for (const folder of [...path.split(":"), ...places]) {
    if (folder.startsWith("/") && existsSync(`${folder}/sshd`)) return `${folder}/sshd`;
  }
  throw new Failure("there is no sshd on this machine", `install it: ${installation()}`);
}

/**
 * Starts a real sshd on a free port of 127.0.0.1, as root or as an ordinary user, and waits until it listens. It lets in
 * certificates of the CA with the principal, and nothing else. Its log is in the sandbox's folder. Throws Failure with
 * sshd's own words when it does not start.
 */
export async function startSshd(parts: SshdParts): Promise<Sshd> {
  const { folder, janitor } = parts;
  const hostKey = await makeHostKey(parts);
  await certifyHostKey(parts, hostKey);
  writeFileSync(`${folder.server}/principals`, `${parts.principal}\n`);
  writeFileSync(`${folder.server}/ca.pub`, `${parts.caKey}\n`);
  writeFileSync(`${folder.server}/revoked`, "");
  const options = optionalLines(parts);
  if (process.getuid?.() === 0) holdRunFolder(folder.root, "when a sandbox made it");
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = await freePort();
    writeFileSync(folder.sshdConfig, [...configLines(folder, port), ...options, ""].join("\n"));
    const words = [parts.sshd, "-D", "-e", "-f", folder.sshdConfig];
    const log = `${folder.server}/log`;
    const process = janitor.startService(words, parts.environment, openSync(log, "w", 0o600));
    const said = await firstWords(log, () => process.exitCode !== null || process.signalCode !== null);
    if (said.includes(`Server listening on 127.0.0.1 port ${port}`)) return { port, hostKey };
    process.kill("SIGKILL");
    if (/Address already in use/.test(said)) continue;
    if (said.includes(`Missing privilege separation directory: ${RUN_FOLDER}`)) {
      holdRunFolder(folder.root, "in any case");
      continue;
    }
    const reason = said.trim().split("\n").at(-1) ?? "";
    throw new Failure(
      `sshd did not start: ${printable(reason) || "it said nothing"}`,
      `try ${parts.sshd} -t -f ${log.replace(/log$/, "config")}`,
    );
  }
  throw new Failure("no free port on 127.0.0.1 for sshd", "try again");
}

function configLines(folder: Folder, port: number): string[] {
  return [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    `HostKey ${folder.server}/host_key`,
    `HostCertificate ${folder.server}/host_key-cert.pub`,
    `TrustedUserCAKeys ${folder.server}/ca.pub`,
    `AuthorizedPrincipalsFile ${folder.server}/principals`,
    // Nobody gets in without this file, empty or a list of revoked keys as ssh-keygen -k makes it.
    `RevokedKeys ${folder.server}/revoked`,
    "AuthorizedKeysFile none",
    "PubkeyAuthentication yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    // The folder is the user's own and 0700, but what lies above it is not ours to judge.
    "StrictModes no",
    // For who tells it of a new certificate.
    `PidFile ${folder.server}/pid`,
    "PrintMotd no",
    "PrintLastLog no",
    "LogLevel VERBOSE",
    // Rehearsals start hundreds of logins at once; the default drops connections from the tenth.
    "MaxStartups 2000",
    `SetEnv ${MARK}=${folder.root}`,
    "Subsystem sftp internal-sftp",
  ];
}

/** Lines that only some versions or accounts want. */
function optionalLines({ sshd, folder }: SshdParts): string[] {
  const { stderr, stdout } = Bun.spawnSync([sshd, "-V"], { env: {}, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [, major = "0", minor = "0"] = /OpenSSH_(\d+)\.(\d+)/.exec(`${stderr}${stdout}`) ?? [];
  const version = Number(major) * 100 + Number(minor);
  return [
    // Last, so that a certificate from there goes before the one that is there from the start.
    ...(version >= 802 ? [`Include ${folder.server}/sshd_config.d/*.conf`] : []),
    // From 9.8 on, failed logins earn the address a penalty; here everybody has the same address.
    ...(version >= 908 ? ["PerSourcePenalties no"] : []),
    // Without PAM, sshd refuses an account whose password is locked, as root's is on Ubuntu.
    `UsePAM ${isLocked() && existsSync("/etc/pam.d/sshd") ? "yes" : "no"}`,
  ];
}

function isLocked(): boolean {
  try {
    const own = `${process.getuid?.() ?? ""}`;
    const name = linesOf("/etc/passwd").find(([, , id]) => id === own)?.[0];
    const password = linesOf("/etc/shadow").find(([user]) => user === name)?.[1];
    return password?.startsWith("!") ?? false;
  } catch {
    // Not root, or no such file: sshd can't see it either.
    return false;
  }
}

function linesOf(path: string): string[][] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.split(":"));
}

async function makeHostKey({ folder, environment }: SshdParts): Promise<string> {
  const path = `${folder.server}/host_key`;
  const words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", path];
  const keygen = Bun.spawn(words, { env: environment, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if ((await keygen.exited) !== 0) {
    throw new Failure(`ssh-keygen failed: ${printable((await new Response(keygen.stderr).text()).trim())}`);
  }
  return readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
}

/** Puts a certificate beside the host's key, for a year. */
async function certifyHostKey({ folder, hostCa, hosts }: SshdParts, hostKey: string): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const certificate = await makeCertificate(
    {
      publicKey: parsePublicKey(hostKey).blob,
      kind: "host",
      serial: randomBytes(8).readBigUInt64BE() >> 1n,
      keyId: "the sandbox's sshd",
      // ssh asks for a name in lower case.
      principals: hosts.length === 0 ? ["127.0.0.1"] : hosts.map((name) => name.toLowerCase()),
      validAfter: BigInt(now - HOUR_SECONDS),
      validBefore: BigInt(now + YEAR_SECONDS),
      criticalOptions: new Map(),
      extensions: new Map(),
      nonce: new Uint8Array(randomBytes(32)),
      comment: "sandbox",
    },
    hostCa,
  );
  writeFileSync(`${folder.server}/host_key-cert.pub`, `${certificate}\n`);
}

/** What the log says once sshd listens or has ended. */
async function firstWords(log: string, hasEnded: () => boolean): Promise<string> {
  const until = Date.now() + START_SECONDS * 1000;
  for (;;) {
    const ended = hasEnded();
    const said = readFileSync(log, "utf8");
    if (ended || said.includes("Server listening on") || Date.now() > until) return said;
    await Bun.sleep(1);
  }
}

/** A port of 127.0.0.1 on which nobody listens now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function installation(): string {
  if (process.platform === "darwin") return "it comes with macOS as /usr/sbin/sshd";
  for (const [tool, line] of [
    ["apt-get", "apt install openssh-server"],
    ["dnf", "dnf install openssh-server"],
    ["apk", "apk add openssh-server"],
    ["pacman", "pacman -S openssh"],
    ["zypper", "zypper install openssh-server"],
  ] as const) {
    if (Bun.which(tool) !== null) return line;
  }
  return "the package openssh-server";
}
