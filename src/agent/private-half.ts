import { type PrivatePart, privatePartOfJwk, readPrivatePart } from "../wire/private-part.ts";

/** Far more than any private key takes. */
const LONGEST = 64 * 1024;

/**
 * What an agent needs of a private key's file: OpenSSH's format, PEM or PKCS8. Null when it can't be had without the person
 * (the key is encrypted, or lies on a security key) or at all. Never throws.
 */
export async function readPrivateHalf(file: string): Promise<PrivatePart | null> {
  if (file.length > LONGEST) return null;
  try {
    if (file.includes("-----BEGIN OPENSSH PRIVATE KEY-----")) return readPrivatePart(file);
    const { createPrivateKey } = await import("node:crypto");
    return privatePartOfJwk(createPrivateKey(file).export({ format: "jwk" }));
  } catch {
    return null; // broken or encrypted; ssh itself says so when it comes to the file
  }
}
