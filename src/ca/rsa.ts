/** Which rsa keys are too weak to be certified: the checks of BLESS (`bless/ssh/public_keys/rsa_public_key.py`). */
import { makeReader } from "../wire/bytes.ts";
import type { PublicKey } from "../wire/public-key.ts";

const SMALL_PRIMES = primesBelow(752);

/** False for rsa keys of less than 2048 bits, with an exponent below 65537 or even, or with a small factor. */
export function isStrongEnough(key: PublicKey): boolean {
  if (key.type !== "ssh-rsa") return true;
  const reader = makeReader(key.blob);
  reader.string();
  const exponent = toNumber(reader.mpint());
  const modulus = toNumber(reader.mpint());
  if (modulus < 1n << 2047n || exponent < 65537n || exponent % 2n === 0n) return false;
  return SMALL_PRIMES.every((prime) => modulus % prime !== 0n);
}

function toNumber(magnitude: Uint8Array): bigint {
  return BigInt(`0x0${magnitude.toHex()}`);
}

function primesBelow(limit: number): bigint[] {
  const primes: number[] = [];
  for (let number = 2; number < limit; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes.map(BigInt);
}
