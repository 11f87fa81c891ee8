/** A value as TOML writes it: text in single quotes when it holds backslashes, so that patterns stay readable. */
export function tomlText(value: string | number | boolean | readonly string[]): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "object") return `[${value.map(quoted).join(", ")}]`;
  return String(value);
}

function quoted(text: string): string {
  const isPlain = !/[\u0000-\u001f\u007f'\ud800-\udfff]/.test(text);
  if (isPlain && text.includes("\\")) return `'${text}'`;
  // JSON's escapes are TOML's, but for DEL, which TOML allows nowhere.
  return JSON.stringify(text.toWellFormed()).replace(/\u007f/g, "\\u007F");
}
