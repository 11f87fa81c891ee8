/**
 * Which hosts may have which names: hosts.json, beside the CA's code.
 *
 *     {"rules": [{"account": "123456789012", "role": "web-server", "document": "required",
 *                 "names": ["${instance_id}.hosts.example.com", "${private_ip}"]}]}
 *
 * A rule is for every session of its role, or only for the one that `session` names: a name without a variable in a rule
 * without `session` is one that all hosts of that role share. A role is as good as its trust policy: EC2 gives the session of
 * an instance's role the instance's ID, but whoever else may assume the role chooses that name, so let only
 * `ec2.amazonaws.com` assume it, or say `"document": "required"`
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html, `ec2-instance-id`).
 */
import { MAX_PRINCIPALS } from "../wire/certificate.ts";
import { hostNameFault, isLabel } from "./host-names.ts";
import { INSTANCE_ID, type InstanceIdentity } from "./instance-identity.ts";

export type HostRule = {
  readonly account: string;
  /** The role's name without its path. */
  readonly role: string;
  /** The one session's name that the rule is for; null for all of the role. */
  readonly session: string | null;
  /** Whether the rule is only for those who bring a verified instance identity document. */
  readonly document: "required" | "optional";
  /** Names with variables. */
  readonly names: readonly string[];
};

export type HostPolicy = { readonly rules: readonly HostRule[] };

/** Who asks, as AWS says. */
export type HostSession = { readonly account: string; readonly role: string; readonly sessionName: string };

const MAX_POLICY = 256 * 1024;
const MAX_RULES = 1000;
const KEYS: readonly string[] = ["account", "role", "session", "document", "names"];
/** What the variables may stand for, to see whether a name with them can ever be one. */
const EXAMPLES: ReadonlyMap<string, string> = new Map([
  ["session_name", "a"],
  ["instance_id", "i-0123456789abcdef0"],
  ["private_ip", "10.0.0.1"],
  ["region", "eu-west-1"],
  ["availability_zone", "eu-west-1a"],
]);
const OF_DOCUMENT: readonly string[] = ["private_ip", "region", "availability_zone"];
const VARIABLE = /\$\{([^}]*)\}/g;

/** Reads hosts.json; throws an Error that names the rule (the first is 1) and what is wrong with it. */
export function parseHostPolicy(text: string): HostPolicy {
  if (text.length > MAX_POLICY) throw new Error("the host policy is longer than 256 KiB");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("the host policy is not JSON");
  }
  const whole = asObject(value);
  if (whole === null || !Array.isArray(whole["rules"])) throw new Error('the host policy has no list "rules"');
  const unknown = Object.keys(whole).find((key) => key !== "rules");
  if (unknown !== undefined) throw new Error(`the host policy has an unknown key ${shown(unknown)}`);
  if (whole["rules"].length > MAX_RULES) throw new Error(`the host policy has more than ${MAX_RULES} rules`);
  return {
    rules: whole["rules"].map((rule: unknown, index) => {
      const read = readRule(rule);
      if (typeof read === "string") throw new Error(`the host policy's rule ${index + 1} ${read}`);
      return read;
    }),
  };
}

/**
 * Every name that the policy gives this host, each once. Variables of a document stand for nothing without one, nor does one
 * whose value could not be a part of a name: names with them are not given.
 */
export function namesFor(policy: HostPolicy, who: HostSession, document: InstanceIdentity | null): readonly string[] {
  const values = valuesOf(who, document);
  const names = policy.rules
    .filter((rule) => isFor(rule, who) && (rule.document === "optional" || document !== null))
    .flatMap((rule) => rule.names)
    .map((name) => expand(name, values))
    .filter((name) => name !== null && hostNameFault(name) === null);
  return [...new Set(names as string[])];
}

/** Whether there are names that this host would have only with a document. */
export function gainsByDocument(policy: HostPolicy, who: HostSession): boolean {
  return policy.rules.some(
    (rule) =>
      isFor(rule, who) &&
      (rule.document === "required" ||
        rule.names.some((name) => variablesIn(name).some((variable) => OF_DOCUMENT.includes(variable)))),
  );
}

function isFor({ account, role, session }: HostRule, who: HostSession): boolean {
  return account === who.account && role === who.role && (session === null || session === who.sessionName);
}

function valuesOf({ sessionName }: HostSession, document: InstanceIdentity | null): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  // One label and no more: a session called web1.prod must not stand for a name in another rule's domain.
  if (isLabel(sessionName)) values.set("session_name", sessionName);
  if (INSTANCE_ID.test(sessionName)) values.set("instance_id", sessionName);
  if (document === null) return values;
  if (document.privateIp !== null) values.set("private_ip", document.privateIp);
  return values.set("region", document.region).set("availability_zone", document.availabilityZone);
}

function expand(name: string, values: ReadonlyMap<string, string>): string | null {
  if (!variablesIn(name).every((variable) => values.has(variable))) return null;
  return name.replace(VARIABLE, (_, variable: string) => values.get(variable) ?? "");
}

function variablesIn(name: string): string[] {
  return [...name.matchAll(VARIABLE)].map(([, variable = ""]) => variable);
}

function readRule(value: unknown): HostRule | string {
  const rule = asObject(value);
  if (rule === null) return "is no object";
  const unknown = Object.keys(rule).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `has an unknown key ${shown(unknown)}`;
  const { account, role, session = null, document = "optional", names } = rule;
  if (typeof account !== "string" || !/^\d{12}$/.test(account)) return 'has no "account" of 12 digits';
  if (typeof role !== "string" || !/^[\w+=,.@-]{1,64}$/.test(role))
    return 'has no "role" that is a role\'s name without its path';
  if (session !== null && (typeof session !== "string" || !/^[\w+=,.@-]{2,64}$/.test(session))) {
    return 'has a "session" that is no session\'s name';
  }
  if (document !== "required" && document !== "optional")
    return 'has a "document" that is neither required nor optional';
  if (!Array.isArray(names) || names.length === 0) return 'has no "names"';
  if (names.length > MAX_PRINCIPALS) return `has more than ${MAX_PRINCIPALS} "names"`;
  for (const name of names as unknown[]) {
    if (typeof name !== "string") return 'has a name in "names" that is no text';
    const strange = variablesIn(name).find((variable) => !EXAMPLES.has(variable));
    if (strange !== undefined) return `has an unknown variable ${shown(strange)} in ${shown(name)}`;
    const fault = hostNameFault(expand(name, EXAMPLES) ?? "");
    if (fault !== null) return `has a name ${shown(name)} that ${fault}`;
  }
  return { account, role, session, document, names: names as string[] };
}

function asObject(value: unknown): Record<string, unknown> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return value as Record<string, unknown>;
}

/** In quotes, escaped, and not too long. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
