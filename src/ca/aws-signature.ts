/**
 * Signature Version 4 of a POST to `/` without a query, which is all that KMS's and IAM's protocols need:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from "node:crypto";

export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Null for long-term keys. */
  readonly sessionToken: string | null;
};

export type Scope = { readonly region: string; readonly service: string };

/** The headers of the request with its date, token and signature; all of them are signed. `now`: milliseconds since the epoch. */
export function signedHeaders(
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  { region, service }: Scope,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  now: number,
): Record<string, string> {
  const date = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  const all: Record<string, string> = { ...headers, "x-amz-date": date };
  if (sessionToken !== null) all["x-amz-security-token"] = sessionToken;

  const names = Object.keys(all).sort();
  const lines = names.map((name) => `${name}:${all[name]?.trim().replace(/ +/g, " ")}\n`);
  const canonical = ["POST", "/", "", lines.join(""), names.join(";"), sha256(body)].join("\n");
  const scope = [date.slice(0, 8), region, service, "aws4_request"];
  let key: Uint8Array = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope) key = createHmac("sha256", key).update(part).digest();
  const text = ["AWS4-HMAC-SHA256", date, scope.join("/"), sha256(canonical)].join("\n");
  const signature = createHmac("sha256", key).update(text).digest("hex");
  all["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join("/")}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return all;
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
