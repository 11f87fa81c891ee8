import { readSigner } from "../../ca/keys.ts";
import type { NameRule } from "../../ca/names.ts";
import { makeUserHandler } from "../../ca/user.ts";
import type { CertificateSigner } from "../../wire/certificate-maker.ts";
import { roleCaller } from "./credentials.ts";
import { type KmsSite, kmsDecrypt, kmsRandom } from "./kms.ts";
import type { FunctionContext, FunctionHandler, FunctionResult } from "./lambda.ts";
import { Refusal, refusalCode } from "./refusal.ts";
import type { World, WorldRegion } from "./world.ts";

/** How the CA's function is configured where BLESS's own defaults may not do. */
export type BlessOptions = {
  /** What user names may be. */
  readonly usernameValidation: NameRule;
  /** Principals that anyone may ask for, `["*"]` for any; empty for one's own name only. */
  readonly remoteUsernamesAllowed: readonly string[];
};

/**
 * Our CA as a function of the world. All it does with KMS it does as its execution role; as with BLESS, the key is an
 * encrypted PEM beside the code whose passphrase only KMS can tell, and once open it stays with the container (one for
 * each region here). Unlike BLESS's, a container that could not open the key tries again.
 */
export function makeBlessFunction(world: World, options: BlessOptions): FunctionHandler {
  const signers = new Map<string, CertificateSigner>();
  return async (payload, context) => {
    const region = world.regions.find(({ name }) => name === context.region);
    if (region === undefined) throw new Error(`the function is not deployed in ${context.region}`);
    const caller = roleCaller(world.executionRole, world.functionName, null);
    const site = { world, caller, region: region.name };
    try {
      const signer = signers.get(region.name) ?? openSigner(site, region);
      signers.set(region.name, signer);
      return await invoke(site, signer, options, payload, context);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { payload: encode({ errorType: "ClientError", errorMessage: error.message }) };
    }
  };
}

function openSigner(site: KmsSite, region: WorldRegion): CertificateSigner {
  const password = Buffer.from(region.caPassword, "base64");
  return readSigner(site.world.ca.privateKeyPem, kmsDecrypt(site, password, {}, null).plaintext);
}

async function invoke(
  site: KmsSite,
  signer: CertificateSigner,
  options: BlessOptions,
  payload: Uint8Array,
  { requestId, functionArn }: FunctionContext,
): Promise<FunctionResult> {
  const { world } = site;
  const lines: string[] = [];
  const handle = makeUserHandler({
    settings: {
      validityAfterSeconds: world.certSeconds,
      usernameValidation: options.usernameValidation,
      kmsauth: {
        keyArns: world.regions.map(({ kmsauthKey }) => kmsauthKey),
        service: world.kmsauthService,
        remoteUsernamesAllowed: options.remoteUsernamesAllowed,
      },
    },
    decrypt: async (ciphertext, encryptionContext) => decryptToken(site, ciphertext, encryptionContext),
    signer,
    now: world.now,
    random: (count) => kmsRandom(site, count),
    log: (record) => lines.push(`${JSON.stringify(record)}\n`),
  });
  const event: unknown = payload.length === 0 ? null : JSON.parse(Buffer.from(payload).toString("utf8"));
  const answer = await handle(event, { requestId, functionArn });
  return { payload: encode(answer), log: lines.join("") };
}

function decryptToken(site: KmsSite, ciphertext: Uint8Array, encryptionContext: Record<string, string>) {
  try {
    const { plaintext, keyArn } = kmsDecrypt(site, ciphertext, encryptionContext, null);
    return { plaintext, keyId: keyArn };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // As AWS's own client throws it: the error code is the name.
    throw Object.assign(new Error(error.message), { name: refusalCode(error, "json").code });
  }
}

function encode(answer: object): Uint8Array {
  return Buffer.from(JSON.stringify(answer));
}
