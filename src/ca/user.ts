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
import { describe } from "./cause.ts";
import { type Invocation, neverValid, orderFor } from "./certificate.ts";
import { checkToken, groupsRefusal, principalsRefusal, type Refusal } from "./kmsauth.ts";
import { type CheckedRequest, checkRequest, makeDenylist } from "./policy.ts";
import { checkProof, personOf } from "./proof.ts";
import { type CaSettings, completeSettings, type GivenSettings } from "./settings.ts";
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

type Failed = Refusal & { readonly errorType: string };
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
      return refuse(clientError("The certificate could not be signed.", error), asked);
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
  const { token, callerIdentity: signed } = request;
  if (kmsauth === null && rules === null) return { proof: "none" };
  const hasToken = kmsauth !== null && token !== null;
  if (!hasToken && (rules === null || signed === null)) {
    return invalid(`Invalid request, missing ${kmsauth === null ? "caller identity" : "kmsauth token"}`);
  }
  const forbidden = principalsRefusal(request, settings);
  if (forbidden !== null) return unproven(forbidden);
  const proved = await (hasToken ? byToken : byCallerIdentity)(request, settings, aws, now);
  if ("errorType" in proved) return proved;
  try {
    // A role session's name is its person's in IAM Identity Center; an IAM user of that name is somebody else.
    const groupsOf = hasToken ? aws.groupsOf : async () => [];
    const outside = await groupsRefusal(request, settings, groupsOf);
    return outside === null ? proved : unproven(outside);
  } catch (error) {
    return clientError("IAM did not tell the user's groups.", error);
  }
}

async function byToken(
  { token, user, publicKey }: CheckedRequest,
  { kmsauth }: CaSettings,
  { decrypt }: UserParts["aws"],
  now: number,
): Promise<Proved | Failed> {
  if (token === null || kmsauth === null) return invalid("Invalid request, missing kmsauth token");
  const bearer = { token, user, publicKey: sha256Fingerprint(publicKey.blob) };
  const good = await checkToken(bearer, kmsauth, decrypt, now);
  if ("errorMessage" in good) return unproven(good);
  return { proof: good.bound ? "kmsauth-bound" : "kmsauth" };
}

async function byCallerIdentity(
  request: CheckedRequest,
  { callerIdentity: rules, revocations }: CaSettings,
  { callerIdentity }: UserParts["aws"],
  now: number,
): Promise<Proved | Failed> {
  if (rules === null || request.callerIdentity === null) return invalid("Invalid request, missing caller identity");
  const proved = await checkProof({
    proof: request.callerIdentity,
    audience: rules.audience,
    publicKeyBlob: request.publicKey.blob,
    now,
    callerIdentity,
  });
  if ("refusal" in proved) return proved.isOutage === true ? outage(proved.refusal) : unproven(proved.refusal);
  if (revocations.isRevokedPerson(proved.sessionName)) {
    return unproven({ errorMessage: `${proved.sessionName} is revoked.`, cause: "" });
  }
  const person = personOf(proved, rules);
  if ("refusal" in person) return unproven(person.refusal);
  if (person.name === request.user) return { proof: "caller-identity" };
  return unproven({ errorMessage: "The caller identity is not bastion_user's.", cause: "" });
}

function revocationRefusal(request: CheckedRequest, { revocations }: CaSettings): Failed | null {
  if (revocations.isRevokedKey(request.publicKey.blob)) return invalid("The public key is revoked.");
  const name = [request.user, ...request.principals].find((one) => revocations.isRevokedPerson(one));
  return name === undefined ? null : unproven({ errorMessage: `${name} is revoked.`, cause: "" });
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

function invalid(errorMessage: string): Failed {
  return { errorType: "InputValidationError", errorMessage, cause: "" };
}

function unproven({ errorMessage, cause }: Refusal): Failed {
  return { errorType: "KMSAuthValidationError", errorMessage, cause };
}

function clientError(errorMessage: string, error: unknown): Failed {
  return { errorType: "ClientError", errorMessage, cause: describe(error) };
}

function outage({ errorMessage, cause }: Refusal): Failed {
  return { errorType: "ClientError", errorMessage, cause };
}
