// What was kept may be refused though its time isn't over: an administrator ended the session, a key was changed. Then it is
// forgotten and got anew, once.
import type { Region } from "../config/settings.ts";
import { bindsTokens } from "./binding.ts";
import { forgetCaller, isOldCaller, rememberedCaller } from "./caller.ts";
import type { Errand } from "./errand.ts";
import { CallFailure } from "./errors.ts";
import { provesByCaller } from "./identity-proof.ts";
import { PROFILE_ROLE } from "./keys.ts";
import { forgetToken, isOldToken } from "./kmsauth.ts";
import { forgetRole, isOldRole } from "./role.ts";
import { forgetSession, isOldSession } from "./session.ts";

/**
 * Forgets what the failure shows to be of no use any more; false when it was not something kept from an earlier login.
 * `wasBound`: whether tokens for the region were bound to the key before; where the refusal changed that, another is worth a try.
 */
export function forgetStale(errand: Errand, region: Region, error: unknown, wasBound: boolean): boolean {
  const caller = rememberedCaller(errand);
  if (!(error instanceof CallFailure) || caller === null) return false;
  if (error.trouble === "kmsauth" && provesByCaller(errand, caller)) {
    // Another person may have signed in behind the same profile.
    if (!isOldCaller(errand)) return false;
    forgetCaller(errand);
    return told(errand, "who you are");
  }
  if (error.trouble === "kmsauth" && bindsTokens(errand, region) !== wasBound) {
    if (!wasBound) forgetToken(errand, region, caller);
    errand.order.trace(
      `the CA takes tokens that are ${wasBound ? "bound to no key" : "bound to the public key"}; making one`,
    );
    return true;
  }
  if (error.trouble === "kmsauth" && isOldToken(errand, region, caller)) {
    forgetToken(errand, region, caller);
    return told(errand, "the kmsauth token");
  }
  if (error.trouble !== "stale") return false;
  if (error.action === "Invoke" && isOldRole(errand, caller)) {
    forgetRole(errand, caller);
    return told(errand, "the role's credentials");
  }
  if (["Invoke", "Encrypt", "AssumeRole"].includes(error.action) && isOldSession(errand)) {
    forgetSession(errand);
    return told(errand, "the MFA session");
  }
  if (errand.cache.isOld(PROFILE_ROLE, [errand.source.id])) {
    errand.cache.forget(PROFILE_ROLE, [errand.source.id]);
    return told(errand, "the profile's credentials");
  }
  return false;
}

function told(errand: Errand, what: string): true {
  errand.order.trace(`${what} kept from an earlier login is refused; getting it anew`);
  return true;
}
