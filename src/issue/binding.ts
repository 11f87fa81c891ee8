// Whether kmsauth tokens are bound to the key to be certified. BLESS knows nothing of it; our CA offers it in every answer, and
// what was offered is kept for the logins to come.
import type { Region } from "../config/settings.ts";
import { BOUND_TOKEN } from "../wire/bless.ts";
import type { Kind } from "./cache.ts";
import type { Errand } from "./errand.ts";

/** When the CA offered it, in milliseconds since the epoch. */
const BINDING: Kind<number> = {
  name: "binding",
  marginMs: 0,
  parse: (value) => (typeof value === "number" && Number.isFinite(value) ? value : null),
};

/** Since the CA offered it last. */
const LASTS_MS = 30 * 86_400_000;

/** An offer that is younger is not kept again: a login writes no more than it must. */
const YOUNG_MS = 86_400_000;

/** True when the region's CA is sent tokens that are good for one public key only. */
export function bindsTokens(errand: Errand, region: Region): boolean {
  const { kmsauthBinding, kmsauthService } = errand.order.settings;
  if (kmsauthService === null) return false;
  if (kmsauthBinding !== "auto") return kmsauthBinding === "on";
  return errand.cache.read(BINDING, bindingKey(errand, region), errand.clock.now()) !== null;
}

/** Takes over what the CA offers. One that refuses a bound token and offers none is sent unbound ones again. */
export function learnBinding(
  errand: Errand,
  region: Region,
  answer: { readonly offers: readonly string[]; readonly refusesBound: boolean },
): void {
  const { kmsauthBinding, kmsauthService } = errand.order.settings;
  if (kmsauthBinding !== "auto" || kmsauthService === null) return;
  const key = bindingKey(errand, region);
  if (answer.offers.includes(BOUND_TOKEN)) {
    const now = errand.clock.now();
    const before = errand.cache.read(BINDING, key, now);
    if (before === null || Math.abs(now - before) > YOUNG_MS) errand.cache.keep(BINDING, key, now, now + LASTS_MS);
  } else if (answer.refusesBound) errand.cache.forget(BINDING, key);
}

function bindingKey(errand: Errand, { awsRegion }: Region): readonly string[] {
  const { function: name, functionVersion, kmsauthService } = errand.order.settings;
  return [awsRegion, name ?? "", functionVersion ?? "", kmsauthService ?? ""];
}
