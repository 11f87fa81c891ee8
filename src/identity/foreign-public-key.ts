import sshpk from "sshpk";
import { formatPublicKey, parsePublicKey } from "../wire/public-key.ts";

/** Far more than any public key takes. */
const LONGEST = 65_536;

/**
 * Line of a public key that another tool wrote: RFC 4716 (`---- BEGIN SSH2 PUBLIC KEY ----`), PKCS1 and PKCS8 PEM, as sshpk
 * reads them. Null when it is none.
 */
export function readForeignPublicKey(text: string): string | null {
  if (text.length > LONGEST) return null;
  try {
    const [type = "", base64 = ""] = sshpk.parseKey(text, "auto").toString("ssh").split(" ");
    return formatPublicKey(parsePublicKey(`${type} ${base64}`));
  } catch {
    return null;
  }
}
