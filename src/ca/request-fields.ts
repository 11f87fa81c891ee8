/** The fields of a request, each a text of no more than so many characters: marshmallow's rules and messages, as BLESS has them. */
import { type PublicKey, parsePublicKey } from "../wire/public-key.ts";
import { keyObject } from "../wire/signature.ts";
import { isSmallOrder } from "./ed25519.ts";

/** Messages by the names of the fields that they are about, in their order. */
export type Faults = Map<string, string>;

/** An answer is no place for a thousand names that nobody knows. */
const MAX_UNKNOWN = 10;
const MAX_SHOWN = 64;

/**
 * The fields of `limits` (the longest that each may be, in characters) that are there and are texts. What is missing, of another
 * type, too long or unknown is added to `faults`.
 */
export function readFields<Field extends string>(
  event: Record<string, unknown>,
  limits: Readonly<Record<Field, number>>,
  required: readonly Field[],
  faults: Faults,
): Partial<Record<Field, string>> {
  const fields: Partial<Record<Field, string>> = {};
  for (const field of Object.keys(limits) as Field[]) {
    if (!Object.hasOwn(event, field)) {
      if (required.includes(field)) faults.set(field, "Missing data for required field.");
      continue;
    }
    const value = event[field];
    if (value === null) faults.set(field, "Field may not be null.");
    else if (typeof value !== "string") faults.set(field, "Not a valid string.");
    else if (value.length > limits[field]) faults.set(field, `Longer than maximum length ${limits[field]}.`);
    else fields[field] = value;
  }
  const unknown = Object.keys(event).filter((name) => !Object.hasOwn(limits, name));
  for (const name of unknown.slice(0, MAX_UNKNOWN)) faults.set(name.slice(0, MAX_SHOWN), "Unknown field");
  return fields;
}

/** The key of a request's line; null when it is none, or not one of those that ssh certifies. */
export function readKey(line: string): PublicKey | null {
  try {
    const key = parsePublicKey(line);
    // node:crypto refuses a point that is not on its curve; of rsa keys it tells less than isStrongEnough.
    if (key.type.includes("ecdsa")) keyObject(key.blob);
    return isSmallOrder(key) ? null : key;
  } catch {
    return null;
  }
}
