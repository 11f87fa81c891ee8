/** The values a request is judged by, under lower-case names such as `aws:username`. */
export type Context = ReadonlyMap<string, readonly string[]>;

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "any" }
  | { readonly kind: "one" }
  | { readonly kind: "variable"; readonly name: string };

/** A value of a policy document, ready to be compared. */
export type Pattern = (value: string, context: Context) => boolean;

export type PatternRules = {
  /** `*` and `?` stand for any characters. */
  readonly wildcards: boolean;
  /** `${name}` stands for a value of the request (documents of version 2012-10-17). */
  readonly variables: boolean;
  readonly ignoreCase?: boolean;
};

/**
 * Reads one value of a policy document. A variable that the request has no value for matches nothing; what it stands for
 * is taken literally. Throws when the value uses a form of variable that is not supported (a default value).
 * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function compilePattern(text: string, rules: PatternRules): Pattern {
  const parts = split(text, rules);
  const flags = rules.ignoreCase === true ? "sui" : "su";
  if (!parts.some((part) => part.kind === "variable")) {
    const fixed = new RegExp(`^${parts.map((part) => source(part, new Map())).join("")}$`, flags);
    return (value) => fixed.test(value);
  }
  return (value, context) => {
    const sources = parts.map((part) => source(part, context));
    return sources.every((item) => item !== null) && new RegExp(`^${sources.join("")}$`, flags).test(value);
  };
}

/** Reads an ARN pattern: each of its six parts is compared with the same part of the value, so `*` stays inside one. */
export function compileArnPattern(text: string, rules: PatternRules): Pattern {
  const sections = splitArn(text).map((section) => compilePattern(section, rules));
  return (value, context) => {
    const values = splitArn(value);
    return (
      values.length === sections.length && sections.every((matches, index) => matches(values[index] ?? "", context))
    );
  };
}

function split(text: string, rules: PatternRules): Part[] {
  const parts: Part[] = [];
  for (const [piece] of text.matchAll(/\$\{[^}]*\}|[*?]|[^*?$]+|\$/gs)) {
    if (rules.variables && piece.startsWith("${")) parts.push(variable(piece));
    else if (rules.wildcards && piece === "*") parts.push({ kind: "any" });
    else if (rules.wildcards && piece === "?") parts.push({ kind: "one" });
    else parts.push({ kind: "text", text: piece });
  }
  return parts;
}

function variable(piece: string): Part {
  const name = piece.slice(2, -1);
  if (name === "*" || name === "?" || name === "$") return { kind: "text", text: name };
  if (!/^[A-Za-z0-9:/_.@+=-]+$/.test(name)) throw new Error(`policy variable ${piece} is not supported here`);
  return { kind: "variable", name: name.toLowerCase() };
}

function source(part: Part, context: Context): string | null {
  if (part.kind === "any") return ".*";
  if (part.kind === "one") return ".";
  if (part.kind === "text") return RegExp.escape(part.text);
  const values = context.get(part.name);
  return values?.length === 1 && values[0] !== undefined ? RegExp.escape(values[0]) : null;
}

function splitArn(text: string): string[] {
  const sections = [""];
  for (const [piece] of text.matchAll(/\$\{[^}]*\}|:|[^:$]+|\$/gs)) {
    if (piece === ":" && sections.length < 6) sections.push("");
    else sections.push(`${sections.pop()}${piece}`);
  }
  return sections;
}
