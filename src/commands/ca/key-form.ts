// What can be seen of a private key's file without its passphrase.
import { encodeText, makeReader } from "../../wire/bytes.ts";

/** A private key in a file's text. */
type Block = { readonly label: string; readonly body: string };

/** OIDs in DER: id-scrypt of RFC 7914, id-dsa of RFC 3279. */
const SCRYPT = "06092b06010401da47040b";
const DSA = "06072a8648ce380401";
const MAGIC = encodeText("openssh-key-v1\0");

/** Whether a file holds a private key, and every one in it has a passphrase. */
export function isEncrypted(file: Uint8Array): boolean {
  const blocks = blocksIn(file);
  return blocks.length > 0 && blocks.every(isLocked);
}

/** Whether a file holds a private key. */
export function holdsPrivateKey(file: Uint8Array): boolean {
  return blocksIn(file).length > 0;
}

/** Why no CA can have the key, to be read behind its path, and what to do; null when nothing is seen. */
export function kindFault(file: Uint8Array): readonly [fault: string, next: string] | null {
  for (const { label, body } of blocksIn(file)) {
    const der = Buffer.from(body.replace(/^[\w-]+:.*$/gm, ""), "base64").toString("hex");
    if (label.startsWith("DSA") || der.includes(DSA) || openSshParts({ label, body })?.type === "ssh-dss") {
      return ["is a DSA key, which OpenSSH takes no certificates from", "name a key of another kind"];
    }
    if (label.startsWith("ENCRYPTED") && der.includes(SCRYPT)) {
      return [
        "has its passphrase stretched by scrypt, which bssh cannot read",
        "write it anew with openssl pkcs8 -topk8 -v2 aes256",
      ];
    }
  }
  return null;
}

function blocksIn(file: Uint8Array): Block[] {
  const text = Buffer.from(file).toString("latin1");
  const found = text.matchAll(/-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----([\s\S]*?)(?:-----END|$)/g);
  return [...found].map(([, label = "", body = ""]) => ({ label, body }));
}

function isLocked(block: Block): boolean {
  if (block.label.startsWith("ENCRYPTED")) return true;
  if (!block.label.startsWith("OPENSSH")) return /^Proc-Type:.*ENCRYPTED/m.test(block.body);
  const parts = openSshParts(block);
  return parts !== null && parts.cipher !== "none";
}

/** The open part of OpenSSH's own format, PROTOCOL.key; null when it is another, or broken. */
function openSshParts({ label, body }: Block): { readonly cipher: string; readonly type: string } | null {
  if (!label.startsWith("OPENSSH")) return null;
  try {
    const reader = makeReader(new Uint8Array(Buffer.from(body, "base64")));
    if (!MAGIC.every((byte) => reader.u8() === byte)) return null;
    const cipher = reader.text();
    reader.text(); // the key derivation's name
    reader.string(); // and its options
    reader.u32(); // how many keys
    return { cipher, type: makeReader(reader.string()).text() };
  } catch {
    return null; // whoever opens it says what is wrong
  }
}
