import { randomBytes, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { auditLine, auditRecord } from "../../ca/audit.ts";
import type { Revocations } from "../../ca/revocations.ts";
import { Failure, printable } from "../../failure.ts";
import { WireError } from "../../wire/bytes.ts";
import { type CertificateOrder, type CertificateSigner, makeCertificate } from "../../wire/certificate-maker.ts";
import { sha256Fingerprint } from "../../wire/signature.ts";
import type { CommandCall } from "../call.ts";
import { type OptionTable, parseWords, usage } from "../words.ts";
import { appendRecord, checkAuditLog } from "./audit-log.ts";
import { isCertificate, readBounded, readPublicKey } from "./files.ts";
import { agentSigner, openCaKey } from "./key.ts";
import { readRevocations } from "./list.ts";
import { type ByHand, orderByHand } from "./order.ts";
import { isSameFile, placeAt, replaceWhole } from "./replace.ts";

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
  --revocations FILE      the list of what is revoked, by which it is refused (revocations.json beside the CA's key, if there)
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
  revocations: "value",
  out: "value",
  log: "value",
};

/** Bytes; OpenSSH's largest certificates have some 20 KiB. */
const LARGEST_CERTIFICATE = 64 * 1024;

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
  const log = values.get("log") ?? join(dirname(caFile), "ca-log.jsonl");
  checkOutput(output);
  checkAuditLog(log);
  if (isSameFile(output, log)) throw usage("ca sign", "--out and --log are the same file");
  const revocations = revocationsFor(caFile, values.get("revocations") ?? null);
  const passphraseFile = values.get("passphrase-file") ?? null;

  // Before the passphrase is asked for.
  refuseRevoked(revocations, orderByHand(wish, null));
  const signer = values.has("key") ? await openCaKey(caFile, passphraseFile) : agentSigner(call, caFile);
  const ordered = orderByHand(wish, signer.publicBlob);
  const { order, user } = ordered;
  refuseRevoked(revocations, ordered, signer.publicBlob);
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
  appendRecord(
    log,
    auditLine(auditRecord(asked, { order, ca: sha256Fingerprint(signer.publicBlob) }, invocation, now)),
  );
  const note = replaceWhole(output, new TextEncoder().encode(`${line}\n`), { mode: 0o644 });
  if (note !== null) call.out(note);
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

/** A key is not written over, nor anything else but a certificate. */
function checkOutput(path: string): void {
  placeAt(path);
  const there = new TextDecoder("latin1").decode(readBounded(path, LARGEST_CERTIFICATE) ?? new Uint8Array(0)).trim();
  if (there === "" || isCertificate(there)) return;
  throw new Failure(`${printable(path)} is there and no certificate`, "name another file with --out");
}

/** The list that is named, which must be there, or the one beside the CA's key. */
function revocationsFor(caFile: string, path: string | null): Revocations | null {
  const found = readRevocations(path ?? join(dirname(caFile), "revocations.json"));
  if (found !== null || path === null) return found;
  throw new Failure(`there is no list ${printable(path)}`, "check the path of --revocations");
}

/** As the CA's function refuses: by the key, the person and the names, and by the CA's own key once it is known. */
function refuseRevoked(
  revocations: Revocations | null,
  { order, user }: ReturnType<typeof orderByHand>,
  ca?: Uint8Array,
): void {
  if (revocations === null) return;
  const next = "nothing is signed for what is revoked";
  if (revocations.isRevokedKey(order.publicKey)) throw new Failure("the key is revoked", next);
  if (ca !== undefined && revocations.isRevokedKey(ca)) throw new Failure("the CA's own key is revoked", next);
  const name = [user, ...order.principals].find((one) => revocations.isRevokedPerson(one));
  if (name !== undefined) throw new Failure(`${printable(name, 60)} is revoked`, next);
}

/** Who signs: the number is the system's, the name the environment's, where it has one. */
function operator(environment: CommandCall["environment"]): string {
  const name = environment["SUDO_USER"] || environment["USER"] || "";
  return `uid ${process.getuid?.() ?? "?"}${name === "" ? "" : ` (${printable(name, 60)})`} on ${hostname()}`;
}
