import { agentCertificates } from "../agent/load.ts";
import { loadConfig } from "../config/load.ts";
import { pathsOf } from "../config/paths.ts";
import type { Config } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import { type IdentityFiles, identityFiles } from "../identity/files.ts";
import { publicKeyBlob, storedCertificate, unfitness } from "../identity/fresh.ts";
import { isImported } from "../imported.ts";
import { keptEnds } from "../issue/ends.ts";
import { wantedOf } from "../wanted.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type Certificate, FOREVER } from "../wire/certificate.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
Asks nobody but the agent, and shows no secret. Status 0: the certificate is valid; 1: it ends within two minutes (where its
whole life is shorter than six: within a third of that); 2: there is none, or it can't be used; 3: the set-up is wrong. --json prints one object, which docs/status.schema.json describes; times are
RFC 3339 in UTC.

Example:
  $ bssh status
  certificate   valid for 28 minutes, for alice
`;

/** What `status --json` prints; interface.md, Commands. Times are RFC 3339 in UTC, null where there is no end. */
export type Status = {
  readonly state: "valid" | "ending" | "none" | "wrong";
  /** Why the certificate can't be used, or what is wrong with the set-up; null when all is well. */
  readonly problem: string | null;
  readonly key: string | null;
  readonly certificate: CertificateStatus | null;
  /** End of the latest certificate for the key that the agent holds. */
  readonly agent: string | null;
  readonly session: string | null;
  readonly role: string | null;
  readonly kmsauth: string | null;
  readonly config: { readonly path: string; readonly files: readonly string[] };
};

export type CertificateStatus = {
  readonly path: string;
  readonly serial: string;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly validAfter: string;
  /** Null is for ever. */
  readonly validBefore: string | null;
  readonly sourceAddress: readonly string[] | null;
  /** Fingerprint of the CA's key. */
  readonly signedBy: string;
  /** Type of the signature, for example `rsa-sha2-512`. */
  readonly signature: string;
  /** True for a certificate that `bssh import` took into use. */
  readonly byHand: boolean;
};

const EXIT: Readonly<Record<Status["state"], number>> = { valid: 0, ending: 1, none: 2, wrong: 3 };
const ENDING_SECONDS = 120;
/** Of a shorter life the last two minutes would be too much. */
const ENDING_PART = 3;

export const OPTIONS = { json: "flag" } as const;

/** `bssh status [--json]`. */
export async function status(call: CommandCall): Promise<number> {
  const { flags, rest } = parseWords("status", call.words, OPTIONS);
  if (rest.length > 0) throw usage("status", "bssh status takes no words beside its options");
  const { found, now } = await statusOf(call);
  if (flags.has("json")) call.out(JSON.stringify(found));
  else for (const line of sentences(found, now)) call.out(line);
  return EXIT[found.state];
}

/** What there is, and what time it is by AWS's clock, which everything ends by. */
async function statusOf(call: CommandCall): Promise<{ readonly found: Status; readonly now: number }> {
  let config: Config;
  try {
    config = loadConfig(call.environment, call.readText);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const place = { path: pathsOf(call.environment).config, files: [] };
    return { found: { ...NOTHING, problem: error.sentence, config: place }, now: Date.now() };
  }
  // In a network that is not known yet the certificate serves until a login has learnt the addresses there.
  const strict = wantedOf(call.system, config);
  const wanted = strict.addresses === "other network" ? { ...strict, addresses: null } : strict;
  const { now } = wanted;
  const place = { path: config.paths.config, files: config.files };
  const files = identityFiles(config.settings.identityFile);
  const certificate = storedCertificate(call.system, files);
  const known = {
    key: call.system.may(files.key, "read") ? files.key : null,
    certificate:
      certificate === null
        ? null
        : describe(files, certificate, isImported(call.system, config.paths.state, certificate)),
    agent: await inAgent(call, config, files),
    ...kept(config.paths.state, now),
    config: place,
  };
  if (config.files.length === 0) {
    const problem = `there is no config at ${printable(place.path)}; get your organisation's: bssh config import URL`;
    return { found: { state: "wrong", problem, ...known }, now };
  }
  const problem = unfitness(call.system, files, wanted);
  if (problem !== null) return { found: { state: "none", problem, ...known }, now };
  const renewMarginSeconds = certificate === null ? ENDING_SECONDS : endingSeconds(certificate);
  const soon = unfitness(call.system, files, { ...wanted, renewMarginSeconds }) !== null;
  return { found: { state: soon ? "ending" : "valid", problem: null, ...known }, now };
}

function endingSeconds({ validAfter, validBefore }: Certificate): number {
  return Math.min(ENDING_SECONDS, Number((validBefore - validAfter) / BigInt(ENDING_PART)));
}

const NOTHING = {
  state: "wrong",
  key: null,
  certificate: null,
  agent: null,
  session: null,
  role: null,
  kmsauth: null,
} as const;

async function inAgent({ environment, system }: CommandCall, config: Config, files: IdentityFiles) {
  const socket = environment["SSH_AUTH_SOCK"] ?? "";
  const key = publicKeyBlob(system, files);
  if (config.settings.agent === "off" || socket === "" || key === null) return null;
  const ends = ((await agentCertificates(socket)) ?? []).flatMap(({ certificate }) =>
    certificate !== null && equalBytes(certificate.publicKey, key) ? [certificate.validBefore] : [],
  );
  const [latest] = ends.sort((one, other) => (one < other ? 1 : -1));
  return latest === undefined ? null : timeOf(latest);
}

function kept(state: string, now: number) {
  const { session, role, kmsauth } = keptEnds(state, now);
  const time = (end: number | null) => (end === null ? null : new Date(end).toISOString());
  return { session: time(session), role: time(role), kmsauth: time(kmsauth) };
}

function describe(files: IdentityFiles, certificate: Certificate, byHand: boolean): CertificateStatus {
  return {
    path: files.certificate,
    serial: certificate.serial.toString(),
    keyId: printable(certificate.keyId),
    principals: certificate.principals.map((name) => printable(name)),
    validAfter: timeOf(certificate.validAfter) ?? "",
    validBefore: certificate.validBefore === FOREVER ? null : timeOf(certificate.validBefore),
    sourceAddress:
      certificate.criticalOptions
        .get("source-address")
        ?.split(",")
        .map((one) => printable(one)) ?? null,
    signedBy: sha256Fingerprint(certificate.signatureKey),
    signature: certificate.signatureType,
    byHand,
  };
}

/** Seconds since the epoch as RFC 3339; null for what lies past the end of JavaScript's time. */
function timeOf(seconds: bigint): string | null {
  return seconds > 8_640_000_000_000n ? null : new Date(Number(seconds) * 1000).toISOString();
}

function sentences(found: Status, now: number): string[] {
  const until = (time: string | null) => (time === null ? "none" : `for ${more(Date.parse(time) - now)}`);
  const { certificate } = found;
  if (found.state === "wrong") {
    const said = [`set-up is wrong: ${found.problem}`];
    if (certificate === null || !isByHand(certificate, now)) return said;
    // It serves ssh without a config of ours as well.
    return [...said, `certificate   by hand (${byHand(certificate)}): ${printable(certificate.path)}`];
  }
  return [
    `certificate   ${summary(found, now)}`,
    ...(certificate !== null && isByHand(certificate, now) ? [`  by hand     ${byHand(certificate)}`] : []),
    ...(certificate === null
      ? []
      : [
          `  file        ${certificate.path}`,
          `  key ID      ${certificate.keyId}`,
          `  signed by   ${certificate.signedBy} (${certificate.signature}${isSha1(certificate) ? SHA1_NOTE : ""})`,
          `  from        ${certificate.sourceAddress?.join(", ") ?? "any address"}`,
        ]),
    `in the agent  ${until(found.agent)}`,
    `MFA session   ${until(found.session)}`,
    `role          ${until(found.role)}`,
    `kmsauth token ${until(found.kmsauth)}`,
    `config        ${found.config.files.join(", ")}`,
  ];
}

/** Netflix's BLESS signs so. */
const isSha1 = ({ signature }: CertificateStatus) => signature === "ssh-rsa";
const SHA1_NOTE = ": SHA-1, refused by OpenSSH since 8.2";

/** True while it is in force; what has ended is no longer anybody's decision. */
function isByHand({ byHand, validBefore }: CertificateStatus, now: number): boolean {
  return byHand && (validBefore === null || Date.parse(validBefore) > now);
}

function byHand({ validBefore }: CertificateStatus): string {
  return `break glass, ${validBefore === null ? "for ever" : `until ${validBefore.replace(".000Z", "Z")}`}`;
}

/** Why there is none to use; the JSON has the short words. */
const WORDS: Readonly<Record<string, string>> = {
  "no key": "none, and no key yet: the first login makes both",
  "unreadable certificate": "none to use: what lies there can't be read",
  "other key": "none to use: the one there is for another key",
  "host certificate": "none to use: the one there is a host's",
  "other principals": "none to use: the one there is for others than remote_user asks",
  "other CA": "none to use: the one there is signed by another CA than ca_keys names",
  "signed with SHA-1": "none to use: the one there is signed with SHA-1, which OpenSSH refuses since 8.2",
  "not yet valid": "none to use: the one there isn't valid yet",
  expired: "none to use: the last one has ended",
  "other address": "none to use: the one there is for another address than yours",
};

function summary({ state, problem, certificate }: Status, now: number): string {
  if (certificate === null || state === "none") return WORDS[problem ?? ""] ?? "none";
  const end = certificate.validBefore === null ? "for ever" : `for ${span(Date.parse(certificate.validBefore) - now)}`;
  return `${state === "ending" ? "ends soon, valid" : "valid"} ${end}, for ${certificate.principals.join(", ")}`;
}

function more(ms: number): string {
  return ms < 60_000 ? "less than a minute more" : `another ${span(ms)}`;
}

function span(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return `${minutes} minute${minutes === 1 ? "" : "s"}`;
  return `${Math.round(minutes / 60)} hours`;
}
