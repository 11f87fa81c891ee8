/** A signature of an ssh-agent: draft-miller-ssh-agent, section 3.6. */
import { concat, makeReader, string, u32, WireError } from "./bytes.ts";

const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
/** SSH_AGENT_RSA_SHA2_512; agents look at it for rsa keys only. */
const RSA_SHA2_512 = 4;
/** SSH_AGENT_FAILURE, and how older agents say it (agent_failed of authfd.c). */
const FAILURES: readonly number[] = [5, 30, 102];

/** Asks for a signature of `bytes` with the key of this blob, SHA-512 when it is an rsa key. */
export function encodeSignRequest(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(SIGN_REQUEST), string(publicKey), string(bytes), u32(RSA_SHA2_512));
}

/** The ssh signature blob; null when the agent refuses. Throws WireError for anything else. */
export function readSignature(message: Uint8Array): Uint8Array | null {
  const reader = makeReader(message);
  const type = reader.u8();
  if (FAILURES.includes(type)) return null;
  if (type !== SIGN_RESPONSE) throw new WireError("an agent's answer of a type that was not asked for");
  const signature = reader.string();
  reader.end("an agent's answer");
  return signature;
}
