/**
 * The CA's handler for people, in the place of BLESS's `lambda_handler_user`: the same requests, answers and messages,
 * with modern signatures.
 */
import type { Answer, ErrorAnswer } from "../wire/bless.ts";
import { type CertificateSigner, makeCertificate } from "../wire/certificate-maker.ts";
import { sha256Fingerprint } from "../wire/signature.ts";
import { type Invocation, orderFor } from "./certificate.ts";
import { type Decrypt, nameOf, principalsRefusal, type Refusal, tokenRefusal } from "./kmsauth.ts";
import { type CheckedRequest, checkRequest } from "./policy.ts";
import { completeSettings, type GivenSettings } from "./settings.ts";

/** The world around the handler. */
export type UserParts = {
  readonly settings: GivenSettings;
  readonly decrypt: Decrypt;
  readonly signer: CertificateSigner;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** That many bytes from a cryptographic source. */
  readonly random: (count: number) => Uint8Array;
  /** Writes one record of the issuance log; it never holds a token. */
  readonly log: (record: Record<string, unknown>) => void;
};

export type UserHandler = (event: unknown, invocation: Invocation) => Promise<Answer>;

/** Makes the handler; throws when the settings cannot work. */
export function makeUserHandler(parts: UserParts): UserHandler {
  const settings = completeSettings(parts.settings);
  const { decrypt, signer, now, random, log } = parts;

  return async function handle(event, invocation) {
    function refuse(errorType: string, { errorMessage, cause }: Refusal, user = ""): ErrorAnswer {
      log({ event: "refused", requestId: invocation.requestId, user, errorType, errorMessage, cause });
      return { errorType, errorMessage };
    }

    const request = checkRequest(event, settings);
    if ("faults" in request) return refuse("InputValidationError", { errorMessage: request.faults, cause: "" });
    const { user, token } = request;

    if (settings.kmsauth !== null) {
      if (token === null || token === "") {
        return refuse(
          "InputValidationError",
          { errorMessage: "Invalid request, missing kmsauth token", cause: "" },
          user,
        );
      }
      const refusal =
        principalsRefusal(request, settings.kmsauth) ??
        (await tokenRefusal(token, user, settings.kmsauth, decrypt, now()));
      if (refusal !== null) return refuse("KMSAuthValidationError", refusal, user);
    }

    const order = orderFor(request, settings, invocation, now(), random);
    try {
      const certificate = await makeCertificate(order, signer);
      log({ event: "issued", ...invocation, ...describe(request), keyId: order.keyId, serial: `${order.serial}` });
      return { certificate };
    } catch (error) {
      return refuse(
        "ClientError",
        { errorMessage: "The certificate could not be signed.", cause: nameOf(error) },
        user,
      );
    }
  };
}

function describe(request: CheckedRequest): Record<string, unknown> {
  const { user, userAddress, sourceAddress, principals, publicKey } = request;
  return { user, userAddress, sourceAddress, principals, key: sha256Fingerprint(publicKey.blob) };
}
