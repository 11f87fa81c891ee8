/** The JSON schemas of docs/, and what doesn't fit them: as much of the language as they use. */
export type Schema = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
};

/** What doesn't fit the schema, by path; knows the words that our schemas use. */
export function misfits(value: unknown, schema: Schema, path = "$"): string[] {
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const types = schema.type === undefined ? null : [schema.type].flat();
  if (types !== null && !types.includes(type)) return [`${path} is ${type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${path} is none of the words`];
  if (typeof value === "string") {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) return [`${path} has another form`];
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value);
    return schema.format === "date-time" && !isTime ? [`${path} is no time`] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item, at) => misfits(item, schema.items ?? {}, `${path}[${at}]`));
  if (value === null || typeof value !== "object") return [];
  const { required = [], properties = {} } = schema;
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, part]) => {
      const known = properties[name];
      return known === undefined ? [`${path}.${name} is not in the schema`] : misfits(part, known, `${path}.${name}`);
    }),
  ];
}
