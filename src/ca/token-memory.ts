/** Tokens that were opened once need no KMS a second time: python-kmsauth keeps 4096 of them too. */
import { createHash } from "node:crypto";
import type { CaAws } from "./aws.ts";

/** As in python-kmsauth; an entry is some 200 bytes. */
const MOST = 4096;

type Opened = Awaited<ReturnType<CaAws["decrypt"]>>;

/**
 * `decrypt` with a memory as long as the container's life. What KMS refused is asked again. Nothing is decided here: whether a
 * token is still good is looked at each time. The digest stands for the token, so that no token lies in memory.
 */
export function rememberingDecrypt(decrypt: CaAws["decrypt"]): CaAws["decrypt"] {
  const memory = new Map<string, Opened>();
  return async (ciphertext, context) => {
    const digest = createHash("sha256").update(ciphertext).digest("base64");
    const name = JSON.stringify([digest, Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1))]);
    const old = memory.get(name);
    if (old !== undefined) {
      // The one used longest ago stands first.
      memory.delete(name);
      memory.set(name, old);
      return old;
    }
    const opened = await decrypt(ciphertext, context);
    memory.set(name, opened);
    for (const first of memory.keys()) {
      if (memory.size <= MOST) break;
      memory.delete(first);
    }
    return opened;
  };
}
