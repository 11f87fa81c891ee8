import { readdirSync } from "node:fs";
import { agentHolds, giveToAgent } from "../agent-gift.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import { measuredSkew } from "../identity/clock.ts";
import { type IdentityFiles, identityFiles } from "../identity/files.ts";
import { coversAll, publicKeyBlob, storedCertificate, unfitness } from "../identity/fresh.ts";
import { keepForeignCertificate, storeCertificate } from "../identity/store.ts";
import { importedFile, importedIn, isImported, MOST_IMPORTED, markOf } from "../imported.ts";
import { prepareFolder, writePrivate } from "../issue/private-files.ts";
import { timeText, verifyByHand } from "../issue/verify-by-hand.ts";
import { issuedAt, logIssued } from "../issued-log.ts";
import { say } from "../terminal/say.ts";
import { wantedOf } from "../wanted.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type Certificate, parseCertificate } from "../wire/certificate.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { readBounded, STANDARD_INPUT } from "./bounded-file.ts";
import type { CommandCall } from "./call.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
For the day that AWS or the CA can't be had (break glass): the CA's people sign your public key by hand with the spare key, and
send you the certificate. CERTIFICATE is its file, or - for standard input. It is checked and stored beside its private
key, and wrapper, proxy and match use it as it is until it ends; nothing but a forced bssh login replaces it. No network is
needed. A spare key that ca_keys in the config does not name has to be put there first.

Options:
  --identity FILE   the private key that it is for; without it the configured one is tried, then those in ~/.ssh

Example:
  $ bssh import from-security.pub
  $ bssh status
`;

export const OPTIONS = { identity: "value" } as const;

/** A certificate with 256 long principals stays below it. */
const LONGEST = 256 * 1024;

/** A clock that is further off is told of. */
const SKEW_TOLD_MS = 60_000;

const FROM_NOWHERE = { requestId: null, region: null, function: null };

/** `bssh import CERTIFICATE`. Throws Failure; what was there before is then still there. */
export async function importCertificate(call: CommandCall): Promise<number> {
  const { values, rest } = parseWords("import", call.words, OPTIONS);
  const [path, ...more] = rest;
  if (path === undefined || more.length > 0) throw usage("import", "bssh import takes one certificate's file, or -");
  const { system } = call;
  const certificate = readCertificate(await textOf(path), path === "-" ? "what came in" : printable(path));
  const config = loadConfig(call.environment, call.readText);
  const { state } = config.paths;
  const skewMs = measuredSkew(system, state);
  const now = Date.now() + skewMs;
  verifyByHand(certificate.read, { ...config.settings, now });
  const files = ownerOf(call, config, certificate.read, values.get("identity") ?? null);
  const gift = { ...call, config, files };
  if (!system.may(files.key, "read") && !(await agentHolds(gift, certificate.read.publicKey))) {
    const fact = `the private half of ${printable(files.publicKey)} is neither there nor in an agent`;
    throw new Failure(fact, "bring it back, or have the certificate made for another key");
  }

  const there = storedCertificate(system, files);
  const isThere = there !== null && equalBytes(there.signed, certificate.read.signed);
  const isKnown = isThere && isImported(system, state, certificate.read);
  if (!isThere) {
    if (unfitness(system, files, wantedOf(system, config)) === null) keepForeignCertificate(files);
    storeCertificate(files, certificate.line);
  }
  if (!isKnown) {
    mark(call, state, files, certificate.read, now);
    logIssued(system, state, certificate.read, FROM_NOWHERE, issuedAt(Date.now(), skewMs));
  }
  const inAgent = await giveToAgent(gift, !isThere);
  tell(call, config, files, certificate.read, { isThere, inAgent, skewMs });
  return 0;
}

/** The text of a file, or of what comes in, as far as it is short enough for a certificate. Throws Failure. */
async function textOf(path: string): Promise<string> {
  const name = path === "-" ? "what came in" : printable(path);
  const read = await readBounded(path === "-" ? STANDARD_INPUT : path, LONGEST);
  if (typeof read !== "string") return new TextDecoder().decode(read);
  const next = "name the certificate's file, or - for standard input";
  if (read === "missing") throw new Failure(`there is no ${name}`, next);
  if (read === "folder") throw new Failure(`${name} is a folder`, next);
  if (read === "too long") throw new Failure(`${name} is too long for a certificate`, "look at what is in it");
  if (read === "silent") throw new Failure(`nothing comes from ${name}`, next);
  throw new Failure(`${name} can't be read (${read})`, next);
}

/** Reads the one certificate in a text; a line that a mail program broke is put together again. Throws Failure. */
function readCertificate(text: string, name: string): { readonly read: Certificate; readonly line: string } {
  if (text.includes("PRIVATE KEY-----"))
    throw new Failure(`${name} is a private key`, "give the certificate, KEY-cert.pub");
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const [first = ""] = lines;
  const [type = "", ...parts] = lines.join(" ").split(/\s+/);
  const candidates =
    lines.length === 1 ? [first] : [`${type} ${parts.join("")}`, `${type} ${parts.slice(0, -1).join("")}`];
  for (const line of candidates) {
    try {
      const read = parseCertificate(line);
      const [kind = "", base64 = "", ...comment] = line.split(/\s+/);
      return { read, line: [kind, base64, printable(comment.join(" "))].join(" ").trim() };
    } catch {
      // The next may be one.
    }
  }
  if (lines.length === 1 && /^(ssh-|ecdsa-|sk-)/.test(first) && !first.includes("-cert-v0")) {
    throw new Failure(
      `${name} is a public key and no certificate`,
      "have it signed by the CA's people, and import what they send",
    );
  }
  throw new Failure(
    `${name} holds no certificate`,
    "give the one line that begins with its type, such as ssh-ed25519-cert-v01@openssh.com",
  );
}

/** The identity that the certificate is for. Throws Failure when none is. */
function ownerOf(call: CommandCall, config: Config, certificate: Certificate, named: string | null): IdentityFiles {
  const isFor = (files: IdentityFiles) => {
    const blob = publicKeyBlob(call.system, files);
    return blob !== null && equalBytes(blob, certificate.publicKey);
  };
  const fingerprint = sha256Fingerprint(certificate.publicKey);
  if (named !== null) {
    const files = identityFiles(named.startsWith("~/") ? config.paths.home + named.slice(1) : named);
    if (isFor(files)) return files;
    const isThere = call.system.may(files.key, "read") || call.system.may(files.publicKey, "read");
    if (!isThere) throw new Failure(`there is no key ${printable(files.key)}`, "name another with --identity");
    throw new Failure(
      `the certificate is for another key than ${printable(files.key)} (for ${fingerprint})`,
      "name the right one with --identity, or leave that out",
    );
  }
  const found = [config.settings.identityFile, ...keysIn(`${config.paths.home}/.ssh`)].map(identityFiles).find(isFor);
  if (found !== undefined) return found;
  throw new Failure(
    `the certificate is for the key ${fingerprint}, which is neither ${printable(config.settings.identityFile)} nor in ~/.ssh`,
    "name its private key with --identity, or have your own public key signed",
  );
}

function keysIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".pub") && !name.endsWith("-cert.pub"));
    return names.sort().map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function mark(call: CommandCall, state: string, files: IdentityFiles, certificate: Certificate, now: number): void {
  const ends = Number(certificate.validBefore);
  const others = importedIn(call.system, state).filter(
    (one) => one.ends > now / 1000 && one.path !== files.certificate,
  );
  const list = [...others, { certificate: markOf(certificate), path: files.certificate, ends }].slice(-MOST_IMPORTED);
  try {
    const strange = prepareFolder(state, "readable");
    if (strange !== null) throw new Error(strange);
    writePrivate(state, importedFile(state).slice(state.length + 1), `${JSON.stringify(list)}\n`);
  } catch {
    say(`the certificate is stored, but ${printable(state)} can't be written: a renewal may replace it`);
  }
}

function tell(
  call: CommandCall,
  config: Config,
  files: IdentityFiles,
  certificate: Certificate,
  done: { readonly isThere: boolean; readonly inAgent: boolean; readonly skewMs: number },
): void {
  const { settings } = config;
  const names = certificate.principals.map((name) => printable(name, 80)).join(", ");
  const end = timeText(certificate.validBefore);
  call.out(
    done.isThere
      ? `${printable(files.certificate)} is this certificate already: for ${names}, until ${end}`
      : `stored ${printable(files.certificate)}: for ${names}, until ${end}`,
  );
  call.out(`its key is ${printable(files.key)}${done.inAgent ? ", and the agent holds both" : ""}`);
  if (config.files.length === 0)
    call.out(`there is no config, so no host is known as yours: ssh -i ${printable(files.key)} HOST`);
  else if (files.key !== settings.identityFile) {
    call.out(`bssh takes it with -i ${printable(files.key)}, or always when that is identity_file in the config`);
  }
  if (Math.abs(done.skewMs) >= SKEW_TOLD_MS) {
    const minutes = Math.round(Math.abs(done.skewMs) / 60_000);
    say(
      `this machine's clock was ${minutes} minutes ${done.skewMs > 0 ? "slow" : "fast"} when AWS last told the time; ends are judged by AWS's`,
    );
  }
  const bound = certificate.criticalOptions.get("source-address");
  const { addresses } = wantedOf(call.system, config);
  if (bound !== undefined && Array.isArray(addresses) && !coversAll(bound, addresses)) {
    say(`the certificate is good from ${printable(bound)} only, and your address here is ${addresses.join(", ")}`);
  }
}
