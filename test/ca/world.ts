/** A CA for the tests: what it is handed is in memory, and all that it logs is kept. */
import { generateKeyPairSync } from "node:crypto";
import type { CaAws } from "../../src/ca/aws.ts";
import type { Invocation } from "../../src/ca/certificate.ts";
import type { GivenSettings, KmsauthSettings } from "../../src/ca/settings.ts";
import { makeUserHandler, type UserParts } from "../../src/ca/user.ts";
import type { UserRequest } from "../../src/wire/bless.ts";
import { type Certificate, parseCertificate } from "../../src/wire/certificate.ts";
import { formatValidity, kmsauthContext } from "../../src/wire/kmsauth.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes, verifyCertificate } from "../../src/wire/signature.ts";

export const NOW = Date.UTC(2024, 4, 6, 7, 8, 9);
export const MINUTE = 60_000;
export const KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/kmsauth";
export const invocation: Invocation = {
  requestId: "9a7e-request",
  functionArn: "arn:aws:lambda:eu-west-1:111122223333:function:bless",
};

const authority = generateKeyPairSync("ed25519").privateKey;
export const authorityBlob = publicBlob(authority);
const person = generateKeyPairSync("ed25519").privateKey;
export const personLine = formatPublicKey({ type: "ssh-ed25519", blob: publicBlob(person), comment: "alice's laptop" });

export const kmsauth: KmsauthSettings = { keyArns: [KEY_ARN], service: "bless" };

/** A token of the fake KMS: its ciphertext is the context, the key and the text in the open. */
export function makeToken({
  from = "alice",
  to = "bless",
  userType = "user",
  keyId = KEY_ARN,
  plaintext = formatValidity(NOW - 3 * MINUTE, NOW + 57 * MINUTE),
  publicKey = "",
  version = 2,
}): string {
  const context = kmsauthContext({
    from,
    to,
    ...(version === 1 ? {} : { userType }),
    ...(publicKey === "" ? {} : { publicKey }),
  });
  const sealed = JSON.stringify({ context, keyId, plaintext });
  return new TextEncoder().encode(sealed).toBase64();
}

/** As KMS: the context has to be the one of the encryption. */
export const decrypt: CaAws["decrypt"] = async (ciphertext, context) => {
  const sealed = JSON.parse(new TextDecoder().decode(ciphertext));
  if (!Bun.deepEquals(sealed.context, context)) {
    throw Object.assign(new Error("wrong context"), { name: "InvalidCiphertextException" });
  }
  return { plaintext: new TextEncoder().encode(sealed.plaintext), keyId: sealed.keyId };
};

export const request: UserRequest = {
  bastion_ips: "192.0.2.1",
  bastion_user: "alice",
  bastion_user_ip: "198.51.100.7",
  command: "ssh web1",
  public_key_to_sign: personLine,
  remote_usernames: "alice",
  kmsauth_token: makeToken({}),
};

/** BLESS's answer alone. */
export type Bare = { readonly certificate: string } | { readonly errorType: string; readonly errorMessage: string };

export type World = {
  readonly records: Record<string, unknown>[];
  /** The answer without what the CA offers beyond BLESS. */
  ask(event: unknown): Promise<Bare>;
  offers(event: unknown): Promise<readonly string[]>;
};

export type WorldParts = Partial<Omit<UserParts, "aws">> & Partial<UserParts["aws"]>;

function nobody(): Promise<never> {
  return Promise.reject(Object.assign(new Error("not asked in this test"), { name: "AccessDeniedException" }));
}

/** A CA with these settings and parts; kmsauth is on unless said otherwise. */
export function makeWorld(settings: Partial<GivenSettings> = {}, parts: WorldParts = {}): World {
  const records: Record<string, unknown>[] = [];
  const handler = makeUserHandler({
    settings: { kmsauth, ...settings },
    aws: { decrypt, groupsOf: nobody, callerIdentity: nobody, ...parts },
    signer: { publicBlob: authorityBlob, sign: (bytes) => signBytes(authority, bytes) },
    now: () => NOW,
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    log: (record) => records.push(record),
    ...parts,
  });
  return {
    records,
    async ask(event) {
      const { offers: _, ...answer } = await handler(event, invocation);
      return answer;
    },
    offers: async (event) => (await handler(event, invocation)).offers,
  };
}

/** The certificate in an answer, verified; throws for errors. */
export function certificateIn(answer: Bare): Certificate {
  if (!("certificate" in answer)) throw new Error(`${answer.errorType}: ${answer.errorMessage}`);
  const certificate = parseCertificate(answer.certificate);
  if (!verifyCertificate(certificate)) throw new Error("the certificate does not verify");
  return certificate;
}
