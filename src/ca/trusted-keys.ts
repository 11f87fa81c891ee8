import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { blobType, formatPublicKey, parsePublicKey } from "../wire/public-key.ts";

/** Lines of the public keys that sshd is to trust: the CA's own, and those of the file beside it. Throws for a line that is none. */
export function trustedLines(signer: CertificateSigner, file: string | null): readonly string[] {
  const lines = (file ?? "").split("\n").filter((line) => !/^\s*(#|$)/.test(line));
  const own = { type: blobType(signer.publicBlob), blob: signer.publicBlob, comment: "" };
  return [own, ...lines.map(parsePublicKey)].map(formatPublicKey);
}
