/**
 * The CA's handler for people, in the place of BLESS's `lambda_handler_user`: the same requests, answers and messages,
 * with modern signatures.
 */
import type { Answer } from "../wire/bless.ts";
import { equalBytes } from "../wire/bytes.ts";
import { type CertificateOrder, type CertificateSigner, makeCertificate } from "../wire/certificate-maker.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { askedIn } from "./asked.ts";
import { type Asked, auditRecord, type Proof } from "./audit.ts";
import type { CaAws } from "./aws.ts";
import { type Invocation, neverValid, orderFor } from "./certificate.ts";
import { type Failed, forbidden, invalid, troubled, unproven } from "./failed.ts";
import { checkToken, groupsRefusal, principalsRefusal, type Refusal } from "./kmsauth.ts";
import { type CheckedRequest, checkRequest, makeDenylist } from "./policy.ts";
import { checkProof, personOf } from "./proof.ts";
import {
  type CallerIdentitySettings,
  type CaSettings,
  completeSettings,
  type GivenSettings,
  type KmsauthSettings,
} from "./settings.ts";
import { rememberingDecrypt } from "./token-memory.ts";

/** The world around the handler. */
export type UserParts = {
  readonly settings: GivenSettings;
  readonly aws: Pick<CaAws, "decrypt" | "groupsOf" | "callerIdentity">;
  readonly signer: CertificateSigner;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** That many bytes from a cryptographic source. */
  readonly random: (count: number) => Uint8Array;
  /** Writes one record of the audit log; it never holds a token. */
  readonly log: (record: Record<string, unknown>) => void;
};

/** What the CA can do beyond BLESS, in every answer of it: BLESS's clients look at other fields. */
export type Offer = "bound-token" | "caller-identity";
export type UserAnswer = Answer & { readonly offers: readonly Offer[] };

export type UserHandler = (event: unknown, invocation: Invocation) => Promise<UserAnswer>;

type Proved = { readonly proof: Proof };

/** Makes the handler; throws when the settings cannot work. */
export function makeUserHandler(parts: UserParts): UserHandler {
  const settings = completeSettings(parts.settings);
  const { signer, now, random, log } = parts;
  const aws = { ...parts.aws, decrypt: rememberingDecrypt(parts.aws.decrypt) };
  const offers = offersOf(settings);
  const onDenylist = makeDenylist(settings.remoteUsernamesBlacklist);
  const ca = sha256Fingerprint(signer.publicBlob);

  return async function handle(event, invocation) {
    const at = now();
    function refuse({ errorType, errorMessage, cause }: Failed, asked: Asked): UserAnswer {
      log(auditRecord(asked, { errorType, errorMessage, cause }, invocation, at));
      return { errorType, errorMessage, offers };
    }

    const request = checkRequest(event, settings);
    if ("faults" in request) return refuse(invalid(request.faults), askedIn("user", event));
    const asked = askedFor(request);
    try {
      const unfit = equalBytes(request.publicKey.blob, signer.publicBlob)
        ? invalid("The public key is the CA's own.")
        : revocationRefusal(request, settings);
      if (unfit !== null) return refuse(unfit, asked);
      const proved = await prove(request, settings, aws, at);
      if ("errorType" in proved) return refuse(proved, asked);
      const { proof } = proved;
      const denied = onDenylist(request.principals);
      if (denied !== null) return refuse(invalid(denied), { ...asked, proof });

      const order = orderFor(request, settings, invocation, at, random);
      const isTest = settings.testUser !== null && [request.user, request.remoteUsernames].includes(settings.testUser);
      const certified: CertificateOrder = isTest ? neverValid(order, at) : order;
      const certificate = await makeCertificate(certified, signer);
      log(auditRecord({ ...asked, proof }, { order: certified, ca }, invocation, at));
      return { certificate, offers };
    } catch (error) {
      return refuse(troubled("The certificate could not be signed.", error), asked);
    }
  };
}

/** Whether the asker is who they say and may have what they ask for. */
async function prove(
  request: CheckedRequest,
  settings: CaSettings,
  aws: UserParts["aws"],
  now: number,
): Promise<Proved | Failed> {
  const { kmsauth, callerIdentity: rules } = settings;
  const { token, callerIdentity: proof } = request;
  if (kmsauth === null && rules === null) return { proof: "none" };
  const hasToken = kmsauth !== null && token !== null;
  const ask = hasToken
    ? () => byToken(token, request, kmsauth, aws, now)
    : rules !== null && proof !== null
      ? () => byCallerIdentity(proof, request, rules, settings, aws, now)
      : null;
  if (ask === null) {
    return invalid(`Invalid request, missing ${kmsauth === null ? "caller identity" : "kmsauth token"}`);
  }
  const forbiddenNames = principalsRefusal(request, settings);
  if (forbiddenNames !== null) return refused(forbiddenNames);
  const proved = await ask();
  if ("errorType" in proved) return proved;
  try {
    // A role session's name is its person's in IAM Identity Center; an IAM user of that name is somebody else.
    const groupsOf = hasToken ? aws.groupsOf : async () => [];
    const outside = await groupsRefusal(request, settings, groupsOf);
    return outside === null ? proved : refused(outside);
  } catch (error) {
    return troubled("IAM did not tell the user's groups.", error);
  }
}

async function byToken(
  token: string,
  { user, publicKey }: CheckedRequest,
  kmsauth: KmsauthSettings,
  { decrypt }: UserParts["aws"],
  now: number,
): Promise<Proved | Failed> {
  const bearer = { token, user, publicKey: sha256Fingerprint(publicKey.blob) };
  const good = await checkToken(bearer, kmsauth, decrypt, now);
  if ("errorMessage" in good) return refused(good);
  return { proof: good.bound ? "kmsauth-bound" : "kmsauth" };
}

async function byCallerIdentity(
  proof: string,
  { user, publicKey }: CheckedRequest,
  rules: CallerIdentitySettings,
  { revocations }: CaSettings,
  { callerIdentity }: UserParts["aws"],
  now: number,
): Promise<Proved | Failed> {
  const { audience } = rules;
  const proved = await checkProof({ proof, audience, publicKeyBlob: publicKey.blob, now, callerIdentity });
  if ("refusal" in proved) return unproven(proved);
  if (revocations.isRevokedPerson(proved.sessionName)) return forbidden(`${proved.sessionName} is revoked.`);
  const person = personOf(proved, rules);
  if ("refusal" in person) return unproven(person);
  if (person.name === user) return { proof: "caller-identity" };
  return forbidden("The caller identity is not bastion_user's.");
}

function revocationRefusal(request: CheckedRequest, { revocations }: CaSettings): Failed | null {
  if (revocations.isRevokedKey(request.publicKey.blob)) return invalid("The public key is revoked.");
  const name = [request.user, ...request.principals].find((one) => revocations.isRevokedPerson(one));
  return name === undefined ? null : forbidden(`${name} is revoked.`);
}

function offersOf({ kmsauth, callerIdentity }: CaSettings): readonly Offer[] {
  return [
    ...(kmsauth === null || kmsauth.bindPublicKey === "off" ? [] : (["bound-token"] as const)),
    ...(callerIdentity === null ? [] : (["caller-identity"] as const)),
  ];
}

function askedFor({ user, userAddress, sourceAddress, command, principals, publicKey }: CheckedRequest): Asked {
  return {
    kind: "user",
    user,
    proof: "none",
    userAddress,
    sourceAddress,
    command,
    principals,
    publicKey: publicKey.blob,
  };
}

function refused({ errorMessage, cause }: Refusal): Failed {
  return forbidden(errorMessage, cause);
}
