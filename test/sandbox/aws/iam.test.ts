import { afterAll, beforeAll, expect, test } from "bun:test";
import { GetUserCommand, ListGroupsCommand, ListMFADevicesCommand } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { mfaSession, refused, type SdkKeys, sdkKeys, startSandbox } from "./clients.ts";

const sandbox = startSandbox({ user: "ali.ce+x@y", devices: 2, securityKeys: 1, otherUsers: ["bob"] });
const { world, iam, sts } = sandbox;
let session: SdkKeys;
beforeAll(async () => {
  session = await mfaSession(sandbox);
});
afterAll(sandbox.stop);

test("GetUser describes oneself", async () => {
  const { User } = await iam(world.user).send(new GetUserCommand({}));
  expect(User).toMatchObject({ UserName: "ali.ce+x@y", Arn: world.user.arn, UserId: world.user.id, Path: "/" });
});

test("ListMFADevices gives every device, with long-term keys and with a session that showed a second factor", async () => {
  for (const keys of [world.user, session]) {
    const { MFADevices = [] } = await iam(keys).send(new ListMFADevicesCommand({}));
    expect(MFADevices.map(({ SerialNumber }) => SerialNumber)).toEqual([
      "arn:aws:iam::123456789012:mfa/ali.ce+x@y",
      "arn:aws:iam::123456789012:mfa/ali.ce+x@y-2",
      "arn:aws:iam::123456789012:u2f/user/ali.ce+x@y/key-1",
    ]);
  }
});

test("a session without a second factor may not use IAM at all", async () => {
  const plain = sdkKeys((await sts(world.user).send(new GetSessionTokenCommand({}))).Credentials);
  expect(await refused(iam(plain).send(new ListMFADevicesCommand({})))).toMatchObject({
    name: "InvalidClientTokenId",
    status: 403,
  });
});

test("nobody reads about another, and learns no more of who exists", async () => {
  for (const UserName of ["bob", "nobody"]) {
    expect((await refused(iam(world.user).send(new GetUserCommand({ UserName })))).name).toBe("AccessDenied");
  }
});

test("a role has no user to read about", async () => {
  const command = new AssumeRoleCommand({ RoleArn: world.userRole.arn, RoleSessionName: "test" });
  const role = sdkKeys((await sts(session).send(command)).Credentials);
  expect((await refused(iam(role).send(new GetUserCommand({})))).message).toContain("non-User credentials");
});

test("a user without devices has an empty list, and a denied one none", async () => {
  const bare = startSandbox({ devices: 0 });
  const denied = startSandbox({ deny: ["iam:*"] });
  try {
    expect((await bare.iam(bare.world.user).send(new ListMFADevicesCommand({}))).MFADevices).toEqual([]);
    await expect(bare.world.currentCode()).rejects.toThrow("alice has no MFA device");
    expect((await refused(denied.iam(denied.world.user).send(new ListMFADevicesCommand({})))).name).toBe(
      "AccessDenied",
    );
  } finally {
    await bare.stop();
    await denied.stop();
  }
});

test("what the sandbox does not have is refused by name", async () => {
  expect((await refused(iam(world.user).send(new ListGroupsCommand({})))).message).toContain("ListGroups");
});
