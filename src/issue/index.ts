// The cold path: who am I → MFA session → kmsauth token ∥ role → the CA → is the answer right?
import type { Region } from "../config/settings.ts";
import { bindsTokens } from "./binding.ts";
import { type Errand, stsRegion } from "./errand.ts";
import { namedAtCa, proveCaller, provesByCaller } from "./identity-proof.ts";
import { invokeCa, principalsFor } from "./invoke.ts";
import { kmsauthToken, NO_TOKEN } from "./kmsauth.ts";
import { openErrand } from "./open.ts";
import type { Issued, Order } from "./order.ts";
import { inTurn, regionsInTurn } from "./regions.ts";
import { assumeRole } from "./role.ts";
import { type SourceAddress, sourceAddress } from "./source-address.ts";
import { forgetStale } from "./stale.ts";
import { both, whoAndSession } from "./together.ts";
import { verifyAnswer } from "./verify.ts";

export type { Ask, Issued, Order, Question, Step } from "./order.ts";

/**
 * Gets a certificate for the public key: with whatever is kept from earlier logins, and a question to the person only when a
 * second factor is really due. The certificate is checked, not stored. Throws Failure; what was obtained on the way is kept.
 */
export async function issueCertificate(order: Order): Promise<Issued> {
  const regions = regionsInTurn(order.settings.regions, order.region);
  const errand = await openErrand(order);
  const address = sourceAddress({ ...errand, ...order, caBundle: errand.source.caBundle });
  address.catch(() => {}); // looked at when it is needed
  try {
    return await inTurn(regions, (region, isFirst) => inRegion(errand, region, isFirst, address), order.say);
  } finally {
    errand.close();
  }
}

/** The session, the role, the token, the profile's credentials, how tokens are bound: each changes once at most, on whatever disk. */
const MOST_STALE = 5;

/**
 * The way in one region; again when something kept from an earlier login turned out to be of no use, or the CA that refused a
 * token takes another kind.
 */
async function inRegion(
  errand: Errand,
  region: Region,
  isFirst: boolean,
  address: Promise<SourceAddress>,
): Promise<Issued> {
  for (let left = MOST_STALE; ; left--) {
    const wasBound = bindsTokens(errand, region);
    try {
      return await once(errand, region, isFirst, address);
    } catch (error) {
      if (left === 0 || !forgetStale(errand, region, error, wasBound)) throw error;
    }
  }
}

async function once(
  errand: Errand,
  region: Region,
  isFirst: boolean,
  address: Promise<SourceAddress>,
): Promise<Issued> {
  const { settings, publicKey, say } = errand.order;
  const sts = stsRegion(errand, region, isFirst);
  const { caller, session } = await whoAndSession(errand, sts);

  const byCaller = provesByCaller(errand, caller);
  const [token, role] = await both(
    byCaller ? Promise.resolve(NO_TOKEN) : kmsauthToken(errand, region, caller, session),
    assumeRole(errand, sts, caller, session),
  );
  const bound = await address;
  const named = namedAtCa(errand, caller);
  const proof = byCaller ? await proveCaller(errand, region, await session()) : "";
  const answer = await invokeCa(errand, region, { caller: named, token, proof, role, address: bound });

  const principals = principalsFor(errand, named);
  const now = errand.clock.now();
  const { line, notes } = verifyAnswer(answer.certificate, {
    ...settings,
    publicKey,
    principals,
    sourceAddress: bound.bound,
    now,
  });
  notes.forEach(say);
  const { requestId } = answer;
  const { skewMs } = errand.clock;
  return { certificate: line, skewMs, region, userName: named.userName, requestId, steps: errand.steps };
}
