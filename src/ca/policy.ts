/**
 * Which requests are well-formed: the fields of BLESS's user handler, each with its rule. Where BLESS would crash on a
 * value (a name twice, a broken or weak key) or make a certificate that sshd refuses, it is refused here.
 */
import { MAX_PRINCIPALS } from "../wire/certificate.ts";
import type { PublicKey } from "../wire/public-key.ts";
import { type NameRule, nameFault } from "./names.ts";
import { coversTooMuch, type Network, parseNetwork } from "./network.ts";
import { pythonDict } from "./python.ts";
import { readFields, readKey } from "./request-fields.ts";
import { isStrongEnough } from "./rsa.ts";
import type { CaSettings } from "./settings.ts";

/** A request that has passed every rule. */
export type CheckedRequest = {
  /** `bastion_ips` as it came: the certificate's source-address. */
  readonly sourceAddress: string;
  readonly user: string;
  readonly userAddress: string;
  readonly command: string;
  readonly publicKey: PublicKey;
  /** `remote_usernames` as it came, and taken apart. */
  readonly remoteUsernames: string;
  readonly principals: readonly string[];
  /** Base64, a secret; null when none was sent. */
  readonly token: string | null;
  /** A signed GetCallerIdentity request as text, a secret while it lasts; null when none was sent. */
  readonly callerIdentity: string | null;
};

/** Where the longest values still fit into a certificate together; KMS makes no ciphertext above 6144 bytes. */
const LIMITS = {
  bastion_ips: 2048,
  bastion_user: 256,
  bastion_user_ip: 2048,
  command: 65_536,
  public_key_to_sign: 16_384,
  remote_usernames: 2048,
  kmsauth_token: 8192,
  caller_identity: 16_384,
} as const;

/** As long as `bastion_user` may be. */
const MAX_PRINCIPAL = 256;

/** The proofs: BLESS knows the first, and whether one is wanted is the settings' question. */
const OPTIONAL: readonly string[] = ["kmsauth_token", "caller_identity"];

type Field = keyof typeof LIMITS;

const REQUIRED = (Object.keys(LIMITS) as Field[]).filter((field) => !OPTIONAL.includes(field));

/** Checks what came; gives the request, or BLESS's message that says what is wrong with each field. */
export function checkRequest(event: unknown, settings: CaSettings): CheckedRequest | { readonly faults: string } {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return { faults: pythonDict(new Map([["_schema", "Invalid input type."]])) };
  }
  const faults = new Map<string, string>();
  const fields = readFields(event as Record<string, unknown>, LIMITS, REQUIRED, faults);
  const check = (field: Field, rule: (value: string) => string | null): void => {
    const value = fields[field];
    if (value === undefined || faults.has(field)) return;
    const fault = rule(value);
    if (fault !== null) faults.set(field, fault);
  };
  check("bastion_ips", (value) => networksFault(value, settings.shortestPrefix));
  check("bastion_user_ip", (value) => networksFault(value, { ipv4: 0, ipv6: 0 }));
  check("bastion_user", (value) => nameFault(value, settings.usernameValidation));
  check("remote_usernames", (value) => principalsFault(value, settings));
  const { public_key_to_sign: line } = fields;
  const publicKey = line === undefined ? null : readKey(line);
  check("public_key_to_sign", () => {
    if (publicKey === null) return "Invalid SSH Public Key.";
    return isStrongEnough(publicKey) ? null : "Unsafe RSA public key";
  });
  if (faults.size > 0 || publicKey === null) return { faults: pythonDict(faults) };
  return {
    sourceAddress: fields.bastion_ips ?? "",
    user: fields.bastion_user ?? "",
    userAddress: fields.bastion_user_ip ?? "",
    command: fields.command ?? "",
    publicKey,
    remoteUsernames: fields.remote_usernames ?? "",
    principals: (fields.remote_usernames ?? "").split(","),
    token: fields.kmsauth_token || null,
    callerIdentity: fields.caller_identity || null,
  };
}

function networksFault(list: string, shortest: CaSettings["shortestPrefix"]): string | null {
  const networks: Network[] = [];
  for (const text of list.split(",")) {
    const network = parseNetwork(text);
    const least = network?.family === 4 ? shortest.ipv4 : shortest.ipv6;
    if (network === null || network.prefix < least) return "Invalid IP address.";
    networks.push(network);
  }
  return coversTooMuch(networks, shortest) ? "The networks together are too large." : null;
}

function principalsFault(list: string, settings: CaSettings): string | null {
  const names = list.split(",");
  for (const name of names) {
    const fault = principalFault(name, settings.remoteUsernamesValidation);
    if (fault !== null) return fault;
  }
  if (new Set(names).size < names.length) return "Duplicate principal.";
  return names.length > MAX_PRINCIPALS ? `More than ${MAX_PRINCIPALS} principals.` : null;
}

/**
 * BLESS's message for a request with a name on the denylist; null when none is. A pattern may take for ever over a name that was
 * made for it, so that only who is proved gets as far as this.
 */
export function makeDenylist(pattern: RegExp | null): (principals: readonly string[]) => string | null {
  if (pattern === null) return () => null;
  // As Python's re.match: anywhere in the name it does not count.
  const atStart = new RegExp(`^(?:${pattern.source})`, pattern.flags);
  const message = pythonDict(new Map([["remote_usernames", "Username contains invalid characters."]]));
  return (principals) => (principals.some((name) => atStart.test(name)) ? message : null);
}

/** A name with a dash in front is an option to half of the programs it is handed to. */
export function principalFault(name: string, rule: NameRule): string | null {
  if (name.length > MAX_PRINCIPAL) return `Longer than maximum length ${MAX_PRINCIPAL}.`;
  return name.startsWith("-") ? "Principal contains invalid characters." : nameFault(name, rule);
}
