import { describe, expect, test } from "bun:test";
import { hostNameFault } from "../../src/ca/host-names.ts";
import { gainsByDocument, type HostSession, namesFor, parseHostPolicy } from "../../src/ca/host-policy.ts";
import type { InstanceIdentity } from "../../src/ca/instance-identity.ts";
import { ACCOUNT, HOST_A, HOST_B } from "./host-world.ts";

const rule = { account: ACCOUNT, role: "web-server", names: ["$" + "{instance_id}.hosts.example.com"] };
const hostA: HostSession = { account: ACCOUNT, role: "web-server", sessionName: HOST_A };
const document: InstanceIdentity = {
  accountId: ACCOUNT,
  instanceId: HOST_A,
  region: "eu-west-1",
  privateIp: "10.1.2.3",
  availabilityZone: "eu-west-1b",
  pendingTime: 0,
};

function policyOf(...rules: unknown[]) {
  return parseHostPolicy(JSON.stringify({ rules }));
}

function v(name: string): string {
  return `$\{${name}}`;
}

describe("the policy for hosts", () => {
  test("gives a host the names of its own instance and no other's", () => {
    const policy = policyOf(rule);
    expect(namesFor(policy, hostA, null)).toEqual([`${HOST_A}.hosts.example.com`]);
    expect(namesFor(policy, { ...hostA, sessionName: HOST_B }, null)).toEqual([`${HOST_B}.hosts.example.com`]);
  });

  test("gives nothing to other accounts, other roles and other sessions", () => {
    const policy = policyOf({ ...rule, session: HOST_A, names: ["web1.example.com"] });
    expect(namesFor(policy, hostA, null)).toEqual(["web1.example.com"]);
    for (const other of [{ account: "999999999999" }, { role: "web-serve" }, { sessionName: HOST_B }]) {
      expect(namesFor(policy, { ...hostA, ...other }, null)).toEqual([]);
    }
  });

  test("puts together all rules for a host, each name once", () => {
    const policy = policyOf(rule, { ...rule, names: [...rule.names, "web.example.com"] }, { ...rule, role: "other" });
    expect(namesFor(policy, hostA, null)).toEqual([`${HOST_A}.hosts.example.com`, "web.example.com"]);
  });

  test("gives names of the document only with a document", () => {
    const names = [`${v("private_ip")}`, `a.${v("region")}.x`, `a.${v("availability_zone")}.x`, "web.example.com"];
    const policy = policyOf({ ...rule, names });
    expect(namesFor(policy, hostA, document)).toEqual([
      "10.1.2.3",
      "a.eu-west-1.x",
      "a.eu-west-1b.x",
      "web.example.com",
    ]);
    expect(namesFor(policy, hostA, null)).toEqual(["web.example.com"]);
    expect(namesFor(policy, hostA, { ...document, privateIp: null })).not.toContain("10.1.2.3");
    expect(gainsByDocument(policy, hostA)).toBe(true);
    expect(gainsByDocument(policyOf(rule), hostA)).toBe(false);
  });

  test("gives nothing of a rule that requires a document without one", () => {
    const policy = policyOf({ ...rule, document: "required" });
    expect(namesFor(policy, hostA, null)).toEqual([]);
    expect(namesFor(policy, hostA, document)).toEqual([`${HOST_A}.hosts.example.com`]);
    expect(gainsByDocument(policy, hostA)).toBe(true);
  });

  test("takes no session's name for an instance that has not an instance's form", () => {
    for (const sessionName of ["web1", "i-xyz", "i-0AAAAAAAAAAAAAAAA", `${HOST_A}b`, "i-0aaaaaa", `x${HOST_A}`]) {
      expect(namesFor(policyOf(rule), { ...hostA, sessionName }, null)).toEqual([]);
    }
  });

  test("takes a session's name for one label and never for more", () => {
    const policy = policyOf({ ...rule, names: [`${v("session_name")}.hosts.example.com`] });
    expect(namesFor(policy, { ...hostA, sessionName: "web1" }, null)).toEqual(["web1.hosts.example.com"]);
    for (const sessionName of ["web1.prod", "Web1", "web1@x", "-web", "a,b", "*", v("region"), "$&"]) {
      expect(namesFor(policy, { ...hostA, sessionName }, null)).toEqual([]);
    }
  });

  test.each([
    ["{", "not JSON"],
    ["[]", 'no list "rules"'],
    ['{"rules":{}}', 'no list "rules"'],
    ['{"rules":[],"rule":[]}', 'unknown key "rule"'],
    ['{"rules":[3]}', "rule 1 is no object"],
    [`{"rules":[${"{},".repeat(1000)}{}]}`, "more than 1000 rules"],
    [" ".repeat(300_000), "longer than 256 KiB"],
  ])("says what is wrong with the file %.40s", (text, words) => {
    expect(() => parseHostPolicy(text)).toThrow(words);
  });

  const broken: [Record<string, unknown>, string][] = [
    [{ acount: ACCOUNT }, 'unknown key "acount"'],
    [{ account: "1234" }, '"account"'],
    [{ account: 123456789012 }, '"account"'],
    [{ role: "path/web" }, '"role"'],
    [{ role: "web*" }, '"role"'],
    [{ session: "i-*" }, '"session"'],
    [{ session: 1 }, '"session"'],
    [{ document: "yes" }, '"document"'],
    [{ names: "web1" }, '"names"'],
    [{ names: [] }, '"names"'],
    [{ names: [1] }, "no text"],
    [{ names: new Array(257).fill("a") }, "more than 256"],
    [{ names: [`${v("hostname")}.x`] }, 'unknown variable "hostname"'],
    [{ names: ["$" + "{region.x"] }, "is no host name"],
    [{ names: ["*.example.com"] }, "is a pattern"],
    [{ names: [`${v("instance_id")}.*`] }, "is a pattern"],
    [{ names: ["Web.example.com"] }, "lower case"],
    [{ names: ["web.example.com."] }, "dot"],
    [{ names: [`ip-${v("private_ip")}`] }, "is no host name"],
    [{ names: ["a,b"] }, "is no host name"],
    [{ names: [""] }, "is empty"],
  ];
  test.each(broken)("says which rule is wrong, and how: %j", (change, words) => {
    const text = JSON.stringify({ rules: [rule, { ...rule, ...change }] });
    expect(() => parseHostPolicy(text)).toThrow("rule 2");
    expect(() => parseHostPolicy(text)).toThrow(words);
  });
});

describe("the name of a host", () => {
  const longest = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;
  test.each(["web1", "web1.example.com", "10.0.0.1", "2001:db8::1", "3com.com", "xn--bcher-kva.example", longest])(
    "may be %s",
    (name) => expect(hostNameFault(name)).toBeNull(),
  );

  test.each([
    "",
    " ",
    "*",
    "*.example.com",
    "web?.example.com",
    "!web1",
    "web1.",
    ".web1",
    "web1..com",
    "-web1",
    "web1-",
    "web_1",
    "WEB1",
    "web1:22",
    "[::1]",
    "fe80::1%eth0",
    "10.0.0.0/8",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "1",
    "a,b",
    "a\nb",
    "a\0b",
    "a b",
    "bücher.example",
    "web1\u200b",
    "\ud800",
    `${longest}d`,
    "a".repeat(64),
    "a".repeat(1_000_000),
  ])("may not be %.40j", (name) => expect(hostNameFault(name)).toBeString());
});
