import { authorize } from "./authorization.ts";
import { requestContext, type User } from "./credentials.ts";
import { element, queryAnswer, Refusal, refuse } from "./refusal.ts";
import type { ServiceCall } from "./server.ts";

export const iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/";

/**
 * The reads of AWS IAM that a client makes of itself, over the Query protocol: GetUser and ListMFADevices. Throws the
 * refusals of https://docs.aws.amazon.com/IAM/latest/APIReference/
 */
export function answerIam(call: ServiceCall): Response {
  const parameters = new URLSearchParams(Buffer.from(call.body).toString("utf8"));
  const { action, caller, world } = call;
  if ((action !== "GetUser" && action !== "ListMFADevices") || parameters.get("Version") !== "2010-05-08") {
    throw refuse("InvalidAction", 400, `Could not find operation ${action} for version ${parameters.get("Version")}`);
  }
  // https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html: no IAM API without a second factor.
  if (caller.kind === "user-session" && caller.mfaAt === null) {
    throw new Refusal("unknown", "The security token included in the request is invalid");
  }
  const name = parameters.get("UserName") ?? caller.user?.name;
  if (name === undefined) {
    throw refuse("ValidationError", 400, "Must specify userName when calling with non-User credentials");
  }
  const user = caller.account === world.userAccount ? world.users.get(name) : undefined;
  authorize(caller, {
    action: `iam:${action}`,
    resource: user?.arn ?? `arn:aws:iam::${caller.account}:user/${name}`,
    account: caller.account,
    context: requestContext(world, caller, call.region),
    resourcePolicy: null,
    resourceMustAgree: false,
    kind: "resource",
  });
  if (user === undefined) throw refuse("NoSuchEntity", 404, `The user with name ${name} cannot be found.`);
  const result = action === "GetUser" ? describeUser(user) : listDevices(user);
  return queryAnswer(action, result, iamNamespace, call.requestId);
}

function describeUser(user: User): string {
  const fields =
    element("Path", "/") +
    element("UserName", user.name) +
    element("UserId", user.id) +
    element("Arn", user.arn) +
    element("CreateDate", seconds(user.createdAt));
  return `<User>${fields}</User>`;
}

function listDevices(user: User): string {
  const members = user.devices.map(
    ({ serial, enabledAt }) =>
      `<member>${element("UserName", user.name)}${element("SerialNumber", serial)}${element("EnableDate", seconds(enabledAt))}</member>`,
  );
  return `<MFADevices>${members.join("")}</MFADevices>${element("IsTruncated", "false")}`;
}

function seconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
