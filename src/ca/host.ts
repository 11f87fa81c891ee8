/**
 * The CA's handler for hosts, in the place of BLESS's `lambda_handler_host`: the same requests, answers and messages. There
 * whoever may invoke the function gets any name; here AWS says which host it is that asks, and a policy which names it has.
 */
import type { KeyObject } from "node:crypto";
import type { Answer } from "../wire/bless.ts";
import { equalBytes, WireError } from "../wire/bytes.ts";
import { MAX_PRINCIPALS } from "../wire/certificate.ts";
import { type CertificateSigner, makeCertificate } from "../wire/certificate-maker.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { askedIn } from "./asked.ts";
import { type Asked, auditRecord } from "./audit.ts";
import type { CaAws } from "./aws.ts";
import type { Invocation } from "./certificate.ts";
import { type Failed, forbidden, invalid, troubled, unproven } from "./failed.ts";
import { completeHostSettings, type HostSettings, hostOrderFor } from "./host-certificate.ts";
import { gainsByDocument, type HostSession, namesFor } from "./host-policy.ts";
import { type CheckedHostRequest, checkHostRequest, MAX_NAMES_LENGTH } from "./host-request.ts";
import {
  foreignDocument,
  type InstanceIdentity,
  readInstanceCertificates,
  readInstanceIdentity,
} from "./instance-identity.ts";
import { checkProof, type ProvenRole } from "./proof.ts";

/** The world around the handler. */
export type HostParts = {
  readonly settings: Partial<HostSettings>;
  readonly signer: CertificateSigner;
  readonly callerIdentity: CaAws["callerIdentity"];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** That many bytes from a cryptographic source. */
  readonly random: (count: number) => Uint8Array;
  /** Writes one record of the audit log; it never holds a proof. */
  readonly log: (record: Record<string, unknown>) => void;
};

/** What counts here beyond BLESS's fields, in every answer. */
export type HostOffer = "caller-identity" | "instance-identity";
export type HostAnswer = Answer & { readonly offers: readonly HostOffer[] };

export type HostHandler = (event: unknown, invocation: Invocation) => Promise<HostAnswer>;

type Named = { readonly names: readonly string[] };

/** Makes the handler; throws when the settings cannot work. */
export function makeHostHandler(parts: HostParts): HostHandler {
  const settings = completeHostSettings(parts.settings);
  const documentKeys = readInstanceCertificates(settings.instanceCertificates);
  const { signer, callerIdentity, now, random, log } = parts;
  const ca = sha256Fingerprint(signer.publicBlob);
  const provable = settings.policy !== null && settings.audience !== "";
  const offers: readonly HostOffer[] = [
    ...(provable ? (["caller-identity"] as const) : []),
    ...(provable && documentKeys.length > 0 ? (["instance-identity"] as const) : []),
  ];

  return async function handle(event, invocation) {
    const at = now();
    let asked: Asked = { kind: "host", user: "", proof: "none" };
    function refuse({ errorType, errorMessage, cause }: Failed): HostAnswer {
      log(auditRecord(asked, { errorType, errorMessage, cause }, invocation, at));
      return { errorType, errorMessage, offers };
    }

    // Who sends a proof is held to it, where there is a policy to hold it against.
    const isUnproven = settings.allowUnproven && !(provable && hasProof(event));
    const request = checkHostRequest(event, isUnproven ? settings.hostnameValidation : null);
    if ("faults" in request) {
      asked = askedIn("host", event);
      return refuse(invalid(request.faults));
    }
    asked = { ...asked, principals: request.names, publicKey: request.publicKey.blob };
    if (equalBytes(request.publicKey.blob, signer.publicBlob))
      return refuse(invalid("The public key is the CA's own."));
    if (settings.revocations.isRevokedKey(request.publicKey.blob)) return refuse(invalid("The public key is revoked."));

    let names = request.names;
    if (!isUnproven) {
      if (!provable) return refuse(forbidden("This CA has no policy for hosts, so it certifies none."));
      if (request.callerIdentity === null) return refuse(invalid("Invalid request, missing caller identity"));
      const { audience } = settings;
      const publicKeyBlob = request.publicKey.blob;
      const proved = await checkProof({
        proof: request.callerIdentity,
        audience,
        publicKeyBlob,
        now: at,
        callerIdentity,
      });
      if ("refusal" in proved) return refuse(unproven(proved));
      asked = { ...asked, user: proved.identity.arn, proof: "caller-identity" };
      const given = nameHost(request, proved, settings, documentKeys);
      if ("errorType" in given) return refuse(given);
      names = given.names;
    }

    try {
      const order = hostOrderFor({ names, publicKey: request.publicKey }, settings, invocation, at, random);
      const certificate = await makeCertificate(order, signer);
      log(auditRecord(asked, { order, ca }, invocation, at));
      return { certificate, offers };
    } catch (error) {
      return refuse(troubled("The certificate could not be signed.", error));
    }
  };
}

/** The names that a proven host gets: all that are the policy's for it, or those of them that it asked for. */
function nameHost(
  request: CheckedHostRequest,
  { identity, role, sessionName }: ProvenRole,
  { policy, revocations }: HostSettings,
  documentKeys: readonly KeyObject[],
): Named | Failed {
  const who: HostSession = { account: identity.account, role, sessionName };
  if (revocations.isRevokedPerson(sessionName)) return forbidden(`${sessionName} is revoked.`);
  const document = documentFor(request, who, documentKeys);
  if (document !== null && "errorType" in document) return document;

  const all = policy === null ? [] : namesFor(policy, who, document);
  const more = document === null && policy !== null && gainsByDocument(policy, who);
  const hint = more ? " It has names only with an instance identity document that can be verified here." : "";
  const outside = request.names.find((name) => !all.includes(name));
  if (outside !== undefined) return forbidden(`The policy does not give this host the name ${outside}.${hint}`);
  if (all.length === 0) return forbidden(`The policy gives this host no name.${hint}`);
  if (request.names.length > 0) return { names: request.names };
  if (all.length > MAX_PRINCIPALS || all.join().length > MAX_NAMES_LENGTH) {
    return forbidden("The policy gives this host more names than fit into a certificate: it has to ask for some.");
  }
  return { names: all };
}

/** The verified document of the very instance; null when there is none, or nothing to verify one by. */
function documentFor(
  { document }: CheckedHostRequest,
  who: HostSession,
  documentKeys: readonly KeyObject[],
): InstanceIdentity | Failed | null {
  if (document === null || documentKeys.length === 0) return null;
  try {
    const read = readInstanceIdentity(document.text, document.signature, documentKeys);
    const fault = foreignDocument(read, who);
    return fault === null ? read : forbidden(fault);
  } catch (error) {
    return forbidden(
      error instanceof WireError ? `Not accepted: ${error.message}.` : "The instance identity document cannot be read.",
    );
  }
}

function hasProof(event: unknown): boolean {
  return typeof event === "object" && event !== null && "caller_identity" in event && event.caller_identity !== "";
}
