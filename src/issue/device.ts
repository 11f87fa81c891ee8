import { Failure } from "../failure.ts";
import { asText, type Kind } from "./cache.ts";
import { call, type Errand } from "./errand.ts";
import type { Keys } from "./keys.ts";
import { showDevice } from "./question.ts";

const DEVICE: Kind<string> = { name: "device", marginMs: 0, parse: (value) => asText(value, 256) };

const LASTS_MS = 365 * 86_400_000;

const NO_FIDO = "AWS takes security keys (FIDO) only in the console, not for programs";
const ADD_APP = "add an authenticator app in the AWS console under Security credentials, or use IAM Identity Center";

/**
 * Serial number or ARN of the user's MFA device: configured (`mfa_serial`, AWS_MFA_SERIAL, the profile), remembered, or asked
 * of IAM with the user's long-term keys (a session may not ask). Of several the person chooses once. Throws Failure.
 */
export async function mfaDevice(errand: Errand, region: string, keys: Keys): Promise<string> {
  const { source, cache, clock, questioner } = errand;
  if (source.mfaSerial !== null) {
    if (source.mfaSerial.includes(":u2f/"))
      throw new Failure(
        NO_FIDO,
        "set mfa_serial to the ARN of an authenticator app (AWS console, Security credentials)",
      );
    return source.mfaSerial;
  }
  const remembered = cache.read(DEVICE, [source.id], clock.now());
  if (remembered !== null) return remembered;

  const all = await listDevices(errand, region, keys);
  const usable = all.filter((serial) => !serial.includes(":u2f/"));
  const [first] = usable;
  if (first === undefined) {
    throw all.length > 0 ? new Failure(NO_FIDO, ADD_APP) : new Failure("you have no MFA device", ADD_APP);
  }
  const device = usable.length === 1 ? first : await choose(usable, questioner.choice);
  cache.keep(DEVICE, [source.id], device, clock.now() + LASTS_MS);
  return device;
}

/** Forgets which device was used: AWS doesn't know it any more. */
export function forgetDevice(errand: Errand): void {
  errand.cache.forget(DEVICE, [errand.source.id]);
}

async function listDevices(errand: Errand, region: string, keys: Keys): Promise<string[]> {
  const about = { service: "IAM", action: "ListMFADevices", region };
  const answer = await call(errand, about, (abortSignal) =>
    errand.clients.iam(region, keys, (client, sdk) => client.send(new sdk.ListMFADevicesCommand({}), { abortSignal })),
  );
  return (answer.MFADevices ?? []).flatMap(({ SerialNumber }) => asText(SerialNumber, 256) ?? []).sort();
}

async function choose(
  serials: readonly string[],
  ask: (text: string, count: number) => Promise<number | null>,
): Promise<string> {
  const list = serials.map((serial, at) => `${at + 1} ${showDevice(serial)}`).join(", ");
  const chosen = await ask(`which MFA device: ${list}`, serials.length);
  const serial = chosen === null ? undefined : serials[chosen];
  if (serial !== undefined) return serial;
  const names = serials.map(showDevice).join(", ");
  throw new Failure(`you have several MFA devices (${names})`, "set mfa_serial to the ARN of the one to use");
}
