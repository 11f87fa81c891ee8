import type { CaAws, CallerIdentity } from "../../ca/aws.ts";
import { type IdentityProof, PROOF_BODY } from "../../wire/caller-identity.ts";
import { authenticate } from "./authentication.ts";
import { type Role, roleCaller } from "./credentials.ts";
import { listGroups } from "./iam.ts";
import { type KmsSite, kmsDecrypt } from "./kms.ts";
import { kmsDescribe, kmsPublicKey, kmsSign } from "./kms-sign.ts";
import { type Protocol, Refusal, refusalCode } from "./refusal.ts";
import { readAuthorization } from "./sigv4.ts";
import type { World } from "./world.ts";

/**
 * AWS as a function of the world sees it that runs in a region, without requests in between: what it asks is judged by the
 * policies of its execution role (the function's for people unless another one is given), and what is refused rejects with
 * an Error under AWS's name for it.
 */
export function worldAws(world: World, regionName: string, role: Role = world.executionRole): CaAws {
  const caller = roleCaller(role, world.functionName, null);
  const site: KmsSite = { world, caller, region: regionName };
  return {
    decrypt: (ciphertext, encryptionContext) =>
      asked("json", () => {
        const { plaintext, keyArn } = kmsDecrypt(site, ciphertext, encryptionContext, null);
        return { plaintext, keyId: keyArn };
      }),
    sign: (keyId, algorithm, message, messageType) =>
      asked("json", () => kmsSign(site, keyId, algorithm, message, messageType).signature),
    publicKey: (keyId) => asked("json", () => kmsPublicKey(site, keyId).publicKey),
    keyArn: (keyId) => asked("json", () => kmsDescribe(site, keyId).arn),
    groupsOf: (userName) => asked("query", () => everyGroup(site, userName)),
    callerIdentity: (proof) => asked("query", () => identityOf(world, proof)),
  };
}

function everyGroup({ world, caller, region }: KmsSite, userName: string): readonly string[] {
  const names: string[] = [];
  for (let marker: string | null = null; ; ) {
    const page = listGroups({ world, caller, region }, userName, marker, null);
    names.push(...page.groups.map(({ name }) => name));
    if (page.marker === null) return names;
    marker = page.marker;
  }
}

/** Whose proof it is: as STS in the proof's region answers the request that the proof stands for. */
function identityOf(world: World, { region, headers }: IdentityProof): CallerIdentity {
  const request = {
    method: "POST",
    path: "/",
    query: "",
    headers: new Headers({ ...headers }),
    body: Buffer.from(PROOF_BODY),
  };
  if (readAuthorization(request.headers).region !== region) {
    throw new Refusal("mismatch", "Credential should be scoped to a valid region.");
  }
  const { arn, account, userId } = authenticate(world, "sts", request);
  return { arn, account, userId };
}

async function asked<T>(protocol: Protocol, answer: () => T): Promise<T> {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw Object.assign(new Error(error.message), { name: refusalCode(error, protocol).code });
  }
}
