// Reads a CloudFormation template as AWS would: fills in parameters, conditions and functions.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type Fields = { readonly [name: string]: Json };

export type Stack = {
  readonly resources: ReadonlyMap<string, { readonly type: string; readonly properties: Fields }>;
  readonly outputs: ReadonlyMap<string, Json>;
};

export type Deployment = {
  readonly region: string;
  readonly account: string;
  readonly parameters: Readonly<Record<string, string>>;
};

/** Raised by what CloudFormation would refuse the whole template for. */
export class TemplateError extends Error {}

const NO_VALUE = Symbol("AWS::NoValue");
type Resolved = Json | typeof NO_VALUE;

const SECTIONS = ["AWSTemplateFormatVersion", "Description", "Parameters", "Conditions", "Resources", "Outputs"];
const ATTRIBUTES = ["Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Properties"];
const PARAMETER_KEYS = ["Type", "Description", "Default", "AllowedPattern", "AllowedValues"];

export function readTemplate(text: string): Fields {
  return fields(Bun.YAML.parse(text) as Json);
}

export function fields(value: Json | undefined): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TemplateError("not an object");
  return value as Fields;
}

/** The stack that the template makes. Throws TemplateError for what CloudFormation refuses before it makes anything. */
export function deploy(template: Fields, deployment: Deployment): Stack {
  only(template, SECTIONS, "the template");
  const declared = fields(template["Parameters"]);
  const parameters = readParameters(declared, deployment.parameters);
  const conditions = fields(template["Conditions"]);
  const resources = fields(template["Resources"]);
  const used = new Set<string>();

  const isTrue = (name: string): boolean => {
    const condition = conditions[name];
    if (condition === undefined) throw new TemplateError(`there is no condition ${name}`);
    return resolve(condition) === true;
  };
  const exists = (name: string): boolean => {
    const condition = fields(resources[name])["Condition"];
    return condition === undefined || isTrue(String(condition));
  };
  const resource = (name: string, by: string): Fields => {
    if (resources[name] === undefined) throw new TemplateError(`${by} ${name}: there is no such thing`);
    if (!exists(name)) throw new TemplateError(`${by} ${name}, which is not made here`);
    return fields(resources[name]);
  };
  const property = (name: string, key: string): string =>
    String(resolve(fields(fields(resources[name])["Properties"])[key] ?? name));

  const reference = (name: string): Resolved => {
    if (name === "AWS::NoValue") return NO_VALUE;
    if (name === "AWS::Region") return deployment.region;
    if (name === "AWS::AccountId") return deployment.account;
    if (name === "AWS::Partition") return "aws";
    const value = parameters.get(name);
    used.add(name);
    if (value !== undefined) return value;
    const type = String(resource(name, "Ref")["Type"]);
    if (type === "AWS::IAM::Role") return property(name, "RoleName");
    if (type === "AWS::IAM::Group") return property(name, "GroupName");
    if (type === "AWS::Lambda::Function") return property(name, "FunctionName");
    if (type === "AWS::Lambda::Alias")
      return `${arn("lambda", `function:${property(name, "FunctionName")}`)}:${property(name, "Name")}`;
    return `id-of-${name}`;
  };
  const arn = (service: string, rest: string) =>
    `arn:aws:${service}:${service === "iam" ? "" : deployment.region}:${deployment.account}:${rest}`;
  const attribute = (name: string, key: string): string => {
    const type = String(resource(name, "GetAtt")["Type"]);
    const made = `${type} ${key}`;
    if (made === "AWS::IAM::Role Arn") return arn("iam", `role/${property(name, "RoleName")}`);
    if (made === "AWS::KMS::Key Arn") return arn("kms", `key/${name}`);
    throw new TemplateError(`GetAtt ${name}.${key} is not understood here`);
  };

  function resolve(value: Json): Resolved {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NO_VALUE) as Json[];
    if (typeof value !== "object" || value === null) return value;
    const [[name, argument] = ["", ""], ...more] = Object.entries(value as Fields);
    if (name === "Ref" || name === "Condition" || name.startsWith("Fn::")) {
      // A policy's own element of that name holds no text.
      if (!(name === "Condition" && typeof argument !== "string")) {
        if (more.length > 0) throw new TemplateError(`${name} is not alone`);
        return call(name, argument);
      }
    }
    const entries = Object.entries(value as Fields).map(([key, item]) => [key, resolve(item)] as const);
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE)) as Fields;
  }

  function call(name: string, argument: Json): Resolved {
    const list = Array.isArray(argument) ? (argument as readonly Json[]) : [];
    switch (name) {
      case "Ref":
        return reference(String(argument));
      case "Condition":
        return isTrue(String(argument));
      case "Fn::Equals":
        return resolve(list[0] ?? null) === resolve(list[1] ?? null);
      case "Fn::Not":
        return !resolve(list[0] ?? null);
      case "Fn::If":
        if (list.length !== 3) throw new TemplateError("Fn::If wants three things");
        return resolve((isTrue(String(list[0])) ? list[1] : list[2]) ?? null);
      case "Fn::GetAtt":
        return attribute(String(list[0]), String(list[1]));
      case "Fn::Sub":
        if (typeof argument !== "string") throw new TemplateError("Fn::Sub wants a text");
        return argument.replaceAll(/\$\{(!?)([^}]+)\}/g, (_, literal: string, key: string) =>
          literal === "" ? String(reference(key)) : `\${${key}}`,
        );
      default:
        throw new TemplateError(`there is no function ${name}`);
    }
  }

  const made = Object.entries(resources).map(([name, value]) => {
    const item = fields(value);
    only(item, ATTRIBUTES, name);
    for (const other of [item["DependsOn"] ?? []].flat()) resource(String(other), `${name} depends on`);
    const properties = fields(exists(name) ? (resolve(item["Properties"] ?? {}) as Json) : {});
    return [name, { type: String(item["Type"]), properties }] as const;
  });
  const outputs = Object.entries(fields(template["Outputs"])).filter(
    ([, value]) => fields(value)["Condition"] === undefined || isTrue(String(fields(value)["Condition"])),
  );
  const stack = {
    resources: new Map(made.filter(([name]) => exists(name))),
    outputs: new Map(outputs.map(([name, value]) => [name, resolve(fields(value)["Value"] ?? null) as Json])),
  };
  for (const name of Object.keys(conditions)) isTrue(name);
  return stack;
}

/** Parameters that nothing in the template refers to. */
export function unusedParameters(template: Fields): string[] {
  const text = JSON.stringify({ ...template, Parameters: null });
  return Object.keys(fields(template["Parameters"])).filter(
    (name) => !text.includes(`{"Ref":"${name}"}`) && !text.includes(`\${${name}}`),
  );
}

function readParameters(declared: Fields, given: Readonly<Record<string, string>>): Map<string, string> {
  const unknown = Object.keys(given).find((name) => declared[name] === undefined);
  if (unknown !== undefined) throw new TemplateError(`there is no parameter ${unknown}`);
  return new Map(
    Object.entries(declared).map(([name, value]) => {
      const parameter = fields(value);
      only(parameter, PARAMETER_KEYS, name);
      if (parameter["Type"] !== "String" && parameter["Type"] !== "Number")
        throw new TemplateError(`${name}: unknown type`);
      const chosen = given[name] ?? parameter["Default"];
      if (chosen === undefined) throw new TemplateError(`parameter ${name} has no value`);
      const pattern = parameter["AllowedPattern"];
      if (pattern !== undefined && !new RegExp(`^(?:${String(pattern)})$`).test(String(chosen))) {
        throw new TemplateError(`parameter ${name} is not of its form`);
      }
      const allowed = parameter["AllowedValues"];
      if (Array.isArray(allowed) && !allowed.map(String).includes(String(chosen))) {
        throw new TemplateError(`parameter ${name} is none of its values`);
      }
      return [name, String(chosen)];
    }),
  );
}

function only(value: Fields, known: readonly string[], where: string): void {
  const strange = Object.keys(value).find((name) => !known.includes(name));
  if (strange !== undefined) throw new TemplateError(`${where} has an unknown ${strange}`);
}
