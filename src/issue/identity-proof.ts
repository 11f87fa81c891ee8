// The proof of who somebody is without an IAM user: their own request for STS GetCallerIdentity, signed and not sent
// (wire/caller-identity.ts). It is made for one request to the CA, and neither kept nor told to anyone else.
import type { Region } from "../config/settings.ts";
import { Failure } from "../failure.ts";
import { AUDIENCE_HEADER, encodeProof, KEY_HEADER, PROOF_BODY, PROOF_HEADERS } from "../wire/caller-identity.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import type { Caller } from "./caller.ts";
import { endpointFor } from "./endpoint.ts";
import type { Errand } from "./errand.ts";
import type { Keys } from "./keys.ts";

/** True for the session of a role, as IAM Identity Center gives them. */
export function isRoleSession({ arn }: Pick<Caller, "arn">): boolean {
  return /^arn:[^:]+:sts::\d{12}:assumed-role\//.test(arn);
}

/** Whether the CA is shown who the user is by a signed request, and not by a kmsauth token. */
export function provesByCaller(errand: Errand, caller: Caller): boolean {
  const { identityProof } = errand.order.settings;
  return identityProof === "caller-identity" || (identityProof === "auto" && isRoleSession(caller));
}

/** The caller under the name that they have at the CA: with the proof above it may be what stands before the @ of a session's. */
export function namedAtCa(errand: Errand, caller: Caller): Caller {
  const cut = errand.order.settings.identityName === "local-part" && isRoleSession(caller);
  if (!cut || !provesByCaller(errand, caller)) return caller;
  const at = caller.userName.lastIndexOf("@");
  return at < 1 ? caller : { ...caller, userName: caller.userName.slice(0, at) };
}

/** The proof for one request to the region's CA, signed with the user's own session, as text. Throws Failure. */
export async function proveCaller(errand: Errand, region: Region, keys: Keys): Promise<string> {
  const { settings, publicKey, environment } = errand.order;
  if (settings.kmsauthService === null) {
    throw new Failure("a proof of identity names the CA, and the config doesn't", "set kmsauth_service", 78);
  }
  const host = stsHost(region.awsRegion, endpointFor("STS", environment));
  const { SignatureV4, Hash } = await import("./aws/signature.ts");
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const signer = new SignatureV4({
    service: "sts",
    region: region.awsRegion,
    sha256: Hash.bind(null, "sha256"),
    // The body's digest is signed all the same; a header for it has no place in a proof.
    applyChecksum: false,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) },
  });
  const { headers } = await signer.sign(
    {
      method: "POST",
      protocol: "https:",
      hostname: host,
      path: "/",
      query: {},
      headers: {
        host,
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        [AUDIENCE_HEADER]: settings.kmsauthService,
        [KEY_HEADER]: sha256Fingerprint(parsePublicKey(publicKey.trim()).blob),
      },
      body: PROOF_BODY,
    },
    { signingDate: new Date(errand.clock.now()) },
  );
  const signed = Object.entries(headers).filter(([name]) => PROOF_HEADERS.includes(name));
  return encodeProof({ region: region.awsRegion, headers: Object.fromEntries(signed) });
}

/** The host that the CA will send the request to: the region's STS, or the endpoint in force. */
function stsHost(awsRegion: string, endpoint: string | null): string {
  if (endpoint !== null) return new URL(endpoint).host;
  return `sts.${awsRegion}.amazonaws.com${awsRegion.startsWith("cn-") ? ".cn" : ""}`;
}
