import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { auditRecord } from "../ca/audit.ts";
import { Failure, printable } from "../failure.ts";
import { describeErrno } from "../issue/private-files.ts";
import { WireError } from "../wire/bytes.ts";
import { type CertificateOrder, type CertificateSigner, makeCertificate } from "../wire/certificate-maker.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { readPublicKey, replaceWhole } from "./ca-files.ts";
import { agentSigner, openCaKey } from "./ca-key.ts";
import { type ByHand, orderByHand } from "./ca-order.ts";
import type { CommandCall } from "./call.ts";
import { type OptionTable, parseWords, usage } from "./words.ts";

export const help = `
For the day when AWS or the CA's function is out of reach: whoever holds the spare CA key signs KEY.pub by hand. Nothing of AWS
is used, and no network. Every certificate leaves an audit line in a log beside the key before it is written.

The CA's key, one of these:
  --key FILE              private key, in OpenSSH's format or PEM; others may not read it
  --agent FILE.pub        public half of a key that the ssh-agent holds (on a token, say)
  --passphrase-file FILE  the key's passphrase; others may not read it; - is standard input. Asked on the terminal when not given
What is signed:
  --principals A,B        login names, or with --host names of the host
  --user NAME             whom it is for (the first principal)
  --host                  a certificate for a host's key
  --hours N               how long it is good: 1, at most 24; for a host 24, at most 720
  --end TIME              until when instead, as 2024-05-06T07:08:09Z
  --source-address LIST   addresses and networks that it is good from (any)
  --key-id TEXT           what sshd logs (break-glass for[NAME] …)
  --serial N              serial number (random)
Where to:
  --out FILE              the certificate (KEY-cert.pub beside KEY.pub)
  --log FILE              the audit log (ca-log.jsonl beside the CA's key)

Example:
  $ bssh ca sign --key /media/vault/ca --principals alice --hours 4 alice.pub
`;

export const OPTIONS: OptionTable = {
  key: "value",
  agent: "value",
  "passphrase-file": "value",
  principals: "value",
  user: "value",
  host: "flag",
  hours: "value",
  end: "value",
  "source-address": "value",
  "key-id": "value",
  serial: "value",
  out: "value",
  log: "value",
};

/** `bssh ca sign`: one certificate by hand; 0, or Failure and no certificate. */
export async function sign(call: CommandCall): Promise<number> {
  const { flags, values, rest } = parseWords("ca sign", call.words, OPTIONS);
  const [path, ...more] = rest;
  if (path === undefined || more.length > 0) throw usage("ca sign", "bssh ca sign wants one public key, a .pub file");
  const caFile = values.get("key") ?? values.get("agent");
  if (caFile === undefined || (values.has("key") && values.has("agent"))) {
    throw usage("ca sign", "bssh ca sign wants the CA's key: --key or --agent");
  }
  const now = Date.now();
  const wish: ByHand = {
    publicKey: readPublicKey(call, path),
    kind: flags.has("host") ? "host" : "user",
    principals: values.get("principals") ?? null,
    user: values.get("user") ?? null,
    hours: values.get("hours") ?? null,
    end: values.get("end") ?? null,
    sourceAddress: values.get("source-address") ?? null,
    keyId: values.get("key-id") ?? null,
    serial: values.get("serial") ?? null,
    requestId: randomUUID(),
    now,
    random: (count) => new Uint8Array(randomBytes(count)),
  };
  const output = values.get("out") ?? `${path.replace(/\.pub$/, "")}-cert.pub`;
  checkOutput(call, output);
  const log = values.get("log") ?? join(dirname(caFile), "ca-log.jsonl");
  const passphraseFile = values.get("passphrase-file") ?? null;

  // Before the passphrase is asked for.
  orderByHand(wish, null);
  const signer = values.has("key") ? await openCaKey(caFile, passphraseFile) : agentSigner(call, caFile);
  const { order, user } = orderByHand(wish, signer.publicBlob);
  const line = await signed(order, signer);
  const asked = {
    kind: wish.kind,
    user,
    proof: "by-hand",
    command: `bssh ca sign, by ${operator(call.environment)}`,
    publicKey: order.publicKey,
    ...(wish.sourceAddress === null ? {} : { sourceAddress: wish.sourceAddress }),
  } as const;
  const invocation = { requestId: wish.requestId, functionArn: "break-glass" };
  append(log, JSON.stringify(auditRecord(asked, { order, ca: sha256Fingerprint(signer.publicBlob) }, invocation, now)));
  replaceWhole(output, new TextEncoder().encode(`${line}\n`), 0o644);
  call.out(printable(output, 4096));
  const end = new Date(Number(order.validBefore) * 1000).toISOString().replace(".000Z", "Z");
  call.out(
    wish.kind === "user"
      ? `good until ${end}, serial ${order.serial}; ${printable(user)} takes it with bssh import ${printable(output)}`
      : `good until ${end}, serial ${order.serial}; name it as HostCertificate in the host's sshd_config`,
  );
  return 0;
}

async function signed(order: CertificateOrder, signer: CertificateSigner): Promise<string> {
  try {
    return await makeCertificate(order, signer);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new Failure(`no certificate could be made: ${error.message}`, "try another key");
  }
}

/** A key is not written over. */
function checkOutput(call: CommandCall, path: string): void {
  const there = call.readText(path);
  if (there === null || there.trim() === "" || /-cert-v01@openssh\.com /.test(there)) return;
  throw new Failure(`${printable(path)} is there and no certificate`, "name another file with --out");
}

/** Adds a line to the audit log, and sees it on the disk. Throws Failure: without it there is no certificate. */
function append(path: string, line: string): void {
  try {
    const file = openSync(path, "a+", 0o600);
    try {
      // What a full disk cut off must not take this line with it.
      const last = Buffer.alloc(1);
      const { size } = fstatSync(file);
      const isCut = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 10;
      const bytes = Buffer.from(`${isCut ? "\n" : ""}${line}\n`);
      if (writeSync(file, bytes) !== bytes.length) throw Object.assign(new Error("short"), { code: "ENOSPC" });
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Failure(
      `the audit log ${printable(path)} cannot be written: ${describeErrno(error)}`,
      "nothing is signed without it: name another with --log",
    );
  }
}

/** Who signs: the number is the system's, the name the environment's, where it has one. */
function operator(environment: CommandCall["environment"]): string {
  const name = environment["SUDO_USER"] || environment["USER"] || "";
  return `uid ${process.getuid?.() ?? "?"}${name === "" ? "" : ` (${printable(name, 60)})`} on ${hostname()}`;
}
