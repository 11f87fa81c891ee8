import { Failure, printable } from "../../failure.ts";
import { WireError } from "../../wire/bytes.ts";
import { readOpenSshKey } from "../../wire/private-key.ts";
import { blobType, formatKeyLine, parsePublicKey } from "../../wire/public-key.ts";
import type { CommandCall } from "../call.ts";
import { usage } from "../words.ts";
import { textOf } from "./files.ts";
import { parseLists } from "./words.ts";

export const help = `
Prints a line for each key, for the file that TrustedUserCAKeys in sshd_config names. While the CA's key is being changed, servers
trust the old one and the new one: name both.

Where the keys are, each as often as need be:
  --key FILE           a file: public, or private (of which only the public half is printed)
  --kms KEY            a KMS key, by its ARN, id or alias
  --function NAME      the CA's function: the keys that it signs with, and those that it is told to name beside them
Options:
  --region REGION      AWS region of what is not named by an ARN
  --passphrase-file FILE  passphrase of a private key in PEM; asked on the terminal when not given
  --host-ca PATTERNS   prints lines for known_hosts instead, by which clients trust the hosts that match, as '*.example.com'

Example:
  $ bssh ca public-key --function bless --key new-ca.pub >trusted_user_ca_keys
`;

export const OPTIONS = {
  key: "list",
  kms: "list",
  function: "list",
  region: "value",
  "passphrase-file": "value",
  "host-ca": "value",
} as const;

/** `bssh ca public-key`: prints the CA's public keys; 0, or Failure. */
export async function publicKey(call: CommandCall): Promise<number> {
  const { values, list, rest } = parseLists("ca public-key", call.words, OPTIONS);
  if (rest.length > 0) throw usage("ca public-key", "bssh ca public-key takes no words beside its options");
  const [files, kms, functions] = [list("key"), list("kms"), list("function")];
  if (files.length + kms.length + functions.length === 0) {
    throw usage("ca public-key", "bssh ca public-key wants --key, --kms or --function");
  }
  const patterns = values.get("host-ca");
  const prefix = patterns === undefined ? "" : `@cert-authority ${checkPatterns(patterns)} `;
  const found: { blob: Uint8Array; comment: string }[] = [];
  for (const path of files) found.push(...(await keysIn(call, path, values.get("passphrase-file") ?? null)));
  if (kms.length + functions.length > 0) {
    const { askAws } = await import("./aws.ts");
    const aws = await askAws(call, values.get("region") ?? null);
    try {
      for (const key of kms) found.push({ blob: await aws.kmsKey(key), comment: key });
      for (const name of functions) {
        for (const blob of await aws.functionKeys(name)) found.push({ blob, comment: name });
      }
    } finally {
      aws.close();
    }
  }
  const lines = new Map(found.map(({ blob, comment }) => [blob.toHex(), formatKeyLine(blobType(blob), blob, comment)]));
  for (const line of lines.values()) call.out(`${prefix}${printable(line, 8192)}`);
  return 0;
}

/** The keys in a file: one private one, or public ones, a line each. */
async function keysIn(
  call: CommandCall,
  path: string,
  passphraseFile: string | null,
): Promise<{ blob: Uint8Array; comment: string }[]> {
  const text = textOf(call, path);
  try {
    if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
      const open = readOpenSshKey(text);
      if (open !== null) return [{ blob: open.publicKey, comment: "" }];
      const { openCaKey } = await import("./key.ts");
      return [{ blob: (await openCaKey(path, passphraseFile)).publicBlob, comment: "" }];
    }
    if (/-----BEGIN [A-Z0-9 ]*PUBLIC KEY-----/.test(text)) return [{ blob: await fromPem(text), comment: "" }];
    const lines = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
    if (lines.length === 0) throw new WireError("it is empty");
    return lines.map((line) => parsePublicKey(line));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new Failure(`${printable(path)} holds no key (${error.message})`, "name a file with a public or private key");
  }
}

async function fromPem(text: string): Promise<Uint8Array> {
  const [{ createPublicKey }, { publicBlob }] = await Promise.all([
    import("node:crypto"),
    import("../../wire/signature.ts"),
  ]);
  try {
    return publicBlob(createPublicKey(text));
  } catch {
    throw new WireError("PEM that ssh does not know");
  }
}

/** Patterns of known_hosts, sshd(8); one that fits every host would let this CA speak for all the world. */
function checkPatterns(patterns: string): string {
  const words = patterns.split(",");
  for (const word of words) {
    if (!/^!?[\p{L}\p{N}_.:*?[\]-]+$/u.test(word)) {
      throw usage("ca public-key", `--host-ca: ${printable(word, 60) || "an empty word"} is no pattern of host names`);
    }
    if (!word.startsWith("!") && !/[\p{L}\p{N}]/u.test(word)) {
      throw new Failure(
        `--host-ca: ${printable(word, 60)} would let this CA speak for every host there is`,
        "name the hosts of your organisation, as *.example.com",
        64,
      );
    }
  }
  if (words.every((word) => word.startsWith("!"))) throw usage("ca public-key", "--host-ca names only exceptions");
  return patterns;
}
