/** Whether a kmsauth token proves who asks: KMSTokenValidator of python-kmsauth, with its messages, for `2/user/NAME`. */
import { decodeBase64, decodeText } from "../wire/bytes.ts";
import { kmsauthContext, parseValidity, type Validity } from "../wire/kmsauth.ts";
import type { CheckedRequest } from "./policy.ts";
import type { KmsauthSettings } from "./settings.ts";

/** KMS Decrypt: throws when the context is not the one of the encryption, or KMS does not answer. */
export type Decrypt = (
  ciphertext: Uint8Array,
  encryptionContext: Record<string, string>,
) => Promise<{ readonly plaintext: Uint8Array; readonly keyId: string }>;

/** Why a token is refused; the message goes to the caller and holds nothing of the token. */
export type Refusal = { readonly errorMessage: string; readonly cause: string };

/** auth_token_max_lifetime of python-kmsauth. */
const MAX_LIFETIME = 60 * 60 * 1000;

/** Whether the user may have these principals at all, as BLESS decides it; null when so. */
export function principalsRefusal(request: CheckedRequest, settings: KmsauthSettings): Refusal | null {
  const { remoteUsernamesAllowed: allowed } = settings;
  if (allowed.length === 0) {
    if (request.remoteUsernames === request.user) return null;
    return refusal("remote_usernames must be the same as bastion_user");
  }
  if (allowed.length === 1 && allowed[0] === "*") return null;
  if (request.principals.every((name) => allowed.includes(name))) return null;
  return refusal(`unallowed remote_usernames [${request.remoteUsernames}]`);
}

/**
 * Whether `token` is the user's own and good at `now` (milliseconds since the epoch); null when it is.
 *
 * python-kmsauth takes the seconds within the last day for the whole span, and so accepts a token of thirty days and an
 * hour; here the whole span counts.
 */
export async function tokenRefusal(
  token: string,
  user: string,
  settings: KmsauthSettings,
  decrypt: Decrypt,
  now: number,
): Promise<Refusal | null> {
  // It takes the name apart at its slashes and knows only version/type/name.
  if (user.includes("/")) return refusal("Unsupported username format.");

  let text: string;
  try {
    const context = kmsauthContext({ from: user, to: settings.service, userType: "user" });
    const { plaintext, keyId } = await decrypt(decodeBase64(token), context);
    if (!settings.keyArns.includes(keyId)) return refusal("Authentication error (wrong KMS key).");
    text = decodeText(plaintext);
    JSON.parse(text);
  } catch (error) {
    return refusal("Authentication error. General error.", nameOf(error));
  }

  let validity: Validity;
  try {
    validity = parseValidity(text);
  } catch {
    return refusal("Authentication error. Missing validity.");
  }
  const { notBefore, notAfter } = validity;
  if (notAfter - notBefore > MAX_LIFETIME) return refusal("Authentication error. Token lifetime exceeded.");
  if (now < notBefore || now > notAfter) return refusal("Authentication error. Invalid time validity for token.");
  return null;
}

function refusal(errorMessage: string, cause = ""): Refusal {
  return { errorMessage, cause };
}

/** The name of an error is its kind; its message could quote what must not be logged. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name.slice(0, 64) : "unknown";
}
