// What the tests of src/identity share: folders of their own, identities made by bssh, certificates of any kind for them.

import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IdentityFiles, identityFiles } from "../../src/identity/files.ts";
import { storeNewKey, storePublicKey } from "../../src/identity/store.ts";
import { type CertificateOrder, makeCertificate } from "../../src/wire/certificate-maker.ts";
import { makeOpenSshKey, type PrivateJwk } from "../../src/wire/private-key.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes } from "../../src/wire/signature.ts";

export { system } from "./system.ts";

const folders: string[] = [];

/** A folder that removeFolders takes away. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bssh-identity-"));
  folders.push(folder);
  return folder;
}

/** For the afterAll of every file that makes folders or identities: one here would belong to the first file only. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export type Authority = { readonly privateKey: KeyObject; readonly line: string };

export function makeAuthority(): Authority {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { privateKey, line: formatPublicKey({ type: "ssh-ed25519", blob: publicBlob(privateKey), comment: "CA" }) };
}

export const authority = makeAuthority();

/** A public key's blob of a key that is nowhere else. */
export function strangeKey(): Uint8Array {
  return publicBlob(generateKeyPairSync("ed25519").privateKey);
}

/** An identity on disk, without a certificate. */
export function makeIdentity(name = "blessid"): { readonly files: IdentityFiles; readonly publicKey: Uint8Array } {
  const files = identityFiles(join(freshFolder(), name));
  const { privateKey } = generateKeyPairSync("ed25519");
  storeNewKey(files, makeOpenSshKey(privateKey.export({ format: "jwk" }) as PrivateJwk, "test"));
  const publicKey = publicBlob(privateKey);
  storePublicKey(files, formatPublicKey({ type: "ssh-ed25519", blob: publicKey, comment: "test" }));
  return { files, publicKey };
}

/** 2027-01-15 08:00 UTC, in milliseconds: the tests' now. */
export const NOW = 1_800_000_000_000;

/** A certificate for alice that is good now for half an hour, with wishes. */
export function certificateLine(
  publicKey: Uint8Array,
  wishes: Partial<CertificateOrder> = {},
  by = authority,
): Promise<string> {
  const seconds = BigInt(NOW / 1000);
  return makeCertificate(
    {
      publicKey,
      kind: "user",
      serial: 7n,
      keyId: "alice",
      principals: ["alice"],
      validAfter: seconds - 120n,
      validBefore: seconds + 1800n,
      criticalOptions: new Map(),
      extensions: new Map([["permit-pty", ""]]),
      nonce: new Uint8Array(randomBytes(32)),
      ...wishes,
    },
    { publicBlob: publicBlob(by.privateKey), sign: (bytes) => signBytes(by.privateKey, bytes) },
  );
}

export const text = (path: string): string => readFileSync(path, "utf8");

/** The sentence that `run` fails with. */
export async function sentenceOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    const { name, sentence } = error as { name: string; sentence?: string };
    if (name === "Failure" && sentence !== undefined) return sentence;
    throw error;
  }
  throw new Error("nothing was thrown");
}
