/** Has sshd read its config and certificates anew: by systemd where that runs it, else by SIGHUP (sshd(8)). */
import { readFileSync, readlinkSync, realpathSync } from "node:fs";
import { Failure, printable } from "../failure.ts";
import { equalBytes } from "../wire/bytes.ts";
import { parseCertificate } from "../wire/certificate.ts";
import { readSmall } from "./files.ts";
import type { HostKey } from "./keys.ts";
import { certificateOf } from "./life.ts";
import type { Run } from "./run.ts";
import { type Sshd, type SshdFacts, wordsOf } from "./sshd.ts";

export const DEFAULT_CONFIG = "/etc/ssh/sshd_config";

/** `idle`: none runs that would have to be told. */
export type Reloaded = "reloaded" | "idle";

export type Reloading = {
  readonly run: Run;
  readonly sshd: Sshd;
  readonly facts: SshdFacts;
  /** Whether systemd is this machine's init. */
  readonly hasSystemd: boolean;
};

/** The service's name, on Debian and elsewhere. */
const UNITS: readonly string[] = ["ssh.service", "sshd.service"];

/** Reloads the sshd of that config. The config has been tested: sshd ends at a SIGHUP when it is wrong. Throws Failure. */
export async function reloadSshd(reloading: Reloading): Promise<Reloaded> {
  const { run, sshd, hasSystemd } = reloading;
  // launchd starts an sshd for each connection.
  if (process.platform === "darwin") return "idle";
  if (hasSystemd && sshd.config === DEFAULT_CONFIG) {
    for (const unit of UNITS) {
      if ((await run(["systemctl", "is-active", "--quiet", unit])).status !== 0) continue;
      const ran = await run(["systemctl", "reload", unit]);
      if (ran.status === 0) return "reloaded";
      throw notReloaded(`systemctl reload ${unit}: ${wordsOf(ran)}`, `systemctl reload ${unit}`);
    }
  }
  return signalSshd(reloading);
}

function signalSshd({ sshd, facts: { pidFile } }: Reloading): Reloaded {
  if (pidFile === null) throw notReloaded("its config has no PidFile", "kill -HUP and its process");
  const text = readSmall(pidFile)?.trim() ?? "";
  if (!/^[1-9]\d{0,9}$/.test(text)) return "idle";
  const pid = Number(text);
  const found = isThatSshd(pid, sshd);
  if (found === null) return "idle";
  if (!found)
    throw notReloaded(`process ${pid} of ${printable(pidFile)} is another program`, "kill -HUP and its process");
  try {
    process.kill(pid, "SIGHUP");
    return "reloaded";
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    if (code === "ESRCH") return "idle";
    throw notReloaded(`process ${pid} takes no signal (${code})`, `kill -HUP ${pid}, as root`);
  }
}

/** Whether a process is the listener of that sshd and config; null when there is no such process. */
function isThatSshd(pid: number, { program, config }: Sshd): boolean | null {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    // A zombie has none.
    if (title === "") return null;
    const executable = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
    const named = / -f ?(\S+)/.exec(title)?.[1] ?? DEFAULT_CONFIG;
    return executable === realpathSync(program) && /^sshd: .*\[listener\]/.test(title) && named === config;
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "ENOENT" || code === "ESRCH" ? null : false;
  }
}

/** Kinds of keys as ssh-keyscan names them. */
const KINDS: readonly string[] = ["ed25519", "ecdsa", "rsa"];

/** Pauses before the server is asked again, in milliseconds: sshd takes a moment to listen anew. */
const PAUSES: readonly number[] = [100, 200, 400, 800, 1600];

/**
 * Asks sshd on this machine, by ssh-keyscan, until it shows the certificates that lie beside the keys. False when it doesn't;
 * null when it can't be asked.
 */
export async function servesCertificates(
  { run, facts }: Pick<Reloading, "run" | "facts">,
  keys: readonly HostKey[],
  pauses: readonly number[] = PAUSES,
): Promise<boolean | null> {
  // A machine may listen at IPv6's wildcard without having an address there.
  const addresses = facts.addresses.toSorted(
    (one, other) => Number(one.host.includes(":")) - Number(other.host.includes(":")),
  );
  if (addresses.length === 0) return null;
  const types = new Set(keys.map(({ publicKey: { type } }) => KINDS.find((kind) => type.includes(kind)) ?? type));
  for (const pause of pauses) {
    await Bun.sleep(pause);
    for (const { host, port } of addresses) {
      const ran = await run(["ssh-keyscan", "-c", "-T", "5", "-t", [...types].join(), "-p", String(port), host]);
      if (ran.status === null) return null;
      const shown = ran.out.split("\n").flatMap(blobIn);
      const isShown = (key: HostKey) => {
        const own = certificateOf(key);
        return own !== null && shown.some((signed) => equalBytes(signed, own.signed));
      };
      if (keys.every(isShown)) return true;
    }
  }
  return false;
}

/** The signed part of the certificate in a line of ssh-keyscan's, which other versions begin with the host's name. */
function blobIn(line: string): Uint8Array[] {
  try {
    return [parseCertificate(line.slice(line.search(/\S+-cert-v01@/))).signed];
  } catch {
    return [];
  }
}

function notReloaded(why: string, command: string): Failure {
  return new Failure(`the certificate is in place, but sshd was not reloaded: ${why}`, `do it by hand: ${command}`);
}
