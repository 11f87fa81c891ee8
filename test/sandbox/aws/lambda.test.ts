import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { InvokeCommand, type InvokeCommandInput } from "@aws-sdk/client-lambda";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import type { FunctionContext } from "../../../src/sandbox/aws/lambda.ts";
import { mfaSession, refused, type SdkKeys, sdkKeys, startSandbox } from "./clients.ts";

const seen: FunctionContext[] = [];
let clock = Date.UTC(2026, 10, 22, 1, 0, 10);
const sandbox = startSandbox({
  now: () => clock,
  caBehaviour: () => async (payload, context) => {
    seen.push(context);
    return { payload, log: "a line\n" };
  },
});
const { world, lambda, sts } = sandbox;
let session: SdkKeys;
let role: SdkKeys;
beforeAll(async () => {
  session = await mfaSession(sandbox);
  const command = new AssumeRoleCommand({ RoleArn: world.userRole.arn, RoleSessionName: "mfaassume" });
  role = sdkKeys((await sts(session).send(command)).Credentials);
});
afterAll(sandbox.stop);

const arn = "arn:aws:lambda:us-east-1:210987654321:function:bless";
const invoke = (input: Partial<InvokeCommandInput> = {}, keys = role, region = "us-east-1") =>
  lambda(keys, { region }).send(new InvokeCommand({ FunctionName: "bless", Payload: '{"a":1}', ...input }));

describe("Invoke", () => {
  test("gives the function the payload and the caller its answer", async () => {
    const answer = await invoke();
    expect(answer.Payload?.transformToString()).toBe('{"a":1}');
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: "$LATEST" });
    expect([answer.FunctionError, answer.LogResult]).toEqual([undefined, undefined]);
    expect(seen.at(-1)).toMatchObject({ functionName: "bless", functionArn: arn, region: "us-east-1" });
    expect(seen.at(-1)?.requestId).toBe(answer.$metadata.requestId);
  });

  test("runs the version of the qualifier", async () => {
    const versions: (string | undefined)[] = [];
    for (const Qualifier of ["PROD", "1", "$LATEST"]) versions.push((await invoke({ Qualifier })).ExecutedVersion);
    expect(versions).toEqual(["1", "1", "$LATEST"]);
    await invoke({ Qualifier: "PROD" });
    expect(seen.at(-1)).toMatchObject({ functionArn: `${arn}:PROD`, version: "1" });
  });

  test("finds the function by ARN, partial ARN and with the qualifier in the name", async () => {
    for (const FunctionName of [arn, "210987654321:function:bless", `${arn}:PROD`, "bless:PROD"]) {
      expect((await invoke({ FunctionName })).StatusCode).toBe(200);
    }
  });

  test("works in both regions", async () => {
    await invoke({}, role, "us-west-2");
    expect(seen.at(-1)?.functionArn).toBe(arn.replace("us-east-1", "us-west-2"));
  });

  test("gives the end of the log when asked", async () => {
    const { LogResult = "" } = await invoke({ LogType: "Tail" });
    expect(Buffer.from(LogResult, "base64").toString()).toMatch(
      /^START RequestId: \S+ Version: \$LATEST\na line\nEND RequestId: \S+\nREPORT RequestId: /,
    );
    world.functions.set("bless", async (payload) => ({ payload, log: "x".repeat(9000) }));
    const long = await invoke({ LogType: "Tail" });
    expect(Buffer.from(long.LogResult ?? "", "base64")).toHaveLength(4096);
  });

  test("answers nothing to a dry run", async () => {
    expect((await invoke({ InvocationType: "DryRun" })).StatusCode).toBe(204);
  });

  test("gives a function's errors as answers", async () => {
    world.functions.set("bless", () => Promise.reject(new RangeError("out of it")));
    const thrown = await invoke();
    expect(thrown.FunctionError).toBe("Unhandled");
    expect(JSON.parse(thrown.Payload?.transformToString() ?? "")).toMatchObject({
      errorType: "RangeError",
      errorMessage: "out of it",
    });
    world.functions.set("bless", async (payload) => ({ payload, functionError: "Handled" }));
    expect((await invoke()).FunctionError).toBe("Handled");
  });

  test("is denied to a session without the role", async () => {
    expect(await refused(invoke({ FunctionName: arn }, session))).toEqual({
      name: "AccessDeniedException",
      status: 403,
      message: `User: ${world.user.arn} is not authorized to perform: lambda:InvokeFunction on resource: ${arn} because no resource-based policy allows the lambda:InvokeFunction action`,
    });
    expect((await refused(invoke({}, session))).message).toContain("lambda:us-east-1:123456789012:function:bless");
  });

  test("is denied for another function of the account", async () => {
    expect((await refused(invoke({ FunctionName: "other" }))).message).toContain("function:other");
  });

  test("does not find a version that is missing, nor a function that is gone", async () => {
    expect(await refused(invoke({ Qualifier: "BETA" }))).toEqual({
      name: "ResourceNotFoundException",
      status: 404,
      message: `Function not found: ${arn}:BETA`,
    });
    world.functions.delete("bless");
    expect((await refused(invoke())).message).toBe(`Function not found: ${arn}`);
  });

  test.each([
    ["a payload that is no JSON", { Payload: "no" }, "InvalidRequestContentException"],
    ["an asynchronous invocation", { InvocationType: "Event" }, "InvalidParameterValueException"],
    ["two qualifiers", { FunctionName: "bless:PROD", Qualifier: "1" }, "InvalidParameterValueException"],
    ["a name that is none", { FunctionName: "b l e s s" }, "InvalidParameterValueException"],
  ] as const)("refuses %s", async (_, input, name) => {
    world.functions.set("bless", async (payload) => ({ payload }));
    expect((await refused(invoke(input))).name).toBe(name);
  });

  test("is refused when the role's session has ended", async () => {
    clock += 3_600_000;
    expect(await refused(invoke())).toMatchObject({ name: "ExpiredTokenException", status: 403 });
    expect((await refused(invoke({}, { ...role, sessionToken: "x" }))).name).toBe("UnrecognizedClientException");
  });
});

test("a policy for the bare ARN does not cover qualifiers", async () => {
  const strict = startSandbox({
    policies: () => ({
      role: { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: arn } },
    }),
    caBehaviour: () => async (payload) => ({ payload }),
  });
  try {
    const command = new AssumeRoleCommand({ RoleArn: strict.world.userRole.arn, RoleSessionName: "test" });
    const keys = sdkKeys((await strict.sts(await mfaSession(strict)).send(command)).Credentials);
    const call = (Qualifier?: string) =>
      strict
        .lambda(keys)
        .send(new InvokeCommand({ FunctionName: "bless", ...(Qualifier === undefined ? {} : { Qualifier }) }));
    expect((await call()).StatusCode).toBe(200);
    expect((await refused(call("PROD"))).name).toBe("AccessDeniedException");
  } finally {
    await strict.stop();
  }
});
