import { askCaller, type Caller, knownCaller } from "./caller.ts";
import type { Errand } from "./errand.ts";
import type { Keys } from "./keys.ts";
import { ownKeys } from "./own-keys.ts";
import { mfaSession } from "./session.ts";

export type WhoAndSession = {
  readonly caller: Caller;
  /** The MFA session, started when it is asked for first. */
  readonly session: () => Promise<Keys>;
};

/**
 * Who the user is, and their MFA session. When AWS has to be asked who they are, the person is asked for their code meanwhile:
 * nothing that is kept can be used without knowing whose it is. Throws Failure.
 */
export async function whoAndSession(errand: Errand, sts: string): Promise<WhoAndSession> {
  const { questioner } = errand;
  const known = knownCaller(errand, sts);
  if (known !== null) {
    const start = async () =>
      mfaSession(errand, sts, await ownKeys(errand, sts, questioner.code), Promise.resolve(known));
    return { caller: known, session: once(start) };
  }
  const own = await ownKeys(errand, sts, questioner.code);
  const asked = askCaller(errand, sts, own);
  const started = mfaSession(errand, sts, own, asked);
  started.catch(() => {}); // looked at by whoever needs the session
  try {
    return { caller: await asked, session: () => started };
  } catch (error) {
    await started.catch(() => {}); // a question that is open must end before anything else is said
    throw error;
  }
}

/** The results of both, when both have ended: what one of them got is kept even when the other fails. */
export async function both<A, B>(left: Promise<A>, right: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([left, right]);
  return Promise.all([left, right]);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
