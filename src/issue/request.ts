import { Failure } from "../failure.ts";
import { encodeHostRequest, encodeUserRequest, type HostRequest, type UserRequest } from "../wire/bless.ts";
import { equalBytes, WireError } from "../wire/bytes.ts";
import { parseCertificate } from "../wire/certificate.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { verifyCertificate } from "../wire/signature.ts";
import { answerRefusal } from "./answer-errors.ts";
import { type About, nonsense } from "./errors.ts";
import { readAnswer } from "./invoke.ts";
import { invokeFunction } from "./lambda.ts";
import { openErrand } from "./open.ts";
import type { Order } from "./order.ts";
import { ownKeys } from "./own-keys.ts";

/**
 * Sends one BLESS request as it is, a person's or a host's, with the user's own credentials, and gives the certificate's line.
 * Only what makes it a certificate is checked: that it can be read, is of the kind that was asked for, is signed by the key it
 * names, and is for the key that was sent. Throws Failure.
 */
export async function sendRequest(
  order: Order,
  awsRegion: string,
  request: UserRequest | HostRequest,
): Promise<string> {
  const { settings } = order;
  const errand = await openErrand(order);
  try {
    const own = await ownKeys(errand, awsRegion, (device) => errand.questioner.code(device, undefined));
    const name = settings.function ?? "";
    const about: About = {
      service: "Lambda",
      action: "Invoke",
      region: awsRegion,
      function: name,
      role: `the credentials of ${errand.source.name}`,
    };
    const payload = isHosts(request) ? encodeHostRequest(request) : encodeUserRequest(request);
    const answer = await invokeFunction(errand, about, own, { name, version: settings.functionVersion }, payload);
    order.trace(`the invocation's request id is ${answer.$metadata.requestId ?? "not given"}`);
    const said = readAnswer(answer, about);
    if (!("certificate" in said)) throw refusalOf(said, request, about);
    return checked(said.certificate, request, about);
  } finally {
    errand.close();
  }
}

/** What the CA refused, with what of this request would cure it. */
function refusalOf(
  said: { errorType: string; errorMessage: string },
  request: UserRequest | HostRequest,
  about: About,
) {
  const failure = answerRefusal(said, about);
  const wantsToken = /missing (kmsauth|caller identity)/i.test(said.errorMessage);
  if (!wantsToken || isHosts(request)) return failure;
  const next = /kmsauth/i.test(said.errorMessage)
    ? "give it with --kmsauth-token-file"
    : "bssh request has none to show: use bssh login";
  return new Failure(failure.message, next);
}

function isHosts(request: UserRequest | HostRequest): request is HostRequest {
  return "hostnames" in request;
}

function checked(line: string, request: UserRequest | HostRequest, about: About): string {
  try {
    const certificate = parseCertificate(line);
    const wanted = isHosts(request) ? "host" : "user";
    if (certificate.kind !== wanted) {
      const next = "name the function for the other kind with --function";
      throw new Failure(`the certificate is a ${certificate.kind}'s, not a ${wanted}'s`, next);
    }
    if (!verifyCertificate(certificate))
      throw new Failure("the CA's signature is not good", "do not use this certificate");
    if (!equalBytes(certificate.publicKey, parsePublicKey(request.public_key_to_sign).blob)) {
      throw new Failure("the certificate is for another key than the one sent", "do not use this certificate");
    }
    return line.trim();
  } catch (error) {
    if (error instanceof WireError) throw nonsense(about);
    throw error;
  }
}
