// Holds what a template makes against AWS's own specification of resource types, which the CDK is made from.
import { loadAwsServiceSpec } from "@aws-cdk/aws-service-spec";
import type { Fields, Json, Stack } from "./cloudformation.ts";

type Spec = Awaited<ReturnType<typeof loadAwsServiceSpec>>;
type Resource = ReturnType<Spec["get"]> & { readonly properties: Properties };
type Properties = Readonly<Record<string, { readonly required?: boolean; readonly type: Type }>>;
type Type = {
  readonly type: string;
  readonly allowedValues?: readonly string[];
  readonly element?: Type;
  readonly types?: readonly Type[];
  readonly reference?: { readonly $ref: string };
};

const TAG: Properties = {
  Key: { required: true, type: { type: "string" } },
  Value: { required: true, type: { type: "string" } },
};

let loading: Promise<Spec> | null = null;

/** What is wrong with the stack's resources by AWS's specification, a sentence each. */
export async function lint(stack: Stack): Promise<string[]> {
  loading ??= loadAwsServiceSpec();
  const spec = await loading;
  const faults: string[] = [];

  const object = (value: Json, properties: Properties, where: string): void => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      faults.push(`${where} is no object`);
      return;
    }
    for (const [name, item] of Object.entries(value as Fields)) {
      const known = properties[name];
      if (known === undefined) faults.push(`${where} has no property ${name}`);
      else check(item, known.type, `${where}.${name}`);
    }
    for (const [name, { required }] of Object.entries(properties)) {
      if (required === true && (value as Fields)[name] === undefined) faults.push(`${where} lacks ${name}`);
    }
  };
  const check = (value: Json, type: Type, where: string): void => {
    const isText = typeof value === "string";
    const isObject = typeof value === "object" && value !== null;
    const wrong = (is: boolean) => {
      if (!is) faults.push(`${where} is no ${type.type}: ${JSON.stringify(value)}`);
    };
    switch (type.type) {
      case "string":
        wrong(isText || typeof value === "number");
        if (type.allowedValues?.includes(String(value)) === false) faults.push(`${where} may not be ${String(value)}`);
        break;
      case "integer":
        wrong(/^-?\d+$/.test(String(value)));
        break;
      case "boolean":
        wrong(/^(true|false)$/.test(String(value)));
        break;
      case "json":
        wrong(isObject);
        break;
      case "array":
        if (!Array.isArray(value)) wrong(false);
        else for (const [index, item] of value.entries()) check(item, type.element ?? type, `${where}[${index}]`);
        break;
      case "map":
        if (!isObject || Array.isArray(value)) wrong(false);
        else for (const [name, item] of Object.entries(value)) check(item, type.element ?? type, `${where}.${name}`);
        break;
      case "tag":
        object(value, TAG, where);
        break;
      case "ref":
        object(value, definition(type.reference?.$ref ?? ""), where);
        break;
      case "union": {
        const before = faults.length;
        const tried = (type.types ?? []).map((one) => {
          check(value, one, where);
          return faults.splice(before);
        });
        if (tried.every((found) => found.length > 0)) faults.push(...(tried[0] ?? []));
        break;
      }
      default:
        faults.push(`${where}: the specification's type ${type.type} is not understood here`);
    }
  };
  const definition = (id: string) =>
    (spec.get("typeDefinition", id) as unknown as { readonly properties: Properties }).properties;

  for (const [name, { type, properties }] of stack.resources) {
    const found = spec.lookup("resource", "cloudFormationType", "equals", type)[0] as unknown as Resource | undefined;
    if (found === undefined) faults.push(`${name}: there is no resource type ${type}`);
    else object(properties, found.properties, name);
  }
  return faults;
}
