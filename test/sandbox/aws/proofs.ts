import { signedHeaders } from "../../../src/ca/aws-signature.ts";
import type { Keys } from "../../../src/sandbox/aws/credentials.ts";
import { AUDIENCE_HEADER, type IdentityProof, KEY_HEADER, PROOF_BODY } from "../../../src/wire/caller-identity.ts";

export type ProofWishes = {
  readonly keys: Keys & { readonly sessionToken?: string };
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly region?: string;
  readonly service?: string;
  readonly key?: string;
};

/** A proof of identity by somebody's keys. */
export function makeProof({
  keys,
  now,
  region = "us-east-1",
  service = "sts",
  key = "SHA256:x",
}: ProofWishes): IdentityProof {
  const headers = {
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    host: `sts.${region}.amazonaws.com`,
    [AUDIENCE_HEADER]: "bless-production",
    [KEY_HEADER]: key,
  };
  const credentials = { ...keys, sessionToken: keys.sessionToken ?? null };
  return { region, headers: signedHeaders(headers, Buffer.from(PROOF_BODY), { region, service }, credentials, now) };
}
