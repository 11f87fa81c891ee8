/**
 * Messages of the ssh-agent protocol (draft-miller-ssh-agent; PROTOCOL.agent of OpenSSH), those that bssh sends and gets. A
 * message here is what follows the length: its type's number and its fields.
 */
import { concat, makeReader, string, text, u32, WireError } from "./bytes.ts";
import type { PrivatePart } from "./private-part.ts";

/** What an agent does with an entry by itself. */
export type Constraints = {
  /** Seconds after which the agent forgets it, from 1 to MAX_LIFETIME. */
  readonly lifetime: number;
  /** The person is asked before each use. */
  readonly confirm: boolean;
};

/** One entry of an agent's list, as the agent gave it: neither the blob nor the comment need be what they claim to be. */
export type AgentEntry = { readonly blob: Uint8Array; readonly comment: string };

/** Bytes of the longest message; OpenSSH neither sends nor reads more (AGENT_MAX_LEN of ssh-agent.c). */
export const MAX_AGENT_MESSAGE = 256 * 1024;

/** OpenSSH takes a longer list for broken (MAX_AGENT_IDENTITIES of authfd.c). */
export const MAX_AGENT_ENTRIES = 2048;

/** Seconds; agents that count in a signed number end here. */
export const MAX_LIFETIME = 0x7fff_ffff;

const FAILURE = 5;
const SUCCESS = 6;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const REMOVE_IDENTITY = 18;
const ADD_ID_CONSTRAINED = 25;
/** How older agents and that of SSH Communications refuse (agent_failed of authfd.c). */
const OTHER_FAILURES: readonly number[] = [30, 102];

const CONSTRAIN_LIFETIME = 1;
const CONSTRAIN_CONFIRM = 2;

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Asks for the list of entries. */
export function encodeListRequest(): Uint8Array {
  return Uint8Array.of(REQUEST_IDENTITIES);
}

/** Adds a key without a certificate. */
export function encodeAddKey(key: PrivatePart, comment: string, constraints: Constraints): Uint8Array {
  return concat(
    Uint8Array.of(ADD_ID_CONSTRAINED),
    text(key.type),
    key.plainFields,
    text(comment),
    encodeConstraints(constraints),
  );
}

/** Adds a key with its certificate: an entry of its own, beside that of the plain key. */
export function encodeAddCertificate(
  key: PrivatePart,
  certificate: { readonly type: string; readonly blob: Uint8Array },
  comment: string,
  constraints: Constraints,
): Uint8Array {
  return concat(
    Uint8Array.of(ADD_ID_CONSTRAINED),
    text(certificate.type),
    string(certificate.blob),
    key.certifiedFields,
    text(comment),
    encodeConstraints(constraints),
  );
}

/** Takes the entry with this blob, of a key or a certificate, away. */
export function encodeRemove(blob: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(REMOVE_IDENTITY), string(blob));
}

/** True for success, false for a refusal; throws WireError for anything else. What follows the type is ignored, as by ssh. */
export function readOutcome(message: Uint8Array): boolean {
  const type = makeReader(message).u8();
  if (type === SUCCESS) return true;
  if (isFailure(type)) return false;
  throw new WireError("an agent's answer of a type that was not asked for");
}

/** The agent's list; null when it refuses to give one. Throws WireError when it is malformed or has more than 2048 entries. */
export function readList(message: Uint8Array): readonly AgentEntry[] | null {
  const reader = makeReader(message);
  const type = reader.u8();
  if (isFailure(type)) return null;
  if (type !== IDENTITIES_ANSWER) throw new WireError("an agent's answer of a type that was not asked for");
  const count = reader.u32();
  if (count > MAX_AGENT_ENTRIES) throw new WireError(`more than ${MAX_AGENT_ENTRIES} entries`);
  const entries: AgentEntry[] = [];
  for (let index = 0; index < count; index++) {
    entries.push({ blob: reader.string(), comment: lenient.decode(reader.string()) });
  }
  return entries;
}

function isFailure(type: number): boolean {
  return type === FAILURE || OTHER_FAILURES.includes(type);
}

function encodeConstraints({ lifetime, confirm }: Constraints): Uint8Array {
  if (lifetime < 1 || lifetime > MAX_LIFETIME) throw new WireError("a lifetime out of range");
  const ends = concat(Uint8Array.of(CONSTRAIN_LIFETIME), u32(lifetime));
  return confirm ? concat(ends, Uint8Array.of(CONSTRAIN_CONFIRM)) : ends;
}
