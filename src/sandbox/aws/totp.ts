import { createHmac, randomBytes } from "node:crypto";

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** A virtual MFA device as IAM keeps it. A security key has no secret: no code of it is ever right. */
export type Device = {
  /** Serial number: the ARN of the device. */
  readonly serial: string;
  readonly secret: Uint8Array | null;
  /** How long one code is shown. */
  readonly periodSeconds: number;
  /** How many periods a code may be early or late. */
  readonly driftSteps: number;
  /** When the device was enabled, milliseconds since the epoch. */
  readonly enabledAt: number;
  /** Time steps whose code was used; a code is good once. */
  readonly usedSteps: Set<number>;
};

/** A device with a random secret of 160 bits, as RFC 4226 (section 4, R6) recommends. */
export function makeDevice(serial: string, periodSeconds: number, driftSteps: number, enabledAt: number): Device {
  const secret = new Uint8Array(randomBytes(20));
  return { serial, secret, periodSeconds, driftSteps, enabledAt, usedSteps: new Set() };
}

/** Base 32 of RFC 4648 without padding, as authenticator apps take it. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32Alphabet[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + base32Alphabet[(buffer << (5 - bits)) & 31];
}

/** The code of one time step: RFC 6238 over HMAC-SHA-1. */
export function totpCode(secret: Uint8Array, step: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** The time step at `now` (milliseconds since the epoch). */
export function totpStep(device: Device, now: number): number {
  return Math.floor(now / 1000 / device.periodSeconds);
}

/** Whether the code is right now and not used yet. A code that is accepted is used up. */
export function spendCode(device: Device, code: string, now: number): boolean {
  if (device.secret === null) return false;
  const current = totpStep(device, now);
  for (const step of device.usedSteps) if (step < current - device.driftSteps) device.usedSteps.delete(step);
  for (let step = Math.max(0, current - device.driftSteps); step <= current + device.driftSteps; step += 1) {
    if (!device.usedSteps.has(step) && totpCode(device.secret, step) === code) {
      device.usedSteps.add(step);
      return true;
    }
  }
  return false;
}

/** The code the device shows. When that one is used up, waits for the next (the clock must go on: it is polled). */
export async function freshCode(device: Device, now: () => number): Promise<string> {
  if (device.secret === null) throw new Error(`${device.serial} shows no codes`);
  for (;;) {
    const step = totpStep(device, now());
    if (!device.usedSteps.has(step)) return totpCode(device.secret, step);
    const left = (step + 1) * device.periodSeconds * 1000 - now();
    await Bun.sleep(Math.min(Math.max(left, 1), 250));
  }
}
