import { type Conditions, compileConditions, listed } from "./condition.ts";
import { type Context, compilePattern, type Pattern } from "./pattern.ts";

/** A policy as JSON, as one writes it for IAM. It is checked when it is first used. */
export type PolicyDocument = {
  readonly Version?: "2012-10-17" | "2008-10-17";
  readonly Id?: string;
  readonly Statement: object | readonly object[];
};

/** What a policy is attached to: a user or role, a resource such as a key, or a role as its trust policy. */
export type PolicyKind = "identity" | "resource" | "trust";

/** What is asked of a policy. */
export type Question = {
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
  /** The account of the caller, and the ARNs by which a resource policy may name it. */
  readonly account: string;
  readonly arns: readonly string[];
};

/** `account`: allowed to the caller's account as a whole, which must then allow the caller. */
export type Verdict = "deny" | "direct" | "account" | "none";

type Statement = {
  readonly allow: boolean;
  readonly actions: readonly Pattern[];
  readonly resources: readonly Pattern[];
  readonly conditions: Conditions;
  readonly principals: readonly string[] | null;
};

const known = new Set(["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]);
const compiled: Readonly<Record<PolicyKind, WeakMap<object, readonly Statement[]>>> = {
  identity: new WeakMap(),
  resource: new WeakMap(),
  trust: new WeakMap(),
};

/**
 * What one policy says: an explicit deny beats every allow.
 * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function judge(document: PolicyDocument, kind: PolicyKind, question: Question): Verdict {
  let verdict: Verdict = "none";
  for (const statement of readPolicy(document, kind)) {
    const reach = statement.principals === null ? "direct" : reached(statement.principals, question);
    if (reach === "none" || !applies(statement, question)) continue;
    if (!statement.allow) return "deny";
    if (verdict !== "direct") verdict = reach;
  }
  return verdict;
}

/** Checks a document. Throws an Error that names what is wrong or not supported here, rather than let it pass unread. */
export function checkPolicy(document: PolicyDocument, kind: PolicyKind): void {
  readPolicy(document, kind);
}

function applies(statement: Statement, { action, resource, context }: Question): boolean {
  return (
    statement.actions.some((matches) => matches(action, context)) &&
    statement.resources.some((matches) => matches(resource, context)) &&
    statement.conditions(context)
  );
}

function reached(principals: readonly string[], { account, arns }: Question): "direct" | "account" | "none" {
  if (principals.includes("*") || arns.some((arn) => principals.includes(arn))) return "direct";
  return principals.includes(account) || principals.includes(`arn:aws:iam::${account}:root`) ? "account" : "none";
}

function readPolicy(document: PolicyDocument, kind: PolicyKind): readonly Statement[] {
  const before = compiled[kind].get(document);
  if (before !== undefined) return before;
  const { Version: version = "2008-10-17", Statement: statement } = document;
  for (const name of Object.keys(document)) {
    if (!["Version", "Id", "Statement"].includes(name)) throw new Error(`policy element ${name} is not supported here`);
  }
  if (version !== "2012-10-17" && version !== "2008-10-17") throw new Error(`there is no policy version ${version}`);
  const list = Array.isArray(statement) ? statement : [statement];
  const read = list.map((item, index) => readStatement(item, kind, version === "2012-10-17", `statement ${index + 1}`));
  compiled[kind].set(document, read);
  return read;
}

function readStatement(value: unknown, kind: PolicyKind, variables: boolean, where: string): Statement {
  if (typeof value !== "object" || value === null) throw new Error(`${where}: not an object`);
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of fields.keys()) {
    if (!known.has(name)) throw new Error(`${where}: policy element ${name} is not supported here`);
  }
  const effect = fields.get("Effect");
  if (effect !== "Allow" && effect !== "Deny") throw new Error(`${where}: Effect is neither Allow nor Deny`);
  const resource = fields.get("Resource") ?? (kind === "trust" ? "*" : undefined);
  return {
    allow: effect === "Allow",
    actions: listed(fields.get("Action"), `${where}, Action`).map((text) =>
      compilePattern(text, { wildcards: true, variables: false, ignoreCase: true }),
    ),
    resources: listed(resource, `${where}, Resource`).map((text) =>
      compilePattern(text, { wildcards: true, variables }),
    ),
    conditions: compileConditions(fields.get("Condition"), variables, where),
    principals: readPrincipals(fields.get("Principal"), kind, where),
  };
}

function readPrincipals(value: unknown, kind: PolicyKind, where: string): readonly string[] | null {
  if (kind === "identity") {
    if (value !== undefined) throw new Error(`${where}: an identity policy has no Principal`);
    return null;
  }
  if (value === "*") return ["*"];
  if (typeof value !== "object" || value === null) throw new Error(`${where}: Principal is missing or malformed`);
  const principals: string[] = [];
  for (const [type, names] of Object.entries(value)) {
    // A service principal is never one of the sandbox's callers.
    if (type === "Service") continue;
    if (type !== "AWS") throw new Error(`${where}: principals of type ${type} are not supported here`);
    principals.push(...listed(names, `${where}, Principal`));
  }
  const wild = principals.find((name) => name !== "*" && /[*?]/.test(name));
  if (wild !== undefined) throw new Error(`${where}: principal ${wild} has a wildcard, which IAM refuses`);
  return principals;
}
