import { describe, expect, test } from "bun:test";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { worldSecrets } from "../../../src/sandbox/aws/credentials.ts";
import { refused, startSandbox } from "./clients.ts";

describe("an interceptor", () => {
  test("answers in place of the services, changes their answer or lets it pass", async () => {
    let mode: "pass" | "replace" | "change" = "pass";
    const sandbox = startSandbox(
      {},
      {
        intercept: async ({ service, action, region }, answer) => {
          if (mode === "replace") return new Response(`${service} ${action} ${region}`, { status: 503 });
          if (mode === "change") return new Response((await (await answer()).text()).replaceAll("alice", "malice"));
          return null;
        },
      },
    );
    try {
      const { world, sts, records } = sandbox;
      const call = () => sts(world.user).send(new GetCallerIdentityCommand({}));
      expect((await call()).Arn).toBe(world.user.arn);
      mode = "replace";
      expect((await refused(call())).status).toBe(503);
      mode = "change";
      expect((await call()).Arn).toEndWith("user/malice");
      expect(records.map(({ allowed }) => allowed)).toEqual([true, "Intercepted", true]);
    } finally {
      await sandbox.stop();
    }
  });
});

test("two worlds share nothing", async () => {
  const [one, two] = [startSandbox(), startSandbox()];
  try {
    expect((await refused(one.sts(two.world.user).send(new GetCallerIdentityCommand({})))).name).toBe(
      "InvalidClientTokenId",
    );
    const both = [one, two].map(({ world }) => worldSecrets(world));
    expect(both[0]?.some((secret) => both[1]?.includes(secret))).toBe(false);
  } finally {
    await one.stop();
    await two.stop();
  }
});

test("a policy that the engine cannot read stops the world from being made", () => {
  expect(() =>
    startSandbox({ policies: () => ({ user: { Statement: { Effect: "Allow", NotAction: "*", Resource: "*" } } }) }),
  ).toThrow("NotAction is not supported here");
});
