import { type Failure, printable } from "../failure.ts";

/** What one check of the doctor found. */
export type Finding = {
  /** AWS region; null for what belongs to none. */
  readonly region: string | null;
  readonly name: string;
  /** Null: not checked, for a reason that another finding gives. */
  readonly ok: boolean | null;
  readonly fact: string;
  /** What to do; "" when all is well. */
  readonly next: string;
  /** The permission that AWS misses, and on what: `kms:Encrypt`; null when it is about none. */
  readonly action: string | null;
  readonly resource: string | null;
  /** Files of docs/deploy/policies, one of which grants it. */
  readonly policies: readonly string[];
};

export function good(region: string | null, name: string, fact: string): Finding {
  return { region, name, ok: true, fact, next: "", action: null, resource: null, policies: [] };
}

export function wrong(region: string | null, name: string, fact: string, next: string): Finding {
  return { ...good(region, name, fact), ok: false, next };
}

export function unchecked(region: string | null, name: string, why: string): Finding {
  return { ...good(region, name, `not checked: ${why}`), ok: null };
}

/** By who is denied what: the people, the role that they assume, or the function. */
const PEOPLES: Readonly<Record<string, readonly string[]>> = {
  "sts:AssumeRole": [
    "user.json",
    "identity-center.json",
    "user-role-trust.json",
    "user-role-trust-identity-center.json",
  ],
  "kms:Encrypt": ["user.json", "kmsauth-key.json"],
  "lambda:InvokeFunction": ["user-role.json"],
  "iam:ListMFADevices": ["user.json"],
};

const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  "kms:Sign": ["execution.json", "ca-signing-key.json"],
  "kms:GetPublicKey": ["execution.json", "ca-signing-key.json"],
  "kms:Decrypt": ["execution.json", "kmsauth-key.json", "ca-key.json"],
  "kms:DescribeKey": ["execution.json", "kmsauth-key.json"],
  "iam:ListGroupsForUser": ["execution.json"],
};

/** The finding of a call that failed; `words` is what AWS said, which names the permission. */
export function findingOf(region: string | null, name: string, failure: Failure, words: string): Finding {
  const found = withPermission(wrong(region, name, failure.message, failure.next), words, PEOPLES);
  // Where a setting is the cure, a permission would be none.
  return failure.next.includes("identity_proof") ? { ...found, next: failure.next, policies: [] } : found;
}

/** The finding of something that the function cannot do. */
export function functionFinding(region: string, name: string, detail: string): Finding {
  const said = printable(detail, 400).replace(/\.$/, "");
  const fact = WHOLE.test(said) ? `the function says: ${said}` : `the function finds its ${name} wrong: ${said}`;
  return withPermission(wrong(region, name, fact, NEXT[name] ?? "see the function's log"), detail, FUNCTIONS);
}

/**
 * The CA tells nobody why it can't read a token, and BLESS's words for it are these; when tokens are made and arrive, it is its
 * right to decrypt them.
 */
export function aboutRefusal(finding: Finding, kmsauthKey: string): Finding {
  if (/\bis revoked\b/.test(finding.fact)) return { ...finding, next: "see revocations.json of the function" };
  if (!/Authentication error\. General error/.test(finding.fact)) return finding;
  const action = "kms:Decrypt";
  const resource = printable(kmsauthKey, 200);
  const next = `see the cause in the function's log; most likely allow the function ${action} on ${resource}`;
  return { ...finding, action, resource, next, policies: ["execution.json", "kmsauth-key.json"] };
}

/** Sentences of the CA that say themselves what is wrong. */
const WHOLE = /^The CA's |^The keys of kmsauth /;

/** What to do about what the function finds when it looks at itself, by its check's name. */
const NEXT: Readonly<Record<string, string>> = {
  configuration: "correct bless_deploy.cfg and deploy it again: bssh ca build",
  region: "see whether the function's environment sets AWS_REGION",
  "ca-key": "check ca_kms_key or ca_private_key*, and what the function may do with the key",
  revocations: "correct revocations.json and deploy it again: bssh ca build",
  "kmsauth-keys": "name the keys by their ARNs in kmsauth_key_id, or let the function describe them",
  groups: "let the function ask IAM for groups, or switch their check off",
};

// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the sentence.
const DENIED = /is not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9]+) on (?:the )?resources?:? (\S+)/;

function withPermission(finding: Finding, words: string, table: Readonly<Record<string, readonly string[]>>): Finding {
  const [, action, resource = ""] = DENIED.exec(words) ?? [];
  if (action === undefined) return finding;
  const allow = `allow ${action} on ${printable(resource, 200)}`;
  return { ...finding, action, resource, next: allow, policies: table[action] ?? [] };
}
