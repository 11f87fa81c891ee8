import { type Caller, findCredentials } from "./credentials.ts";
import { Refusal } from "./refusal.ts";
import { readAuthorization, type SignedRequest, verifySignature } from "./sigv4.ts";
import type { World } from "./world.ts";

/** The services by the names they have in a signature's scope. */
export type Service = "sts" | "iam" | "kms" | "lambda";

// How far a request's date may be off, minutes: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const windows: Readonly<Record<Service, number>> = { sts: 15, iam: 15, kms: 5, lambda: 5 };

/**
 * Who signed a request to a service. Who sends it, and to what host, is no matter: a signed request may be handed on.
 * `tell` learns the ARN even when the credentials are at their end. Throws the refusals that every service has.
 */
export function authenticate(
  world: World,
  service: Service,
  request: SignedRequest,
  tell: (arn: string) => void = () => {},
): Caller {
  const authorization = readAuthorization(request.headers);
  const token = request.headers.get("x-amz-security-token");
  const { secretAccessKey, expiresAt, caller } = findCredentials(world, authorization.accessKeyId, token);
  if (authorization.service !== service) {
    throw new Refusal("mismatch", `Credential should be scoped to correct service: '${service}'.`);
  }
  if (!world.regions.some(({ name }) => name === authorization.region)) {
    throw new Refusal("mismatch", "Credential should be scoped to a valid region.");
  }
  verifySignature(request, authorization, secretAccessKey, world.now(), windows[service]);
  tell(caller.arn);
  if (expiresAt !== null && world.now() >= expiresAt) {
    throw new Refusal("expired", "The security token included in the request is expired");
  }
  return caller;
}
