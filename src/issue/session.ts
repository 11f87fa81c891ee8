import { Failure } from "../failure.ts";
import { type Caller, keepCaller } from "./caller.ts";
import { forgetDevice, mfaDevice } from "./device.ts";
import { call, type Errand, kept } from "./errand.ts";
import { CallFailure, garbage } from "./errors.ts";
import { type Keys, readStsKeys, SESSION } from "./keys.ts";
import { showDevice } from "./question.ts";

export function forgetSession(errand: Errand): void {
  errand.cache.forget(SESSION, sessionKey(errand));
}

/** True when the session that is in use was kept from an earlier login. */
export function isOldSession(errand: Errand): boolean {
  return errand.cache.isOld(SESSION, sessionKey(errand));
}

/** By then the request that is under way has left, and the person has not typed yet. */
const WARM_UP_MS = 4;

/**
 * The MFA session. Temporary credentials are one already: AWS starts none from them. Else the person is asked for a code while
 * `caller` is still being found out; the code leaves only when that went well. Throws Failure.
 */
export async function mfaSession(errand: Errand, region: string, own: Keys, caller: Promise<Caller>): Promise<Keys> {
  if (own.sessionToken !== null) return own;
  const old = kept(errand, SESSION, sessionKey(errand), { what: "GetSessionToken", where: `sts ${region}` });
  if (old !== null) return old;
  const { questioner } = errand;
  caller.catch(() => questioner.abandon());
  const device = await mfaDevice(errand, region, own);
  setTimeout(errand.clients.warmUp, WARM_UP_MS);
  for (let refused: Failure | undefined; ; ) {
    const answer = await questioner.code(showDevice(device), refused).catch(async (failure) => {
      await caller; // why it was abandoned says more than that it was
      throw failure;
    });
    const who = await caller.catch((failure) => {
      questioner.unsent(answer);
      throw failure;
    });
    try {
      const session = await startSession(errand, region, own, device, answer);
      errand.order.accepted?.();
      keepCaller(errand, who);
      return session;
    } catch (error) {
      refused = whetherToAskAgain(errand, error, answer);
    }
  }
}

async function startSession(errand: Errand, region: string, own: Keys, device: string, code: string): Promise<Keys> {
  const about = { service: "STS", action: "GetSessionToken", region, device };
  const { sessionSeconds } = errand.order.settings;
  const input = { DurationSeconds: sessionSeconds, SerialNumber: device, TokenCode: code };
  const answer = await call(errand, about, (abortSignal) =>
    errand.clients.sts(region, own, "once", (client, sdk) =>
      client.send(new sdk.GetSessionTokenCommand(input), { abortSignal }),
    ),
  );
  const keys = readStsKeys(answer);
  if (keys === null) throw garbage(about);
  errand.cache.keep(SESSION, sessionKey(errand), keys, keys.ends ?? 0);
  return keys;
}

/** Gives the reason to ask for another code; throws when another code would not help. */
function whetherToAskAgain(errand: Errand, error: unknown, code: string): Failure {
  if (!(error instanceof CallFailure)) throw error;
  switch (error.trouble) {
    case "code":
    case "skew": // the clock is corrected now; the code may have been looked at
      return error;
    case "device":
      forgetDevice(errand);
      throw error;
    case "unsent":
      errand.questioner.unsent(code);
      throw error;
    default:
      if (!error.elsewhere) throw error;
      // Without a whole answer AWS may have taken the code, and it takes each only once; so no other region is tried either:
      // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
      throw new Failure(
        `${error.message}, and the MFA code is used up`,
        "wait for the next code and try again, if need be with AWS_REGION set to another region",
      );
  }
}

/** For whom a session is: a device that is named by hand is part of it, one that was found belongs to the source. */
function sessionKey(errand: Errand): readonly string[] {
  return [errand.source.id, errand.source.mfaSerial ?? ""];
}
