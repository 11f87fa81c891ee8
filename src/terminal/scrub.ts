// The writer's own net under the rule that no secret is ever handed to it: shapes of credentials are blanked.

const SHAPES: readonly RegExp[] = [
  // AWS access key ids (IAM unique identifiers, prefixes AKIA and ASIA).
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g,
  // Private keys, whole or cut.
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // Values behind names that hold secrets, in JSON, XML, query strings and INI files.
  /((?:secret_?access_?key|session_?token|security_?token|token_?code|kmsauth_?token|aws_secret_access_key|passphrase)["']?\s*[:=>]\s*["']?)[^\s"'&<,}]+/gi,
  // Session and kmsauth tokens by their length; keys and certificates in ssh's own form begin with the length of their type's
  // name, which is AAAA.
  /\b(?!AAAA)(?:[A-Za-z0-9+/]{4}){30,}(?:[A-Za-z0-9+/]{2,3})?={0,2}/g,
];

/** The text with everything blanked that has the shape of a credential. */
export function scrub(text: string): string {
  return SHAPES.reduce(
    (clean, shape) => clean.replace(shape, (_whole, kept) => `${typeof kept === "string" ? kept : ""}****`),
    text,
  );
}
