import { type Context, compileArnPattern, compilePattern, type Pattern } from "./pattern.ts";

/** Whether a request meets the conditions of a statement. */
export type Conditions = (context: Context) => boolean;

type Operator = {
  /** True for the `Not` forms: they hold when no value matches, and when the key is absent. */
  readonly negated: boolean;
  compile(value: string, variables: boolean): Pattern;
};

const equals = (value: string, variables: boolean) => compilePattern(value, { wildcards: false, variables });
const like = (value: string, variables: boolean) => compilePattern(value, { wildcards: true, variables });
const arnLike = (value: string, variables: boolean) => compileArnPattern(value, { wildcards: true, variables });

const operators: Readonly<Record<string, Operator>> = {
  StringEquals: { negated: false, compile: equals },
  StringNotEquals: { negated: true, compile: equals },
  StringLike: { negated: false, compile: like },
  StringNotLike: { negated: true, compile: like },
  ArnEquals: { negated: false, compile: arnLike },
  ArnLike: { negated: false, compile: arnLike },
  ArnNotLike: { negated: true, compile: arnLike },
  Bool: { negated: false, compile: (value) => (actual) => actual.toLowerCase() === value.toLowerCase() },
  NumericLessThan: { negated: false, compile: (value) => numeric(value, (actual, limit) => actual < limit) },
  NumericLessThanEquals: { negated: false, compile: (value) => numeric(value, (actual, limit) => actual <= limit) },
  NumericGreaterThan: { negated: false, compile: (value) => numeric(value, (actual, limit) => actual > limit) },
};

/**
 * Reads the `Condition` block of a statement. All operators and keys must hold; of several values one is enough. An
 * absent key fails, save under `…IfExists` and under the `Not` forms. Throws on anything that is not supported here.
 * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function compileConditions(block: unknown, variables: boolean, where: string): Conditions {
  if (block === undefined) return () => true;
  const tests: Conditions[] = [];
  for (const [name, keys] of entries(block, where)) {
    for (const [key, values] of entries(keys, `${where}, ${name}`)) {
      tests.push(compileTest(name, key.toLowerCase(), listed(values, `${where}, ${name} ${key}`), variables, where));
    }
  }
  return (context) => tests.every((holds) => holds(context));
}

function compileTest(name: string, key: string, values: string[], variables: boolean, where: string): Conditions {
  if (name === "Null") {
    const absent = values.map((value) => value.toLowerCase() === "true");
    return (context) => absent.includes((context.get(key)?.length ?? 0) === 0);
  }
  const ifExists = name.endsWith("IfExists");
  const operator = operators[ifExists ? name.slice(0, -"IfExists".length) : name];
  if (operator === undefined) throw new Error(`${where}: condition operator ${name} is not supported here`);
  const patterns = values.map((value) => operator.compile(value, variables));
  return (context) => {
    const actual = context.get(key) ?? [];
    if (actual.length === 0) return ifExists || operator.negated;
    return actual.every((value) => patterns.some((matches) => matches(value, context)) !== operator.negated);
  };
}

function numeric(value: string, compare: (actual: number, limit: number) => boolean): Pattern {
  const limit = Number(value);
  if (value.trim() === "" || !Number.isFinite(limit)) throw new Error(`condition value ${value} is not a number`);
  return (actual) => compare(Number(actual), limit);
}

function entries(value: unknown, where: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${where}: not an object`);
  return Object.entries(value);
}

/** One value or a list of values of a document, as strings. Throws when it is neither. */
export function listed(value: unknown, where: string): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.map((item) => {
    if (typeof item === "string" || typeof item === "boolean" || typeof item === "number") return String(item);
    throw new Error(`${where}: not a string or a list of strings`);
  });
}
