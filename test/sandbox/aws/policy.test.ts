import { describe, expect, test } from "bun:test";
import {
  judge,
  type PolicyDocument,
  type PolicyKind,
  type Question,
  type Verdict,
} from "../../../src/sandbox/aws/policy.ts";

const alice = "arn:aws:iam::123456789012:user/alice";
const key = "arn:aws:kms:us-east-1:123456789012:key/1";

function question(context: Record<string, string | string[]> = {}, more: Partial<Question> = {}): Question {
  const entries = Object.entries(context).map(([name, value]) => [name.toLowerCase(), [value].flat()] as const);
  return {
    action: "kms:Encrypt",
    resource: key,
    context: new Map(entries),
    account: "123456789012",
    arns: [alice],
    ...more,
  };
}

function policy(statement: object | object[], version: PolicyDocument["Version"] = "2012-10-17"): PolicyDocument {
  return { Version: version, Statement: statement };
}

const allow = { Effect: "Allow", Action: "kms:Encrypt", Resource: key };
const when = (condition: object) => policy({ ...allow, Condition: condition });

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: policy variables
describe("an identity policy", () => {
  const table: [string, PolicyDocument, Question, Verdict][] = [
    ["allows what it names", policy(allow), question(), "direct"],
    ["is silent on another action", policy({ ...allow, Action: "kms:Decrypt" }), question(), "none"],
    ["is silent on another resource", policy({ ...allow, Resource: `${key}2` }), question(), "none"],
    ["takes lists", policy({ ...allow, Action: ["a:B", "kms:Encrypt"], Resource: ["x", key] }), question(), "direct"],
    ["takes actions in any case", policy({ ...allow, Action: "KMS:encrypt" }), question(), "direct"],
    ["takes resources in their own case only", policy({ ...allow, Resource: key.toUpperCase() }), question(), "none"],
    [
      "takes wildcards",
      policy({ ...allow, Action: "kms:*", Resource: "arn:aws:kms:us-*:key/?" }),
      question(),
      "direct",
    ],
    ["takes ? for exactly one character", policy({ ...allow, Resource: `${key}?` }), question(), "none"],
    ["takes a dot for a dot", policy({ ...allow, Action: "kms.Encrypt" }), question(), "none"],
    ["denies over an allow before it", policy([allow, { ...allow, Effect: "Deny" }]), question(), "deny"],
    ["denies over an allow after it", policy([{ ...allow, Effect: "Deny" }, allow]), question(), "deny"],
    ["holds StringEquals", when({ StringEquals: { a: "x" } }), question({ a: "x" }), "direct"],
    ["holds StringEquals for one of a list", when({ StringEquals: { a: ["y", "x"] } }), question({ a: "x" }), "direct"],
    ["holds StringEquals by case", when({ StringEquals: { a: "X" } }), question({ a: "x" }), "none"],
    ["takes * literally in StringEquals", when({ StringEquals: { a: "*" } }), question({ a: "x" }), "none"],
    ["fails StringEquals on an absent key", when({ StringEquals: { a: "x" } }), question(), "none"],
    [
      "takes names of keys in any case",
      when({ StringEquals: { "AWS:UserName": "x" } }),
      question({ "aws:username": "x" }),
      "direct",
    ],
    [
      "fails StringEquals unless all values match",
      when({ StringEquals: { a: "x" } }),
      question({ a: ["x", "y"] }),
      "none",
    ],
    ["holds StringLike", when({ StringLike: { a: "x*z" } }), question({ a: "x\ny.z" }), "direct"],
    ["fails StringLike on more", when({ StringLike: { a: "x*z" } }), question({ a: "xyza" }), "none"],
    ["holds StringNotEquals on another value", when({ StringNotEquals: { a: "x" } }), question({ a: "y" }), "direct"],
    [
      "fails StringNotEquals on any listed value",
      when({ StringNotEquals: { a: ["y", "x"] } }),
      question({ a: "x" }),
      "none",
    ],
    ["holds StringNotEquals on an absent key", when({ StringNotEquals: { a: "x" } }), question(), "direct"],
    ["holds Bool", when({ Bool: { m: "true" } }), question({ m: "true" }), "direct"],
    ["takes Bool as JSON true", when({ Bool: { m: true } }), question({ m: "true" }), "direct"],
    ["fails Bool on false", when({ Bool: { m: "true" } }), question({ m: "false" }), "none"],
    ["fails Bool on an absent key", when({ Bool: { m: "false" } }), question(), "none"],
    ["holds BoolIfExists on an absent key", when({ BoolIfExists: { m: "true" } }), question(), "direct"],
    ["fails BoolIfExists on false", when({ BoolIfExists: { m: "true" } }), question({ m: "false" }), "none"],
    ["holds ArnLike", when({ ArnLike: { p: "arn:aws:iam::*:user/a*" } }), question({ p: alice }), "direct"],
    [
      "keeps * of ArnLike inside one part",
      when({ ArnLike: { p: "arn:*:user/alice" } }),
      question({ p: alice }),
      "none",
    ],
    ["holds NumericLessThan", when({ NumericLessThan: { n: "300" } }), question({ n: "299" }), "direct"],
    ["fails NumericLessThan at the limit", when({ NumericLessThan: { n: 300 } }), question({ n: "300" }), "none"],
    ["fails NumericLessThan on an absent key", when({ NumericLessThan: { n: "300" } }), question(), "none"],
    ["holds Null for an absent key", when({ Null: { n: "true" } }), question(), "direct"],
    ["fails Null for a key that is there", when({ Null: { n: "true" } }), question({ n: "1" }), "none"],
    ["needs every operator", when({ StringEquals: { a: "x" }, Bool: { m: "true" } }), question({ a: "x" }), "none"],
    ["needs every key", when({ StringEquals: { a: "x", b: "y" } }), question({ a: "x", b: "z" }), "none"],
    [
      "puts the user's name in",
      when({ StringEquals: { f: "${aws:username}" } }),
      question({ f: "a", "aws:username": "a" }),
      "direct",
    ],
    [
      "puts a tag in",
      when({ StringEquals: { f: "${aws:PrincipalTag/Unix}" } }),
      question({ f: "a", "aws:principaltag/unix": "a" }),
      "direct",
    ],
    [
      "puts variables into resources",
      policy({ ...allow, Resource: "u/${aws:username}" }),
      question({ "aws:username": "a" }, { resource: "u/a" }),
      "direct",
    ],
    [
      "puts variables into ARNs",
      when({ ArnLike: { p: "arn:aws:iam::*:user/${aws:username}" } }),
      question({ p: alice, "aws:username": "alice" }),
      "direct",
    ],
    [
      "takes a variable's value literally",
      when({ StringLike: { f: "${aws:username}" } }),
      question({ f: "bob", "aws:username": "*" }),
      "none",
    ],
    [
      "matches nothing with an absent variable",
      when({ StringEquals: { f: "${aws:username}" } }),
      question({ f: "" }),
      "none",
    ],
    ["has escapes for its own signs", when({ StringLike: { f: "a${*}${$}" } }), question({ f: "a*$" }), "direct"],
    [
      "has no variables in the old version",
      policy({ ...allow, Condition: { StringEquals: { f: "${aws:username}" } } }, "2008-10-17"),
      question({ f: "alice", "aws:username": "alice" }),
      "none",
    ],
  ];
  test.each(table)("%s", (_, document, asked, verdict) => {
    expect(judge(document, "identity", asked)).toBe(verdict);
  });

  test("without a version has no variables", () => {
    const document = { Statement: { ...allow, Condition: { StringEquals: { f: "${aws:username}" } } } };
    expect(judge(document, "identity", question({ f: "alice", "aws:username": "alice" }))).toBe("none");
  });
});

describe("a resource policy", () => {
  const role = "arn:aws:iam::210987654321:role/r";
  const session = "arn:aws:sts::210987654321:assumed-role/r/s";
  const visitor = question({}, { account: "210987654321", arns: [session, role] });
  const table: [string, unknown, Question, Verdict][] = [
    ["names a user", { AWS: alice }, question(), "direct"],
    ["names another user", { AWS: `${alice}2` }, question(), "none"],
    ["names the account by its root", { AWS: "arn:aws:iam::123456789012:root" }, question(), "account"],
    ["names the account by its number", { AWS: "123456789012" }, question(), "account"],
    ["names another account", { AWS: "arn:aws:iam::210987654321:root" }, question(), "none"],
    ["names everybody", "*", question(), "direct"],
    ["names everybody in AWS", { AWS: "*" }, question(), "direct"],
    ["names a role whose session asks", { AWS: role }, visitor, "direct"],
    ["names the very session", { AWS: [session] }, visitor, "direct"],
    ["names a service only", { Service: "lambda.amazonaws.com" }, question(), "none"],
  ];
  test.each(table)("%s", (_, principal, asked, verdict) => {
    expect(judge(policy({ ...allow, Principal: principal }), "resource", asked)).toBe(verdict);
  });

  test("of a role needs no Resource", () => {
    const trust = policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: "123456789012" } });
    expect(judge(trust, "trust", question({}, { action: "sts:AssumeRole", resource: "any" }))).toBe("account");
  });
});

describe("what the engine does not know is refused, not passed over", () => {
  const table: [string, PolicyKind, object, string][] = [
    ["NotAction", "identity", { ...allow, NotAction: "a:B" }, "NotAction is not supported"],
    ["NotResource", "identity", { ...allow, NotResource: "a" }, "NotResource is not supported"],
    ["NotPrincipal", "resource", { ...allow, NotPrincipal: "a" }, "NotPrincipal is not supported"],
    [
      "an unknown operator",
      "identity",
      { ...allow, Condition: { IpAddress: { a: "b" } } },
      "IpAddress is not supported",
    ],
    [
      "a set operator",
      "identity",
      { ...allow, Condition: { "ForAnyValue:StringLike": { a: "b" } } },
      "ForAnyValue:StringLike is not",
    ],
    ["a variable with a default", "identity", { ...allow, Resource: "${aws:username, 'x'}" }, "is not supported"],
    ["a number that is none", "identity", { ...allow, Condition: { NumericLessThan: { a: "x" } } }, "is not a number"],
    ["an effect that is none", "identity", { ...allow, Effect: "allow" }, "neither Allow nor Deny"],
    ["a missing action", "identity", { Effect: "Allow", Resource: "*" }, "Action: not a string"],
    ["a missing resource", "identity", { Effect: "Allow", Action: "*" }, "Resource: not a string"],
    ["a missing principal", "resource", allow, "Principal is missing"],
    ["a principal of a user's policy", "identity", { ...allow, Principal: "*" }, "has no Principal"],
    ["a federated principal", "resource", { ...allow, Principal: { Federated: "x" } }, "Federated are not supported"],
    ["a principal with a wildcard", "resource", { ...allow, Principal: { AWS: "arn:aws:iam::1:user/*" } }, "wildcard"],
  ];
  test.each(table)("%s", (_, kind, statement, message) => {
    expect(() => judge(policy(statement), kind, question())).toThrow(message);
  });

  test("a version that is none", () => {
    const document = JSON.parse('{"Version":"2020-01-01","Statement":[]}');
    expect(() => judge(document, "identity", question())).toThrow("no policy version 2020-01-01");
  });
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: policy variables
