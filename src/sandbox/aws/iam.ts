import { authorize } from "./authorization.ts";
import { type Caller, type Group, requestContext, type User } from "./credentials.ts";
import { element, queryAnswer, Refusal, refuse } from "./refusal.ts";
import type { ServiceCall } from "./server.ts";
import type { World } from "./world.ts";

export const iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/";

/** Who asks something of IAM. */
export type IamSite = { readonly world: World; readonly caller: Caller; readonly region: string };

const actions: readonly string[] = ["GetUser", "ListMFADevices", "ListGroupsForUser"];
const mostItems = 1000;
const usualItems = 100;

/**
 * The reads of AWS IAM that a client makes of itself, over the Query protocol, GetUser and ListMFADevices, and one that the
 * CA makes: ListGroupsForUser. Throws the refusals of https://docs.aws.amazon.com/IAM/latest/APIReference/
 */
export function answerIam(call: ServiceCall): Response {
  const parameters = new URLSearchParams(Buffer.from(call.body).toString("utf8"));
  const { action, caller } = call;
  if (!actions.includes(action) || parameters.get("Version") !== "2010-05-08") {
    throw refuse("InvalidAction", 400, `Could not find operation ${action} for version ${parameters.get("Version")}`);
  }
  // https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html: no IAM API without a second factor.
  if (caller.kind === "user-session" && caller.mfaAt === null) {
    throw new Refusal("unknown", "The security token included in the request is invalid");
  }
  const name = parameters.get("UserName");
  return queryAnswer(action, answerFor(call, name, parameters), iamNamespace, call.requestId);
}

function answerFor(call: ServiceCall, name: string | null, parameters: URLSearchParams): string {
  if (call.action === "ListGroupsForUser") {
    if (name === null) {
      throw refuse(
        "ValidationError",
        400,
        "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
      );
    }
    const { groups, marker } = listGroups(call, name, parameters.get("Marker"), parameters.get("MaxItems"));
    const next = marker === null ? "" : element("Marker", marker);
    return `<Groups>${groups.map(describeGroup).join("")}</Groups>${element("IsTruncated", String(marker !== null))}${next}`;
  }
  const own = name ?? call.caller.user?.name;
  if (own === undefined) {
    throw refuse("ValidationError", 400, "Must specify userName when calling with non-User credentials");
  }
  const user = findUser(call, `iam:${call.action}`, own);
  return call.action === "GetUser" ? describeUser(user) : listDevices(user);
}

/**
 * One page of the groups of a user of the caller's own account: there is no asking for another account's. `marker` is what
 * the page before gave; the page's own is null when it is the last. Throws the refusals of IAM.
 */
export function listGroups(
  site: IamSite,
  name: string,
  marker: string | null,
  items: string | null,
): { groups: readonly Group[]; marker: string | null } {
  const count = items === null ? usualItems : /^\d{1,4}$/.test(items) ? Number(items) : 0;
  if (count < 1 || count > mostItems) {
    throw refuse(
      "ValidationError",
      400,
      `1 validation error detected: Value '${items}' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and ${mostItems}`,
    );
  }
  const { groups } = findUser(site, "iam:ListGroupsForUser", name);
  const start = marker === null ? 0 : groups.findIndex(({ id }) => id === marker);
  if (start < 0) throw refuse("ValidationError", 400, `Invalid Marker: ${marker}`);
  return { groups: groups.slice(start, start + count), marker: groups[start + count]?.id ?? null };
}

function findUser({ world, caller, region }: IamSite, action: string, name: string): User {
  const user = caller.account === world.userAccount ? world.users.get(name) : undefined;
  authorize(caller, {
    action,
    resource: user?.arn ?? `arn:aws:iam::${caller.account}:user/${name}`,
    account: caller.account,
    context: requestContext(world, caller, region),
    resourcePolicy: null,
    resourceMustAgree: false,
    kind: "resource",
  });
  if (user === undefined) throw refuse("NoSuchEntity", 404, `The user with name ${name} cannot be found.`);
  return user;
}

function describeGroup({ name, id, arn, createdAt }: Group): string {
  const fields = element("Path", "/") + element("GroupName", name) + element("GroupId", id) + element("Arn", arn);
  return `<member>${fields}${element("CreateDate", seconds(createdAt))}</member>`;
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
