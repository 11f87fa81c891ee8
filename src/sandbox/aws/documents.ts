import caKey from "../../../docs/deploy/policies/ca-key.json" with { type: "json" };
import caSigningKey from "../../../docs/deploy/policies/ca-signing-key.json" with { type: "json" };
import execution from "../../../docs/deploy/policies/execution.json" with { type: "json" };
import executionTrust from "../../../docs/deploy/policies/execution-trust.json" with { type: "json" };
import hostExecution from "../../../docs/deploy/policies/host-execution.json" with { type: "json" };
import hostFunction from "../../../docs/deploy/policies/host-function.json" with { type: "json" };
import hostSigningKey from "../../../docs/deploy/policies/host-signing-key.json" with { type: "json" };
import identityCenter from "../../../docs/deploy/policies/identity-center.json" with { type: "json" };
import instance from "../../../docs/deploy/policies/instance-role.json" with { type: "json" };
import instanceTrust from "../../../docs/deploy/policies/instance-role-trust.json" with { type: "json" };
import kmsauthKey from "../../../docs/deploy/policies/kmsauth-key.json" with { type: "json" };
import user from "../../../docs/deploy/policies/user.json" with { type: "json" };
import role from "../../../docs/deploy/policies/user-role.json" with { type: "json" };
import trust from "../../../docs/deploy/policies/user-role-trust.json" with { type: "json" };
import identityCenterTrust from "../../../docs/deploy/policies/user-role-trust-identity-center.json" with {
  type: "json",
};
import { checkPolicy, type PolicyDocument, type PolicyKind } from "./policy.ts";

/** What stands in the policies' files in the place of names: `${CaAccount}`. A list makes one resource of each. */
export type PolicyNames = {
  readonly UserAccount: string;
  readonly CaAccount: string;
  readonly Region: readonly string[];
  readonly FunctionName: string;
  readonly HostFunctionName: string;
  readonly UserRoleArn: string;
  readonly ExecutionRoleArn: string;
  readonly HostExecutionRoleArn: string;
  /** Name of the permission set of IAM Identity Center that people log in with. */
  readonly PermissionSet: string;
  /** `to` of the kmsauth encryption context. */
  readonly KmsauthService: string;
  readonly KmsauthKeyArn: readonly string[];
  /** Keys that the CA's password is encrypted under; none when the CA's key is inside KMS. */
  readonly CaKeyArn: readonly string[];
  /** The CA's own key; none when it lies beside the code. */
  readonly CaSigningKeyArn: readonly string[];
  readonly HostSigningKeyArn: readonly string[];
};

/** The policies by what they are attached to. */
const documents = {
  /** The people: kmsauth tokens for themselves with a second factor, the role, and reading about themselves. */
  user,
  /** People of IAM Identity Center: the role. */
  identityCenter,
  /** Who may assume the role that invokes the function: IAM users with a second factor, or people of Identity Center. */
  trust,
  identityCenterTrust,
  /** What that role may do. */
  role,
  /** Who may use the kmsauth keys; the account's own policies decide for the people. */
  kmsauthKey,
  /** Who may use the keys that the CA's password is encrypted under. */
  caKey,
  /** Who may sign with the CA's key when it is inside KMS: the function alone. The same for the hosts' CA. */
  caSigningKey,
  hostSigningKey,
  /** What the functions may do, for people and for hosts, and who may assume their roles: Lambda. */
  execution,
  hostExecution,
  executionTrust,
  /** Servers: what their role may do, and who may assume it: EC2. */
  instance,
  instanceTrust,
  /** Who may invoke the hosts' function from another account. */
  hostFunction,
} as const;

/** Every policy of the world by what it is attached to. */
export type PolicySet = { readonly [Name in keyof typeof documents]: PolicyDocument };

const kinds: { readonly [Name in keyof PolicySet]: PolicyKind } = {
  user: "identity",
  identityCenter: "identity",
  trust: "trust",
  identityCenterTrust: "trust",
  role: "identity",
  kmsauthKey: "resource",
  caKey: "resource",
  caSigningKey: "resource",
  hostSigningKey: "resource",
  execution: "identity",
  hostExecution: "identity",
  executionTrust: "trust",
  instance: "identity",
  instanceTrust: "trust",
  hostFunction: "resource",
};

/**
 * The policies that whoever deploys the CA is given in docs/deploy/policies, with the names filled in: what
 * python-blessclient's README and BLESS ask for (https://github.com/lyft/python-blessclient,
 * https://github.com/Netflix/bless), in two accounts, and the hosts' half. A statement about none of its resources is left
 * out, since IAM takes no empty list.
 */
export function makePolicies(names: PolicyNames): PolicySet {
  const filled = Object.entries(documents).map(([name, document]) => {
    const statements = document.Statement.map((statement) => fill(statement, names));
    return [name, { Version: "2012-10-17", Statement: statements.filter(hasResource) }] as const;
  });
  return Object.fromEntries(filled) as PolicySet;
}

/** A policy that denies actions wherever they are asked for. */
export function denyPolicy(actions: readonly string[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: actions, Resource: "*" }] };
}

/** Throws an Error when a policy of the set is wrong, or uses what is not supported here. */
export function checkPolicies(policies: PolicySet): void {
  for (const [name, document] of Object.entries(policies)) checkPolicy(document, kinds[name as keyof PolicySet]);
}

/** A copy with every placeholder filled. What holds a colon is a policy variable and stays: `${aws:username}`. */
function fill(value: unknown, names: PolicyNames): unknown {
  if (typeof value === "string") {
    const [one, ...more] = spell(value, names);
    return more.length === 0 && one !== undefined ? one : spell(value, names);
  }
  if (Array.isArray(value)) {
    return value.flatMap((item) => (typeof item === "string" ? spell(item, names) : [fill(item, names)]));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, names)]));
}

/** A text for every value that its first placeholder has, and so on for the rest of it. */
function spell(text: string, names: PolicyNames): string[] {
  const name = /\$\{([A-Za-z]+)\}/.exec(text)?.[1];
  if (name === undefined) return [text];
  const values = Object.hasOwn(names, name) ? names[name as keyof PolicyNames] : undefined;
  if (values === undefined) throw new Error(`a policy has the placeholder ${name}, which nothing fills`);
  const list = typeof values === "string" ? [values] : values;
  return list.flatMap((value) =>
    spell(
      text.replaceAll(`\${${name}}`, () => value),
      names,
    ),
  );
}

function hasResource(statement: unknown): statement is object {
  if (typeof statement !== "object" || statement === null) return false;
  return !("Resource" in statement && Array.isArray(statement.Resource) && statement.Resource.length === 0);
}
