// A home with an identity whose certificate is good, and a config by which hosts are ours.
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IdentityFiles, identityFiles } from "../../src/identity/files.ts";
import { storeCertificate, storeNewKey } from "../../src/identity/store.ts";
import { makeOpenSshKey, type PrivateJwk } from "../../src/wire/private-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { certificateLine } from "../identity/support.ts";

export type Home = {
  readonly folder: string;
  readonly files: IdentityFiles;
  /** What an environment needs to have it in force. */
  readonly environment: Readonly<Record<string, string>>;
  /** The words that ssh is given for a host of ours. */
  readonly inserted: readonly string[];
  remove(): void;
};

/** Makes the home; `certified` is how many seconds the certificate is good for, 0 for none. */
export async function makeHome(pattern: string, certified = 3600, more: readonly string[] = []): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), "bssh-home-"));
  const files = identityFiles(join(folder, ".ssh", "blessid"));
  const { privateKey } = generateKeyPairSync("ed25519");
  storeNewKey(files, makeOpenSshKey(privateKey.export({ format: "jwk" }) as PrivateJwk, "test"));
  const now = BigInt(Math.floor(Date.now() / 1000));
  if (certified > 0) {
    const ends = { validAfter: now - 120n, validBefore: now + BigInt(certified) };
    storeCertificate(files, await certificateLine(publicBlob(privateKey), ends));
  }
  mkdirSync(join(folder, ".config", "bssh"), { recursive: true });
  const config = join(folder, ".config", "bssh", "config.toml");
  writeFileSync(config, [`domain_regex = '${pattern}'`, `identity_file = '${files.key}'`, ...more, ""].join("\n"));
  return {
    folder,
    files,
    environment: { HOME: folder, BSSH_CONFIG: config, PATH: process.env["PATH"] ?? "" },
    inserted: ["-o", `CertificateFile=${files.certificate}`, "-i", files.key],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
