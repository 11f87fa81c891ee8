// What goes into a zip is copied around: a private key without a passphrase never does.
import { inflateSync } from "node:zlib";
import { bunzip2 } from "../../ca/bzip2.ts";
import { Failure, printable } from "../../failure.ts";
import { holdsPrivateKey, isEncrypted } from "./key-form.ts";

type Compression = "none" | "zlib" | "bz2";

/** As the function takes it (ca/ca-key.ts). */
const LARGEST = 64 * 1024;
/** Characters of base64 that are too few for a private key: Ed25519 in PKCS #8 has 64, and PEM's lines around it. */
const SHORTEST = 80;

/** Throws Failure unless the CA's key, packed as the config says, has a passphrase. `name` says where it stands. */
export function checkPrivateKey(bytes: Uint8Array, compression: Compression, name: string): void {
  const key = unpacked(bytes, compression);
  if (key === null)
    throw new Failure(`${printable(name)} is not packed with ${compression}`, "correct ca_private_key_compression");
  if (!holdsPrivateKey(key)) {
    throw new Failure(`${printable(name)} holds no private key`, "name the CA's key in PEM or OpenSSH's format");
  }
  if (!isEncrypted(key)) throw isPlain(name);
}

/**
 * Throws Failure when a file that goes into the zip holds a private key without a passphrase: as it stands, packed, or as base64
 * in a line of it, a comment's too.
 */
export function checkNoPlainKey(bytes: Uint8Array, name: string): void {
  const text = Buffer.from(bytes).toString("latin1");
  const inLines = text.match(new RegExp(`[A-Za-z0-9+/]{${SHORTEST},}={0,2}`, "g")) ?? [];
  for (const part of [bytes, ...inLines.map((base64) => new Uint8Array(Buffer.from(base64, "base64")))]) {
    for (const compression of ["none", "zlib", "bz2"] as const) {
      const key = unpacked(part, compression);
      if (key !== null && holdsPrivateKey(key) && !isEncrypted(key)) throw isPlain(name);
    }
  }
}

function unpacked(bytes: Uint8Array, compression: Compression): Uint8Array | null {
  try {
    if (compression === "none") return bytes;
    return compression === "bz2" ? bunzip2(bytes, LARGEST) : inflateSync(bytes, { maxOutputLength: LARGEST });
  } catch {
    return null;
  }
}

function isPlain(name: string): Failure {
  return new Failure(
    `the private key in ${printable(name)} has no passphrase`,
    "give it one with ssh-keygen -p, and encrypt that with KMS",
  );
}
