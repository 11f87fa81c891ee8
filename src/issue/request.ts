import { Failure } from "../failure.ts";
import type { UserRequest } from "../wire/bless.ts";
import { encodeUserRequest } from "../wire/bless.ts";
import { equalBytes, WireError } from "../wire/bytes.ts";
import { parseCertificate } from "../wire/certificate.ts";
import { parsePublicKey } from "../wire/public-key.ts";
import { verifyCertificate } from "../wire/signature.ts";
import { call } from "./errand.ts";
import { type About, answerRefusal, nonsense } from "./errors.ts";
import { readAnswer } from "./invoke.ts";
import { openErrand } from "./open.ts";
import type { Order } from "./order.ts";
import { ownKeys } from "./own-keys.ts";

/**
 * Sends one BLESS request as it is, with the user's own credentials, and gives the certificate's line. Only what makes it
 * a certificate is checked: that it can be read, is signed by the key it names, and is for the key that was sent. Throws Failure.
 */
export async function sendRequest(order: Order, awsRegion: string, request: UserRequest): Promise<string> {
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
    const answer = await call(errand, about, (abortSignal) =>
      errand.clients.lambda(awsRegion, own, (client, sdk) =>
        client.send(
          new sdk.InvokeCommand({
            FunctionName: name,
            InvocationType: "RequestResponse",
            LogType: "None",
            Payload: encodeUserRequest(request),
            ...(settings.functionVersion === null ? {} : { Qualifier: settings.functionVersion }),
          }),
          { abortSignal },
        ),
      ),
    );
    const said = readAnswer(answer, about);
    if (!("certificate" in said)) throw answerRefusal(said, about);
    return checked(said.certificate, request, about);
  } finally {
    errand.close();
  }
}

function checked(line: string, request: UserRequest, about: About): string {
  try {
    const certificate = parseCertificate(line);
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
