// The writer's own net under the rule that no secret is ever handed to it: shapes of credentials are blanked.

const SHAPES: readonly RegExp[] = [
  // AWS access key ids (IAM unique identifiers, prefixes AKIA and ASIA).
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  // Private keys, whole or cut.
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // Values behind names that hold secrets, in JSON (also within JSON), XML, query strings, headers and INI files.
  /((?:secret[_-]?access[_-]?key|session[_-]?token|security[_-]?token|token[_-]?code|kmsauth[_-]?token|passphrase)\\?["']?\s*[:=>]\s*\\?["']?)[^\s"'&<,}\\]+/gi,
  // Session and kmsauth tokens by their length; keys and certificates in ssh's own form begin with the length of their type's
  // name, which is AAAA. Base64 has `+` and `/`, so that a word's edge may lie within it.
  /(?<![A-Za-z0-9+/=])(?!AAAA)[A-Za-z0-9+/]{120,}={0,2}/g,
];

/** The text with everything blanked that has the shape of a credential. */
export function scrub(text: string): string {
  return SHAPES.reduce(
    (clean, shape) => clean.replace(shape, (_whole, kept) => `${typeof kept === "string" ? kept : ""}****`),
    text,
  );
}
