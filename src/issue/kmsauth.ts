// The token by which KMS vouches for the user (lyft/python-kmsauth): a text with a validity, encrypted under a key that only the
// user, by name and after a second factor, may encrypt with.
import type { Region } from "../config/settings.ts";
import { Failure } from "../failure.ts";
import { encodeBase64, encodeText } from "../wire/bytes.ts";
import { formatValidity, kmsauthContext } from "../wire/kmsauth.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { bindsTokens } from "./binding.ts";
import { asText, type Kind } from "./cache.ts";
import type { Caller } from "./caller.ts";
import { call, type Errand, kept } from "./errand.ts";
import { CallFailure, garbage } from "./errors.ts";
import { isRoleSession } from "./identity-proof.ts";
import type { Keys } from "./keys.ts";

/** Three minutes to travel, and for clocks that disagree; python-kmsauth's own margin. */
const MARGIN_MS = 180_000;

/** A token that was made by a clock so much wrong is made again. */
const WRONG_MS = 60_000;

const TOKEN: Kind<string> = { name: "kmsauth", marginMs: MARGIN_MS, parse: (value) => asText(value, 16_384) };

/** A token as it goes to the CA. */
export type KmsauthToken = {
  /** "" when none is wanted. */
  readonly text: string;
  /** True when it is good for one public key only. */
  readonly isBound: boolean;
};

/** No token, for a CA that wants none. */
export const NO_TOKEN: KmsauthToken = { text: "", isBound: false };

/**
 * The kmsauth token for the region: kept, or made with the session, which is not asked for before. Once the CA offers to bind
 * them, one that is bound to nothing is sent only where the key's policy allows no other. None when no service is configured.
 * Throws Failure.
 */
export async function kmsauthToken(
  errand: Errand,
  region: Region,
  caller: Caller,
  session: () => Promise<Keys>,
): Promise<KmsauthToken> {
  const [wanted, ...others] = tokenKeys(errand, region, caller);
  if (wanted === undefined) return NO_TOKEN;
  for (const { key, isBound } of [wanted, ...others]) {
    const text = kept(errand, TOKEN, key, { what: "Encrypt", where: `kms ${region.awsRegion}` });
    if (text !== null) return { text, isBound };
  }
  if (wanted.isBound) forgetUnbound(errand, region, caller);
  const keys = await session();
  try {
    return await makeToken(errand, region, caller, keys, wanted);
  } catch (error) {
    // A key's policy may allow BLESS's own encryption context and no other.
    const [plain] = others;
    if (!isDenied(error)) throw error;
    if (plain === undefined) throw explained(error, caller, wanted.isBound);
    errand.order.trace("KMS denies a token that is bound to the public key; making one that is bound to none");
    try {
      return await makeToken(errand, region, caller, keys, plain);
    } catch (again) {
      throw isDenied(again) ? explained(again, caller, false) : again;
    }
  }
}

function isDenied(error: unknown): error is CallFailure {
  return error instanceof CallFailure && error.trouble === "denied";
}

/** Forgets the token that was made before the CA offered to bind them. */
function forgetUnbound(errand: Errand, region: Region, caller: Caller): void {
  const { kmsauthService: service } = errand.order.settings;
  if (service !== null) errand.cache.forget(TOKEN, plainKey(errand, region, caller, service));
}

async function makeToken(
  errand: Errand,
  region: Region,
  caller: Caller,
  keys: Keys,
  { key, isBound }: TokenKey,
): Promise<KmsauthToken> {
  const { kmsauthService, kmsauthSeconds } = errand.order.settings;
  const { awsRegion } = region;
  const about = { service: "KMS", action: "Encrypt", region: awsRegion, key: region.kmsauthKey, user: caller.userName };
  let notAfter = 0;
  // By the clock as it is then.
  const input = () => {
    const notBefore = errand.clock.now() - MARGIN_MS;
    notAfter = notBefore + kmsauthSeconds * 1000;
    return {
      KeyId: region.kmsauthKey,
      Plaintext: encodeText(formatValidity(notBefore, notAfter)),
      EncryptionContext: kmsauthContext({
        from: caller.userName,
        to: kmsauthService ?? "",
        userType: "user",
        ...(isBound ? { publicKey: fingerprint(errand) } : {}),
      }),
    };
  };
  const encrypt = () =>
    call(errand, about, (abortSignal) =>
      errand.clients.kms(awsRegion, keys, (client, sdk) =>
        client.send(new sdk.EncryptCommand(input()), { abortSignal }),
      ),
    );
  const before = errand.clock.skewMs;
  let answer = await encrypt();
  // The SDK tries again by the right clock with what it was given by the wrong one.
  if (Math.abs(errand.clock.skewMs - before) > WRONG_MS) answer = await encrypt();
  if (!(answer.CiphertextBlob instanceof Uint8Array) || answer.CiphertextBlob.length === 0) throw garbage(about);
  const text = encodeBase64(answer.CiphertextBlob);
  errand.cache.keep(TOKEN, key, text, notAfter);
  return { text, isBound };
}

/** True when the token in use was kept from an earlier login. */
export function isOldToken(errand: Errand, region: Region, caller: Caller): boolean {
  return tokenKeys(errand, region, caller).some(({ key }) => errand.cache.isOld(TOKEN, key));
}

export function forgetToken(errand: Errand, region: Region, caller: Caller): void {
  for (const { key } of tokenKeys(errand, region, caller)) errand.cache.forget(TOKEN, key);
}

/** For whom and what a token is. */
type TokenKey = { readonly key: readonly string[]; readonly isBound: boolean };

/** The tokens that may be sent, the kind that is made first; none where no service is configured. */
function tokenKeys(errand: Errand, region: Region, caller: Caller): readonly TokenKey[] {
  const { kmsauthService: service, kmsauthBinding } = errand.order.settings;
  if (service === null) return [];
  const key = plainKey(errand, region, caller, service);
  if (!bindsTokens(errand, region)) return [{ key, isBound: false }];
  const bound = { key: [...key, fingerprint(errand)], isBound: true };
  // Not the one that was made before the offer.
  return kmsauthBinding === "on" ? [bound] : [bound, { key: [...key, "all the same"], isBound: false }];
}

function plainKey({ source, order }: Errand, region: Region, caller: Caller, service: string): readonly string[] {
  const { kmsauthSeconds } = order.settings;
  return [source.id, caller.arn, region.awsRegion, region.kmsauthKey, service, String(kmsauthSeconds)];
}

/** `SHA256:…` of the key that is to be certified. */
function fingerprint({ order }: Errand): string {
  return sha256Fingerprint(parsePublicKey(order.publicKey.trim()).blob);
}

/** What KMS denies for a reason that the person's own settings can cure is told with it. */
function explained(error: CallFailure, caller: Caller, isBound: boolean): Failure {
  if (isRoleSession(caller)) {
    const next =
      'set identity_proof = "auto" where the CA takes a proof of identity, else use the credentials of an IAM user';
    return new Failure(`${error.message}, which is the session of a role`, next);
  }
  if (!isBound) return error;
  const next = 'have the key\'s policy allow public_key in the encryption context, or set kmsauth_binding = "auto"';
  return new Failure(`${error.message}, bound to your public key`, next);
}
