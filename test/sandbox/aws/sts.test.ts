import { afterAll, describe, expect, test } from "bun:test";
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { mfaSession, refused, type SdkKeys, sdkKeys, serial, startSandbox } from "./clients.ts";

let clock = Date.UTC(2026, 10, 22, 1, 0, 10);
const sandbox = startSandbox({ now: () => clock, devices: 2, securityKeys: 1, otherUsers: ["bob"] });
const { world, sts } = sandbox;
afterAll(sandbox.stop);

const nextCode = async () => {
  clock += 60_000;
  return world.currentCode();
};
const ask = (input: object, keys: SdkKeys = world.user) => sts(keys).send(new GetSessionTokenCommand(input));
const assume = (keys: SdkKeys, input: object = {}) =>
  sts(keys).send(new AssumeRoleCommand({ RoleArn: world.userRole.arn, RoleSessionName: "test", ...input }));
const bob = () => {
  const user = world.users.get("bob");
  if (user === undefined) throw new Error("there is no bob");
  return user;
};

describe("GetSessionToken", () => {
  test("gives a session for the code of the device, which ends when asked", async () => {
    const answer = await ask({ SerialNumber: serial(world), TokenCode: await nextCode(), DurationSeconds: 900 });
    expect(answer.Credentials?.Expiration?.getTime()).toBe(clock + 900_000);
    const keys = sdkKeys(answer.Credentials);
    expect(keys.accessKeyId).toStartWith("ASIA");
    const identity = await sts(keys).send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({ Arn: world.user.arn, Account: "123456789012", UserId: world.user.id });
  });

  test("refuses a wrong code", async () => {
    const code = await nextCode();
    const wrong = code === "000000" ? "000001" : "000000";
    expect(await refused(ask({ SerialNumber: serial(world), TokenCode: wrong }))).toEqual({
      name: "AccessDenied",
      status: 403,
      message: "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
    });
  });

  test("refuses a code that was used, as a wrong one", async () => {
    const input = { SerialNumber: serial(world), TokenCode: await nextCode() };
    await ask(input);
    expect((await refused(ask(input))).message).toContain("invalid MFA one time pass code");
  });

  test("refuses a code of long ago", async () => {
    const input = { SerialNumber: serial(world), TokenCode: await nextCode() };
    clock += 90_000;
    expect((await refused(ask(input))).message).toContain("invalid MFA one time pass code");
  });

  test("refuses a code of the user's other device", async () => {
    const other = world.user.devices[1]?.serial;
    expect((await refused(ask({ SerialNumber: other, TokenCode: await nextCode() }))).message).toContain("invalid MFA");
  });

  test.each([
    ["no device's", () => "arn:aws:iam::123456789012:mfa/nobody"],
    ["a security key's", () => world.user.devices[2]?.serial],
  ])("refuses a serial number that is %s", async (_, wrong) => {
    const refusal = await refused(ask({ SerialNumber: wrong(), TokenCode: await nextCode() }));
    expect(refusal.message).toBe(
      "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
    );
  });

  test("refuses another user's device", async () => {
    const refusal = await refused(ask({ SerialNumber: serial(world), TokenCode: await nextCode() }, bob()));
    expect(refusal.message).toContain("unable to validate MFA code");
  });

  test("refuses a serial number without a code", async () => {
    expect((await refused(ask({ SerialNumber: serial(world) }))).message).toContain("must provide both");
  });

  test("refuses credentials of a session", async () => {
    const session = sdkKeys((await ask({})).Credentials);
    expect(await refused(ask({}, session))).toEqual({
      name: "AccessDenied",
      status: 403,
      message: "Cannot call GetSessionToken with session credentials",
    });
  });

  test.each([
    ["too short a session", { DurationSeconds: 899 }, "greater than or equal to 900"],
    ["too long a session", { DurationSeconds: 129_601 }, "less than or equal to 129600"],
    ["a code of two digits", { SerialNumber: "arn:aws:iam::1:mfa/x", TokenCode: "12" }, "'tokenCode'"],
  ])("refuses %s", async (_, input, message) => {
    const refusal = await refused(ask(input));
    expect(refusal).toMatchObject({ name: "ValidationError", status: 400 });
    expect(refusal.message).toContain(message);
  });
});

describe("AssumeRole", () => {
  test("is allowed to a session with a second factor", async () => {
    const session = await mfaSession(sandbox);
    clock += 60_000;
    const answer = await assume(session);
    expect(answer.AssumedRoleUser?.Arn).toBe("arn:aws:sts::210987654321:assumed-role/bless-user/test");
    expect(answer.Credentials?.Expiration?.getTime()).toBe(clock + 3_600_000);
    const identity = await sts(sdkKeys(answer.Credentials)).send(new GetCallerIdentityCommand({}));
    expect(identity.Account).toBe("210987654321");
  });

  test("is allowed with the code itself, once", async () => {
    const input = { SerialNumber: serial(world), TokenCode: await nextCode() };
    await assume(world.user, input);
    expect((await refused(assume(world.user, input))).message).toContain("invalid MFA one time pass code");
  });

  test("is denied without a second factor, with long-term keys and with a session", async () => {
    const plain = sdkKeys((await ask({})).Credentials);
    for (const keys of [world.user, plain]) {
      expect(await refused(assume(keys))).toEqual({
        name: "AccessDenied",
        status: 403,
        message: `User: ${world.user.arn} is not authorized to perform: sts:AssumeRole on resource: ${world.userRole.arn}`,
      });
    }
  });

  test("is denied for a role that trusts others, and alike for one that does not exist", async () => {
    clock += 60_000;
    const session = await mfaSession(sandbox);
    for (const arn of [world.executionRole.arn, "arn:aws:iam::210987654321:role/none"]) {
      expect((await refused(assume(session, { RoleArn: arn }))).name).toBe("AccessDenied");
    }
  });

  test.each([
    ["a session longer than the role's", { DurationSeconds: 7200 }, "exceeds the MaxSessionDuration set for this role"],
    ["too short a session", { DurationSeconds: 60 }, "greater than or equal to 900"],
    ["a session name with a space", { RoleSessionName: "a b" }, "'roleSessionName'"],
    ["a role that is no ARN", { RoleArn: "bless-user-of-no-account" }, "'roleArn'"],
    ["a session policy, which it would have to evaluate", { Policy: "{}" }, "does not support Policy"],
  ])("refuses %s", async (_, input, message) => {
    clock += 60_000;
    const refusal = await refused(assume(await mfaSession(sandbox), input));
    expect(refusal).toMatchObject({ name: "ValidationError", status: 400 });
    expect(refusal.message).toContain(message);
  });

  test("is denied to a session of the role itself", async () => {
    clock += 60_000;
    const role = sdkKeys((await assume(await mfaSession(sandbox))).Credentials);
    expect((await refused(assume(role))).name).toBe("AccessDenied");
  });
});

describe("sessions", () => {
  test("end: every service then says so", async () => {
    clock += 60_000;
    const answer = await ask({ SerialNumber: serial(world), TokenCode: await nextCode(), DurationSeconds: 900 });
    clock += 900_000;
    const keys = sdkKeys(answer.Credentials);
    const refusal = await refused(sts(keys).send(new GetCallerIdentityCommand({})));
    expect(refusal).toMatchObject({ name: "ExpiredToken", status: 403 });
    expect(sandbox.records.at(-1)).toMatchObject({ principal: world.user.arn, allowed: "ExpiredToken" });
  });

  test("live no longer than the world lets them", async () => {
    const short = startSandbox({ sessionSeconds: 2 });
    try {
      const session = await short.sts(short.world.user).send(new GetSessionTokenCommand({ DurationSeconds: 3600 }));
      expect(session.Credentials?.Expiration?.getTime()).toBeLessThanOrEqual(Date.now() + 2000);
    } finally {
      await short.stop();
    }
  });

  test("need their token, and long-term keys have none", async () => {
    const { accessKeyId, secretAccessKey } = sdkKeys((await ask({})).Credentials);
    for (const keys of [
      { accessKeyId, secretAccessKey },
      { accessKeyId, secretAccessKey, sessionToken: "x" },
      { ...world.user, sessionToken: "x" },
      { ...world.user, accessKeyId: "AKIAAAAAAAAAAAAAAAAA" },
    ]) {
      expect(await refused(sts(keys).send(new GetCallerIdentityCommand({})))).toEqual({
        name: "InvalidClientTokenId",
        status: 403,
        message: "The security token included in the request is invalid.",
      });
    }
  });
});

test("an explicit deny beats the trust of the role", async () => {
  const strict = startSandbox({ deny: ["sts:AssumeRole"] });
  try {
    const session = await mfaSession(strict);
    const call = strict
      .sts(session)
      .send(new AssumeRoleCommand({ RoleArn: strict.world.userRole.arn, RoleSessionName: "test" }));
    expect((await refused(call)).message).toEndWith("with an explicit deny in an identity-based policy");
  } finally {
    await strict.stop();
  }
});

test("a role that trusts the user is not enough between accounts", async () => {
  const strict = startSandbox({
    policies: (usual) => ({
      user: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "kms:Encrypt", Resource: "*" }] },
      trust: usual.trust,
    }),
  });
  try {
    const session = await mfaSession(strict);
    const call = strict
      .sts(session)
      .send(new AssumeRoleCommand({ RoleArn: strict.world.userRole.arn, RoleSessionName: "test" }));
    expect((await refused(call)).name).toBe("AccessDenied");
  } finally {
    await strict.stop();
  }
});
