import { Failure, printable } from "../../failure.ts";
import type { HostKey } from "../../host/keys.ts";
import { certificateOf, partOver, unfitness } from "../../host/life.ts";
import { isTimed, SYSTEMD } from "../../host/timer.ts";
import { type Certificate, FOREVER } from "../../wire/certificate.ts";
import { blobType, formatPublicKey } from "../../wire/public-key.ts";
import { sha256Fingerprint } from "../../wire/signature.ts";
import type { CommandCall } from "../call.ts";
import { parseWords, usage } from "../words.ts";
import { openServer, type Server } from "./server.ts";

export const help = `
Asks nobody but sshd for its config. Status 0: every key has a valid certificate that sshd's config names; 1: one ends within a tenth
of its life; 2: one has none, or none that can be used; 3: the set-up is wrong. --json prints one object, times in RFC 3339 and UTC.

Options:
  --json
  --sshd-config FILE    sshd's config; /etc/ssh/sshd_config when not given
  --sshd PATH           sshd's program

Example:
  $ bssh host status
  ssh-ed25519   valid until 2027-11-22T10:00:00Z, for web1.corp.example
`;

export const OPTIONS = { json: "flag", "sshd-config": "value", sshd: "value" } as const;

/** What `host status --json` prints. */
export type HostStatus = {
  readonly state: "valid" | "ending" | "none" | "wrong";
  /** What is wrong with the set-up; null when nothing is. */
  readonly problem: string | null;
  readonly keys: readonly KeyStatus[];
  /** Whether systemd's timer is enabled; null where systemd doesn't run. */
  readonly timer: boolean | null;
  readonly config: string | null;
};

export type KeyStatus = {
  readonly type: string;
  readonly key: string;
  readonly fingerprint: string;
  /** Why the certificate can't be used; null when it can. */
  readonly problem: string | null;
  /** Whether sshd's config names the certificate. */
  readonly served: boolean;
  readonly certificate: {
    readonly path: string;
    readonly serial: string;
    readonly keyId: string;
    readonly names: readonly string[];
    readonly validAfter: string;
    readonly validBefore: string | null;
    readonly signedBy: string;
  } | null;
};

const EXIT: Readonly<Record<HostStatus["state"], number>> = { valid: 0, ending: 1, none: 2, wrong: 3 };
/** The last tenth of its life. */
const ENDING = 0.9;

/** `bssh host status [--json]`. */
export async function hostStatus(call: CommandCall): Promise<number> {
  const { flags, values, rest } = parseWords("host status", call.words, OPTIONS);
  if (rest.length > 0) throw usage("host status", "bssh host status takes no words beside its options");
  const found = await statusOf(call, values);
  if (flags.has("json")) call.out(JSON.stringify(found));
  else for (const line of sentences(found)) call.out(line);
  return EXIT[found.state];
}

async function statusOf(call: CommandCall, values: ReadonlyMap<string, string>): Promise<HostStatus> {
  let server: Server;
  try {
    server = await openServer(call, values);
  } catch (error) {
    if (!(error instanceof Failure) || error.status === 64) throw error;
    return { state: "wrong", problem: error.sentence, keys: [], timer: isTimed(SYSTEMD), config: null };
  }
  const now = Date.now();
  const keys = server.keys.map((key) => describe(key, server, now));
  const isEnding = (key: HostKey) => {
    const certificate = certificateOf(key);
    return certificate !== null && partOver(certificate, now) >= ENDING;
  };
  const isOff = keys.length === 0 || keys.some(({ problem, served }) => problem !== null || !served);
  const state = isOff ? "none" : server.keys.some(isEnding) ? "ending" : "valid";
  const problem = keys.length === 0 ? "sshd serves no key that can be certified" : null;
  return { state, problem, keys, timer: isTimed(SYSTEMD), config: server.sshd.config };
}

function describe(key: HostKey, { config, facts, names }: Server, now: number): KeyStatus {
  const certificate = certificateOf(key);
  const { hostCaKeys } = config.settings;
  // Without the CA's keys in the config, whoever signed it will have to do.
  const caKeys = hostCaKeys.length > 0 || certificate === null ? hostCaKeys : [signerOf(certificate)];
  return {
    type: key.publicKey.type,
    key: key.path,
    fingerprint: sha256Fingerprint(key.publicKey.blob),
    problem: unfitness(key, certificate, { names, caKeys, now }),
    served: facts.certificates.includes(key.certificate),
    certificate:
      certificate === null
        ? null
        : {
            path: key.certificate,
            serial: certificate.serial.toString(),
            keyId: printable(certificate.keyId),
            names: certificate.principals.map((name) => printable(name)),
            validAfter: timeOf(certificate.validAfter) ?? "",
            validBefore: certificate.validBefore === FOREVER ? null : timeOf(certificate.validBefore),
            signedBy: sha256Fingerprint(certificate.signatureKey),
          },
  };
}

function signerOf({ signatureKey: blob }: Certificate): string {
  return formatPublicKey({ type: blobType(blob), blob, comment: "" });
}

/** Seconds since the epoch as RFC 3339; null for what lies past the end of JavaScript's time. */
function timeOf(seconds: bigint): string | null {
  if (seconds > 8_640_000_000_000n) return null;
  return new Date(Number(seconds) * 1000).toISOString().replace(/\.000Z$/, "Z");
}

function sentences({ state, problem, keys, timer }: HostStatus): string[] {
  if (state === "wrong") return [`set-up is wrong: ${problem}`];
  const width = Math.max(0, ...keys.map(({ type }) => type.length)) + 2;
  const lines = problem === null ? [] : [problem];
  for (const { type, certificate, problem: why, served } of keys) {
    const end = certificate?.validBefore ?? "for ever";
    const state = why === null ? `valid until ${end}` : `no certificate to use: ${why}`;
    lines.push(`${type.padEnd(width)}${state}${certificate === null ? "" : `, for ${certificate.names.join(", ")}`}`);
    if (certificate === null) continue;
    lines.push(`${" ".repeat(width)}${certificate.path}, signed by ${certificate.signedBy}`);
    if (!served) lines.push(`${" ".repeat(width)}sshd's config doesn't name it: run bssh host enroll`);
  }
  if (timer !== null) lines.push(`renewal by a timer: ${timer ? "yes" : "no, run bssh host enroll"}`);
  return lines;
}
