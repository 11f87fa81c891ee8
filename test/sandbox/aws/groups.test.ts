import { afterAll, describe, expect, test } from "bun:test";
import { ListGroupsForUserCommand, paginateListGroupsForUser } from "@aws-sdk/client-iam";
import { openSession, roleCaller } from "../../../src/sandbox/aws/credentials.ts";
import { worldAws } from "../../../src/sandbox/aws/world-aws.ts";
import { refused, startSandbox } from "./clients.ts";

const many = Array.from({ length: 250 }, (_, index) => `group-${index}`);
const sandbox = startSandbox({
  oneAccount: true,
  otherUsers: ["bob", "carol"],
  groups: { alice: ["ssh-deploy", "ssh-root"], bob: many },
});
const { world } = sandbox;
const iam = sandbox.iam(openSession(world, roleCaller(world.executionRole, "bless", null), 3600));
afterAll(sandbox.stop);

describe("ListGroupsForUser", () => {
  test("gives the groups of a user to the function", async () => {
    const answer = await iam.send(new ListGroupsForUserCommand({ UserName: "alice" }));
    expect(answer.IsTruncated).toBe(false);
    expect(answer.Marker).toBeUndefined();
    expect(answer.Groups?.map(({ GroupName, Path, Arn }) => [GroupName, Path, Arn])).toEqual([
      ["ssh-deploy", "/", `arn:aws:iam::${world.userAccount}:group/ssh-deploy`],
      ["ssh-root", "/", `arn:aws:iam::${world.userAccount}:group/ssh-root`],
    ]);
    expect(answer.Groups?.[0]?.CreateDate).toBeInstanceOf(Date);
    expect((await iam.send(new ListGroupsForUserCommand({ UserName: "carol" }))).Groups).toEqual([]);
  });

  test("gives them page by page", async () => {
    const names: (string | undefined)[] = [];
    let pages = 0;
    for await (const { Groups = [] } of paginateListGroupsForUser({ client: iam }, { UserName: "bob" })) {
      names.push(...Groups.map(({ GroupName }) => GroupName));
      pages += 1;
    }
    expect(names).toEqual(many);
    expect(pages).toBe(3);
    const two = await iam.send(new ListGroupsForUserCommand({ UserName: "bob", MaxItems: 2 }));
    expect([two.Groups?.length, two.IsTruncated]).toEqual([2, true]);
  });

  test("refuses who is not there, a foreign marker, and too many at once", async () => {
    const ask = (input: ConstructorParameters<typeof ListGroupsForUserCommand>[0]) =>
      refused(iam.send(new ListGroupsForUserCommand(input)));
    expect(await ask({ UserName: "mallory" })).toMatchObject({ name: "NoSuchEntityException", status: 404 });
    expect(await ask({ UserName: "alice", Marker: "x" })).toMatchObject({ name: "ValidationError", status: 400 });
    expect(await ask({ UserName: "alice", MaxItems: 1001 })).toMatchObject({ name: "ValidationError", status: 400 });
  });

  test("is not for people", async () => {
    const call = sandbox.iam(world.user).send(new ListGroupsForUserCommand({ UserName: "alice" }));
    expect(await refused(call)).toMatchObject({ name: "AccessDenied", status: 403 });
  });

  test("knows no users of another account", async () => {
    const two = startSandbox({ groups: { alice: ["ssh-deploy"] } });
    try {
      const groups = worldAws(two.world, "us-east-1").groupsOf("alice");
      expect(await refused(groups)).toMatchObject({ name: "NoSuchEntity" });
    } finally {
      await two.stop();
    }
  });
});
