/** Which requests of hosts are well-formed: the fields of BLESS's host handler and ours, each with its rule. */
import { MAX_PRINCIPALS } from "../wire/certificate.ts";
import type { PublicKey } from "../wire/public-key.ts";
import { type HostnameRule, hostNameFault, unprovenNameFault } from "./host-names.ts";
import { pythonDict } from "./python.ts";
import { readFields, readKey } from "./request-fields.ts";
import { isStrongEnough } from "./rsa.ts";

/** A request whose every field has its form. */
export type CheckedHostRequest = {
  /** The names that are asked for, each once; none asks for all that there are. */
  readonly names: readonly string[];
  readonly publicKey: PublicKey;
  /** A signed GetCallerIdentity request as text, a secret while it lasts; null when none was sent. */
  readonly callerIdentity: string | null;
  /** The texts of EC2's metadata service; null when none were sent. */
  readonly document: { readonly text: string; readonly signature: string } | null;
};

/** So many characters of names fit into a certificate beside the largest keys. */
export const MAX_NAMES_LENGTH = 8192;

const LIMITS = {
  hostnames: MAX_NAMES_LENGTH,
  public_key_to_sign: 16_384,
  caller_identity: 16_384,
  instance_identity_document: 16_384,
  instance_identity_signature: 4096,
} as const;

type Field = keyof typeof LIMITS;

const MAX_SHOWN = 64;

/**
 * Checks what came; gives the request, or BLESS's message that says what is wrong with each field. `rule` is for requests
 * whose names nobody vouches for (allowUnproven without a proof); null is for all others, which may leave the names out.
 */
export function checkHostRequest(
  event: unknown,
  rule: HostnameRule | null,
): CheckedHostRequest | { readonly faults: string } {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return { faults: pythonDict(new Map([["_schema", "Invalid input type."]])) };
  }
  const faults = new Map<string, string>();
  const required: readonly Field[] = rule === null ? ["public_key_to_sign"] : ["hostnames", "public_key_to_sign"];
  const fields = readFields(event as Record<string, unknown>, LIMITS, required, faults);

  const { hostnames, public_key_to_sign: line } = fields;
  const names = hostnames === undefined ? [] : hostnames.split(",");
  const nameFault = namesFault(names, rule);
  if (nameFault !== null) faults.set("hostnames", nameFault);

  const publicKey = line === undefined ? null : readKey(line);
  if (line !== undefined && publicKey === null) faults.set("public_key_to_sign", "Invalid SSH Public Key.");
  if (publicKey !== null && !isStrongEnough(publicKey)) faults.set("public_key_to_sign", "Unsafe RSA public key");

  const { instance_identity_document: text = "", instance_identity_signature: signature = "" } = fields;
  if ((text === "") !== (signature === "")) {
    const missing = text === "" ? "instance_identity_document" : "instance_identity_signature";
    if (!faults.has(missing)) faults.set(missing, "Missing data for required field.");
  }
  if (faults.size > 0 || publicKey === null) return { faults: pythonDict(faults) };
  return {
    names,
    publicKey,
    callerIdentity: fields.caller_identity || null,
    document: text === "" ? null : { text, signature },
  };
}

function namesFault(names: readonly string[], rule: HostnameRule | null): string | null {
  for (const name of names) {
    const fault = rule === null ? hostNameFault(name) : unprovenNameFault(name, rule);
    if (fault !== null) return `Invalid hostname "ssh://${name.slice(0, MAX_SHOWN)}". It ${fault}.`;
  }
  if (new Set(names).size < names.length) return "Duplicate hostname.";
  return names.length > MAX_PRINCIPALS ? `More than ${MAX_PRINCIPALS} hostnames.` : null;
}
