// The secrets of a world, and the search for them in what was printed and written.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Claim } from "../../src/sandbox/aws/server.ts";

/** What went over the wire. */
export type Overheard = {
  /** MFA codes that were used. */
  readonly codes: Set<string>;
  /** kmsauth tokens and session tokens. */
  readonly tokens: Set<string>;
};

/** Something that was printed or written. */
export type Output = { readonly name: string; readonly text: string };

/** Takes the secrets out of a request and its answer, which is then given on. */
export async function listen(
  overheard: Overheard,
  { action, request }: Claim,
  answer: () => Promise<Response>,
): Promise<Response> {
  const { codes, tokens } = overheard;
  const session = request.headers.get("x-amz-security-token");
  if (session !== null) tokens.add(session);
  const body = new TextDecoder().decode(request.body);
  const code = /(?:^|&)TokenCode=([^&]+)/.exec(body)?.[1];
  if (code !== undefined) codes.add(decodeURIComponent(code));
  if (action === "Invoke") {
    const token = /"kmsauth_token":"([^"]+)"/.exec(body)?.[1];
    if (token !== undefined) tokens.add(token);
  }
  const response = await answer();
  if (action !== "Encrypt") return response;
  const text = await response.text();
  const token = /"CiphertextBlob":"([^"]+)"/.exec(text)?.[1];
  if (token !== undefined) tokens.add(token);
  return new Response(text, { status: response.status, headers: response.headers });
}

/** Where secrets are at home: the private cache, and what the person and other tools keep. */
const PRIVATE = /(^|\/)(cache\/|\.aws\/|passphrase$|tools\/)/;

/** Texts of all files below the world's folder, the private ones and private keys aside; lines of keys are secrets. */
export function readFolder(root: string): { outputs: Output[]; keyLines: string[] } {
  const outputs: Output[] = [];
  const keyLines: string[] = [];
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    // The links to programs lead to megabytes of other people's digits.
    if (PRIVATE.test(name) || name.startsWith("bin/") || /\/bin\/b?ssh$/.test(name)) continue;
    try {
      if (!statSync(join(root, name)).isFile()) continue;
      const text = readFileSync(join(root, name), "latin1");
      if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
        keyLines.push(...text.split("\n").filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line)));
      } else outputs.push({ name, text });
    } catch {
      // A link that leads nowhere, or a pipe.
    }
  }
  return { outputs, keyLines };
}

/** Names the outputs that hold a secret, with what kind it is. */
export function findLeaks(
  outputs: readonly Output[],
  secrets: readonly string[],
  codes: ReadonlySet<string>,
): string[] {
  const forms = new Set(
    secrets.filter((secret) => secret.length >= 6).flatMap((one) => [one, encodeURIComponent(one)]),
  );
  const words = [...codes].map((code) => new RegExp(`(?<![0-9A-Za-z])${code}(?![0-9A-Za-z])`));
  return outputs.flatMap(({ name, text }) => [
    ...[...forms].filter((secret) => text.includes(secret)).map((secret) => `${name}: ${secret.slice(0, 4)}…`),
    // The file of BLESSDEBUG begins its lines with time and process, which may have six digits as well.
    ...words.filter((word) => word.test(text.replace(/^\S+Z \d+ /gm, ""))).map(() => `${name}: an MFA code`),
  ]);
}
