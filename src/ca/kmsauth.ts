/** Whether a kmsauth token proves who asks: KMSTokenValidator of python-kmsauth, with its messages, and ours bound to a key. */
import { decodeBase64, decodeText } from "../wire/bytes.ts";
import { type Binding, kmsauthContext, parseValidity, type Validity } from "../wire/kmsauth.ts";
import type { CaAws } from "./aws.ts";
import { nameOf } from "./cause.ts";
import type { CheckedRequest } from "./policy.ts";
import type { CaSettings, KmsauthSettings } from "./settings.ts";

/** KMS Decrypt: throws when the context is not the one of the encryption, or KMS does not answer. */
export type Decrypt = CaAws["decrypt"];

/** Why a proof is refused; the message goes to the caller and holds nothing of the proof. */
export type Refusal = { readonly errorMessage: string; readonly cause: string };

/** auth_token_max_lifetime of python-kmsauth. */
const MAX_LIFETIME_SECONDS = 3600;

/** Far above any ciphertext of KMS, which ends at 6144 bytes. */
const MAX_TOKEN = 8192;

/** Whether the user may have these principals at all, as BLESS decides it; null when so. */
export function principalsRefusal(request: CheckedRequest, settings: CaSettings): Refusal | null {
  const { remoteUsernamesAllowed: allowed } = settings;
  if (allowed.length === 0) {
    if (request.remoteUsernames === request.user) return null;
    return refusal("remote_usernames must be the same as bastion_user");
  }
  if (allowed.length === 1 && allowed[0] === "*") return null;
  if (request.principals.every((name) => allowed.includes(name))) return null;
  return refusal(`unallowed remote_usernames [${request.remoteUsernames}]`);
}

/** Whether the user is in the IAM group that each principal asks for; null when so. Rejects when IAM does not answer. */
export async function groupsRefusal(
  request: CheckedRequest,
  { groups: rule, remoteUsernamesAllowed: allowed }: CaSettings,
  groupsOf: CaAws["groupsOf"],
): Promise<Refusal | null> {
  if (rule === null || allowed.length === 0) return null;
  const groups = await groupsOf(request.user).catch(noneOfNobody);
  for (const principal of request.principals) {
    const wanted = rule.nameFormat.replaceAll("{}", () => principal);
    if (!groups.includes(wanted)) return refusal(`user ${request.user} is not in the ${wanted} iam group`);
  }
  return null;
}

/** Who is no IAM user is in no group of IAM. */
function noneOfNobody(error: unknown): readonly string[] {
  if (nameOf(error) === "NoSuchEntity") return [];
  throw error;
}

/** A token that is good: whether it was bound to the key. */
export type GoodToken = { readonly bound: boolean };

/**
 * Whether `token` is the user's own and good at `now` (milliseconds since the epoch), for the key with the fingerprint
 * `publicKey` where it is bound to one.
 *
 * python-kmsauth takes the seconds within the last day for the whole span, and so accepts a token of thirty days and an
 * hour; here the whole span counts.
 */
export async function checkToken(
  { token, user, publicKey }: { readonly token: string; readonly user: string; readonly publicKey: string },
  settings: KmsauthSettings,
  decrypt: Decrypt,
  now: number,
): Promise<GoodToken | Refusal> {
  // It takes the name apart at its slashes and knows only version/type/name.
  if (user.includes("/")) return refusal("Unsupported username format.");
  const { services = null, bindPublicKey = "accept" } = settings;
  const isService = services?.names.includes(user) ?? false;
  const keyArns = isService ? (services?.keyArns ?? []) : settings.keyArns;

  const opened = await open(token, bindingsFor(user, settings.service, isService, bindPublicKey, publicKey), decrypt);
  if ("errorMessage" in opened) return opened;
  if (!keyArns.includes(opened.keyId)) return refusal("Authentication error (wrong KMS key).");
  let validity: Validity;
  try {
    validity = parseValidity(opened.plaintext);
  } catch (error) {
    return isJson(opened.plaintext)
      ? refusal("Authentication error. Missing validity.")
      : refusal("Authentication error. General error.", nameOf(error));
  }
  const { notBefore, notAfter } = validity;
  const longest = 1000 * (settings.maxLifetimeSeconds ?? MAX_LIFETIME_SECONDS);
  if (notAfter - notBefore > longest) return refusal("Authentication error. Token lifetime exceeded.");
  if (now < notBefore || now > notAfter) return refusal("Authentication error. Invalid time validity for token.");
  if (bindPublicKey === "require" && !opened.bound) {
    return refusal("Authentication error. The token must be bound to the public key.");
  }
  return { bound: opened.bound };
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(decodeText(bytes));
    return true;
  } catch {
    return false;
  }
}

/** What the token may be bound to, the strictest first. KMS tells whether it is: by decrypting, or not. */
function bindingsFor(
  from: string,
  to: string,
  isService: boolean,
  binding: KmsauthSettings["bindPublicKey"],
  publicKey: string,
): Binding[] {
  const userTypes = isService ? [{ userType: "service" }, {}] : [{ userType: "user" }];
  const plain = userTypes.map((userType) => ({ from, to, ...userType }));
  return binding === "off" ? plain : [...plain.map((context) => ({ ...context, publicKey })), ...plain];
}

type Opened = { readonly plaintext: Uint8Array; readonly keyId: string; readonly bound: boolean };

async function open(token: string, bindings: readonly Binding[], decrypt: Decrypt): Promise<Opened | Refusal> {
  let cause = "";
  let ciphertext: Uint8Array;
  try {
    if (token.length > MAX_TOKEN) throw new RangeError("too long");
    ciphertext = decodeBase64(token);
  } catch (error) {
    return refusal("Authentication error. General error.", nameOf(error));
  }
  for (const binding of bindings) {
    try {
      const { plaintext, keyId } = await decrypt(ciphertext, kmsauthContext(binding));
      return { plaintext, keyId, bound: binding.publicKey !== undefined };
    } catch (error) {
      cause = nameOf(error);
      // Only this says that the context was another one; whatever else went wrong would go wrong again.
      if (cause !== "InvalidCiphertextException" && cause !== "AccessDeniedException") break;
    }
  }
  return refusal("Authentication error. General error.", cause);
}

function refusal(errorMessage: string, cause = ""): Refusal {
  return { errorMessage, cause };
}
