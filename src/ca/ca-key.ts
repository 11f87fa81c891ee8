/** The CA's key, opened as it is configured: inside KMS, or BLESS's way. */
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import type { CaAws } from "./aws.ts";
import type { KeySource } from "./deploy-config.ts";
import { openKeyFile } from "./key-file.ts";
import { openKmsKey } from "./kms-key.ts";

export type KeyParts = {
  readonly aws: Pick<CaAws, "decrypt" | "sign" | "publicKey">;
  /** A file beside the code; null when there is none of that name. */
  readonly readFile: (name: string) => Uint8Array | null;
};

/** An OpenSSH key with 16384 bits has 13 KiB. */
const MAX_FILE = 64 * 1024;

/** Rejects with AWS's error, or an Error that quotes nothing of key or passphrase. */
export async function openCaKey(source: KeySource, { aws, readFile }: KeyParts): Promise<CertificateSigner> {
  if (source.kind === "kms") return openKmsKey(aws, source.keyId);
  const { file: given, password, compression } = source;
  const packed = typeof given === "string" ? readFile(given) : given;
  if (packed === null) throw new Error("[Bless CA] ca_private_key_file names a file that is not there");
  // As BLESS encrypts it: without a context. It is bytes, and need be no text.
  const { plaintext } = await aws.decrypt(password, {});
  return openKeyFile(await unpacked(packed, compression), plaintext);
}

async function unpacked(bytes: Uint8Array, compression: "none" | "zlib" | "bz2"): Promise<Uint8Array> {
  if (compression === "none") return bytes;
  try {
    if (compression === "bz2") return (await import("./bzip2.ts")).bunzip2(bytes, MAX_FILE);
    const { inflateSync } = await import("node:zlib");
    return inflateSync(bytes, { maxOutputLength: MAX_FILE });
  } catch {
    throw new Error(
      `the CA's key is not compressed with ${compression}, as [Bless CA] ca_private_key_compression has it`,
    );
  }
}
