/**
 * AWS over HTTPS for Node.js: the six calls of the CA and no more. AWS's own clients take 120 ms to load, which is what a cold
 * container may take altogether; their signer takes 15 ms.
 */
import { encodeBase64, encodeText } from "../wire/bytes.ts";
import { type IdentityProof, PROOF_BODY, PROOF_HEADERS } from "../wire/caller-identity.ts";
import type { CaAws } from "./aws.ts";
import {
  bytesField,
  errorIn,
  type Fields,
  jsonFields,
  readCallerIdentity,
  readGroups,
  textField,
} from "./aws-answers.ts";
import { type Endpoint, type Environment, endpointOf, partitionOf } from "./aws-endpoint.ts";
import { type Credentials, signedHeaders } from "./aws-signature.ts";
import { type HttpAnswer, named, type Post, post } from "./aws-transport.ts";

export type HttpParts = {
  /** Read at every call: Lambda's credentials change. */
  readonly environment: () => Environment;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** One call, its tries together, milliseconds. */
const WHOLE_MS = 3000;
/** Waits before the second and the third try, milliseconds; up to half as much again by chance. */
const WAITS = [40, 150];
/** Of groups: an IAM user is in ten at most. */
const MAX_PAGES = 20;

const THROTTLED = /^(Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|PriorRequestNotComplete)/;

/** The calls, by the credentials and the region in the environment. */
export function makeHttpAws({ environment, now }: HttpParts): CaAws {
  async function kms(operation: string, input: object, keyId = ""): Promise<Fields> {
    // A key in another region is asked for there.
    const region = /^arn:[^:]+:kms:([^:]+):/.exec(keyId)?.[1] ?? regionIn(environment());
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `TrentService.${operation}` };
    const body = encodeText(JSON.stringify(input));
    return jsonFields(await insist(() => signed(endpointOf("kms", region, environment()), "kms", headers, body)));
  }

  function signed(
    { url, region }: Endpoint,
    service: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Post {
    const all = { ...headers, host: url.host };
    const credentials = credentialsIn(environment());
    return { url, headers: signedHeaders(all, body, { region, service }, credentials, now()), body };
  }

  return {
    async decrypt(ciphertext, encryptionContext) {
      const context = Object.keys(encryptionContext).length === 0 ? {} : { EncryptionContext: encryptionContext };
      const fields = await kms("Decrypt", { CiphertextBlob: encodeBase64(ciphertext), ...context });
      return { plaintext: bytesField(fields, "Plaintext"), keyId: textField(fields, "KeyId") };
    },
    async sign(keyId, algorithm, message, messageType) {
      const input = {
        KeyId: keyId,
        Message: encodeBase64(message),
        MessageType: messageType,
        SigningAlgorithm: algorithm,
      };
      return bytesField(await kms("Sign", input, keyId), "Signature");
    },
    async publicKey(keyId) {
      return bytesField(await kms("GetPublicKey", { KeyId: keyId }, keyId), "PublicKey");
    },
    async keyArn(keyId) {
      const { KeyMetadata: metadata } = await kms("DescribeKey", { KeyId: keyId }, keyId);
      return textField(typeof metadata === "object" ? { ...metadata } : {}, "Arn");
    },
    async groupsOf(userName) {
      const names: string[] = [];
      let marker: string | null = null;
      for (let page = 0; page < MAX_PAGES; page++) {
        const form = new URLSearchParams({ Action: "ListGroupsForUser", Version: "2010-05-08", UserName: userName });
        if (marker !== null) form.set("Marker", marker);
        const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
        const endpoint = endpointOf("iam", regionIn(environment()), environment());
        const body = encodeText(`${form}`);
        const found = readGroups(await insist(() => signed(endpoint, "iam", headers, body)));
        names.push(...found.names);
        marker = found.marker;
        if (marker === null) return names;
      }
      throw named("InvalidAnswer", "IAM's list of groups has no end");
    },
    async callerIdentity(proof) {
      const request = requestOf(proof, environment());
      return readCallerIdentity(await insist(() => request));
    },
  };
}

/** The proof as a request: to AWS's own address or the one that is configured, whatever the proof says. */
function requestOf({ region, headers }: IdentityProof, environment: Environment): Post {
  if (partitionOf(region) !== partitionOf(regionIn(environment))) {
    throw named("InvalidProof", "a proof of identity for another partition of AWS");
  }
  const { url } = endpointOf("sts", region, environment);
  if (headers["host"] !== url.host) throw named("InvalidProof", "a proof of identity that is for another host");
  const sent = Object.entries(headers).filter(([name]) => PROOF_HEADERS.includes(name));
  return { url, headers: Object.fromEntries(sent), body: encodeText(PROOF_BODY) };
}

/** The body of the answer. What may go better the next time is tried again: all that is asked here may be asked twice. */
async function insist(request: () => Post): Promise<Uint8Array> {
  const end = performance.now() + WHOLE_MS;
  for (let tries = 0; ; tries++) {
    let failure: Error;
    let wait = (WAITS[tries] ?? 0) * (1 + Math.random() / 2);
    try {
      const answer: HttpAnswer = await post(request(), end - performance.now());
      if (answer.status === 200) return answer.body;
      failure = errorIn(answer);
      if (answer.status < 500 && !THROTTLED.test(failure.name)) throw failure;
    } catch (error) {
      if (!(error instanceof Error) || !("wasReused" in error)) throw error;
      failure = error;
      if (error.wasReused === true) wait = 0;
    }
    if (tries >= WAITS.length || performance.now() + wait >= end) throw failure;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function regionIn(environment: Environment): string {
  const region = environment["AWS_REGION"] ?? "";
  if (!/^[a-z]{2,5}(-[a-z0-9]+){1,4}$/.test(region)) throw named("ConfigurationError", "AWS_REGION names no region");
  return region;
}

function credentialsIn(environment: Environment): Credentials {
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
  if (!accessKeyId || !secretAccessKey) throw named("CredentialsError", "no AWS credentials in the environment");
  return { accessKeyId, secretAccessKey, sessionToken: environment["AWS_SESSION_TOKEN"] || null };
}
