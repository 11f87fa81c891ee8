/**
 * The recipe: certificates asked for and checked, put beside their keys, told to sshd, tested by it, taken back as they were when
 * it doesn't like them, and sshd reloaded.
 */
import { Failure, printable } from "../failure.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type Certificate, parseCertificate } from "../wire/certificate.ts";
import { checkHostAnswer } from "./answer.ts";
import { certificatesIn, DROP_IN, dropInPath, dropInText, includeLine } from "./drop-in.ts";
import { openChanges, readSmall, sweepBeside } from "./files.ts";
import type { HostKey } from "./keys.ts";
import { reloadSshd, servesCertificates } from "./reload.ts";
import type { Run } from "./run.ts";
import { type Sshd, type SshdFacts, testSshd } from "./sshd.ts";

export type Certifying = {
  readonly run: Run;
  readonly sshd: Sshd;
  readonly facts: SshdFacts;
  /** All keys that sshd serves and that can be certified. */
  readonly keys: readonly HostKey[];
  /** Asks the CA for a key's certificate: its line, not yet checked. Throws Failure. */
  readonly ask: (key: HostKey) => Promise<string>;
  /** Names that are asked for; empty: all that the policy gives. */
  readonly names: readonly string[];
  /** Lines of the public keys of the hosts' CA. */
  readonly caKeys: readonly string[];
  /** Milliseconds since the epoch, by AWS's clock as far as it is known. */
  readonly now: () => number;
  readonly hasSystemd: boolean;
  readonly reload: boolean;
  /** Notes that sshd is still to be reloaded, in a place that outlives this process. Throws Failure when it can't. */
  readonly mark: (pending: boolean) => void;
  /** Whether it was noted before. */
  readonly wasPending: boolean;
};

export type Certified = { readonly key: HostKey; readonly certificate: Certificate };

/** Where our lines for sshd stand, and which certificates they have to name. */
export type Telling = { readonly path: string; readonly text: string; readonly was: string | null };

/**
 * What our file among sshd's has to say; null when all certificates are named in sshd's config without it. Throws Failure when
 * there is no place for it.
 */
export function planTelling(sshd: Sshd, facts: SshdFacts, keys: readonly HostKey[]): Telling | null {
  const path = dropInPath(sshd.config, readSmall(sshd.config) ?? "");
  const was = path === null ? null : readSmall(path);
  const ours = certificatesIn(was ?? "");
  const elsewhere = facts.certificates.filter((certificate) => !ours.includes(certificate));
  const rival = elsewhere.find((certificate) => keys.some((key) => isRival(key, certificate)));
  if (rival !== undefined) {
    const next = `take its HostCertificate line out of ${sshd.config} or what that includes`;
    throw new Failure(`sshd's config names another certificate for the same key, ${printable(rival)}`, next);
  }
  const missing = keys.map(({ certificate }) => certificate).filter((certificate) => !elsewhere.includes(certificate));
  if (missing.length === 0 && was === null) return null;
  if (path === null) {
    throw new Failure(
      `${sshd.config} includes no folder that ${DROP_IN} could lie in, and nothing was changed`,
      `make its first line: ${includeLine(sshd.config)}`,
    );
  }
  return { path, text: dropInText(missing), was };
}

/** Whether our file says what it has to. */
export function isTold(telling: Telling | null): boolean {
  return telling === null || telling.text === telling.was;
}

/** Of two certificates for one key sshd serves the one that is named last. */
function isRival(key: HostKey, path: string): boolean {
  if (path === key.certificate) return false;
  try {
    return equalBytes(parseCertificate(readSmall(path)?.trim() ?? "").publicKey, key.publicKey.blob);
  } catch {
    return false;
  }
}

/**
 * Gets certificates for `chosen` of the keys (none: only sshd is told what it doesn't know yet) and has sshd use them. Throws
 * Failure; until sshd has taken its config everything is then as it was.
 */
export async function certify(parts: Certifying, chosen: readonly HostKey[]): Promise<readonly Certified[]> {
  const { run, sshd, facts, keys, names, caKeys } = parts;
  const telling = planTelling(sshd, facts, keys);
  sweepBeside([...keys.map(({ certificate }) => certificate), ...(telling === null ? [] : [telling.path])]);
  const got: (Certified & { readonly line: string })[] = [];
  for (const key of chosen) {
    const answer = await parts.ask(key);
    got.push({ key, ...checkHostAnswer(answer, { publicKey: key.publicKey, names, caKeys, now: parts.now() }) });
  }

  const changes = openChanges();
  try {
    const staged = got.map(({ key, line }) => changes.stage(key.certificate, `${line}\n`));
    // Whatever happens to this process from here on, sshd has found what it will read to be good.
    const early = await testSshd(run, sshd, { staged });
    if (early !== null) throw new Failure(`sshd doesn't take the certificate, and nothing was changed: ${early}`);
    if (telling !== null && !isTold(telling)) changes.stage(telling.path, telling.text);
    parts.mark(true);
    changes.place();
    const fault = await testSshd(run, sshd, { certificates: keys.map(({ certificate }) => certificate) });
    if (fault !== null)
      throw new Failure(`sshd doesn't take its config with the certificate, and all is as it was: ${fault}`);
  } catch (error) {
    changes.undo();
    parts.mark(parts.wasPending);
    throw error;
  }
  changes.finish();
  await finishReload(parts);
  return got;
}

/** Reloads sshd where that is wanted, and sees that it shows the certificates. Throws Failure. */
async function finishReload(
  parts: Pick<Certifying, "run" | "sshd" | "facts" | "keys" | "hasSystemd" | "reload" | "mark">,
): Promise<void> {
  const done = parts.reload ? await reloadSshd(parts) : "idle";
  parts.mark(false);
  if (done === "idle" || (await servesCertificates(parts, parts.keys)) !== false) return;
  const [address] = parts.facts.addresses;
  throw new Failure(
    `sshd was reloaded, but doesn't show its certificates at ${address?.host} port ${address?.port}`,
    "look into its log",
  );
}
