// The token by which KMS vouches for the user (lyft/python-kmsauth): a text with a validity, encrypted under a key that only the
// user, by name and after a second factor, may encrypt with.
import type { Region } from "../config/settings.ts";
import { encodeBase64, encodeText } from "../wire/bytes.ts";
import { formatValidity, kmsauthContext } from "../wire/kmsauth.ts";
import { asText, type Kind } from "./cache.ts";
import type { Caller } from "./caller.ts";
import { call, type Errand, kept } from "./errand.ts";
import { garbage } from "./errors.ts";
import type { Keys } from "./keys.ts";

/** Three minutes to travel, and for clocks that disagree; python-kmsauth's own margin. */
const MARGIN_MS = 180_000;

const TOKEN: Kind<string> = { name: "kmsauth", marginMs: MARGIN_MS, parse: (value) => asText(value, 16_384) };

/**
 * The kmsauth token for the region: kept, or made with the session, which is not asked for before. "" when no service is
 * configured, so that none is wanted. Throws Failure.
 */
export async function kmsauthToken(
  errand: Errand,
  region: Region,
  caller: Caller,
  session: () => Promise<Keys>,
): Promise<string> {
  const { kmsauthService: service, kmsauthSeconds } = errand.order.settings;
  const key = tokenKey(errand, region, caller);
  if (service === null || key === null) return "";
  const { awsRegion } = region;
  const old = kept(errand, TOKEN, key, { what: "Encrypt", where: `kms ${awsRegion}` });
  if (old !== null) return old;
  const about = { service: "KMS", action: "Encrypt", region: awsRegion, key: region.kmsauthKey, user: caller.userName };
  const keys = await session();
  const notBefore = errand.clock.now() - MARGIN_MS;
  const notAfter = notBefore + kmsauthSeconds * 1000;
  const input = {
    KeyId: region.kmsauthKey,
    Plaintext: encodeText(formatValidity(notBefore, notAfter)),
    EncryptionContext: kmsauthContext({ from: caller.userName, to: service, userType: "user" }),
  };
  const answer = await call(errand, about, (abortSignal) =>
    errand.clients.kms(awsRegion, keys, (client, sdk) => client.send(new sdk.EncryptCommand(input), { abortSignal })),
  );
  if (!(answer.CiphertextBlob instanceof Uint8Array) || answer.CiphertextBlob.length === 0) throw garbage(about);
  const token = encodeBase64(answer.CiphertextBlob);
  errand.cache.keep(TOKEN, key, token, notAfter);
  return token;
}

/** True when the token in use was kept from an earlier login. */
export function isOldToken(errand: Errand, region: Region, caller: Caller): boolean {
  const key = tokenKey(errand, region, caller);
  return key !== null && errand.cache.isOld(TOKEN, key);
}

export function forgetToken(errand: Errand, region: Region, caller: Caller): void {
  const key = tokenKey(errand, region, caller);
  if (key !== null) errand.cache.forget(TOKEN, key);
}

function tokenKey(errand: Errand, region: Region, caller: Caller): readonly string[] | null {
  const { kmsauthService: service, kmsauthSeconds } = errand.order.settings;
  if (service === null) return null;
  return [errand.source.id, caller.arn, region.awsRegion, region.kmsauthKey, service, String(kmsauthSeconds)];
}
