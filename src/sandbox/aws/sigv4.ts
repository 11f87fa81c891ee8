import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Refusal } from "./refusal.ts";

/** A request as it came in. */
export type SignedRequest = {
  readonly method: string;
  /** Path as sent, still percent-encoded. */
  readonly path: string;
  /** Query without `?`, as sent. */
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
};

/** What an `Authorization: AWS4-HMAC-SHA256` header claims. */
export type Authorization = {
  readonly accessKeyId: string;
  /** `YYYYMMDD` */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
};

const mismatch =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/** Reads the header, without believing it yet. Throws the refusal of a missing or incomplete one. */
export function readAuthorization(headers: Headers): Authorization {
  const header = headers.get("authorization");
  if (header === null) throw new Refusal("missing", "Request is missing Authentication Token");
  const parts =
    /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (parts === null) {
    throw new Refusal(
      "incomplete",
      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters of AWS4-HMAC-SHA256.",
    );
  }
  const [, accessKeyId = "", day = "", region = "", service = "", names = "", signature = ""] = parts;
  return { accessKeyId, day, region, service, signedHeaders: names.split(";"), signature };
}

/**
 * Throws unless the request is signed with the secret, now: Signature Version 4 with double encoding of the path. `now`
 * is in milliseconds since the epoch; the date may be `windowMinutes` off either way.
 * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function verifySignature(
  request: SignedRequest,
  claim: Authorization,
  secretAccessKey: string,
  now: number,
  windowMinutes: number,
): void {
  const { headers } = request;
  const date = headers.get("x-amz-date") ?? "";
  checkDate(date, claim.day, now, windowMinutes);
  for (const name of ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"]) {
    if ((name === "host" || headers.has(name)) && !claim.signedHeaders.includes(name)) {
      throw new Refusal("mismatch", `'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
  }
  const hash = createHash("sha256").update(request.body).digest("hex");
  const claimedHash = headers.get("x-amz-content-sha256");
  if (claimedHash !== null && claimedHash !== hash) throw new Refusal("mismatch", mismatch);

  const scope = `${claim.day}/${claim.region}/${claim.service}/aws4_request`;
  const canonical = createHash("sha256")
    .update(canonicalRequest(request, claim.signedHeaders, hash))
    .digest("hex");
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  const expected = createHmac("sha256", key).update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${canonical}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(claim.signature, "hex"))) throw new Refusal("mismatch", mismatch);
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], hash: string): string {
  const { method, path, query, headers } = request;
  const segments = path.split("/").filter((segment) => segment !== "");
  const slash = path.endsWith("/") && segments.length > 0 ? "/" : "";
  const lines = signedHeaders.map((name) => `${name}:${(headers.get(name) ?? "").trim().replace(/ +/g, " ")}\n`);
  return [
    method,
    `/${segments.map(encode).join("/")}${slash}`,
    canonicalQuery(query),
    lines.join(""),
    signedHeaders.join(";"),
    hash,
  ].join("\n");
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "");
  const encoded = pairs.map((pair) => {
    const [name = "", ...rest] = pair.split("=");
    return [encode(decode(name)), encode(decode(rest.join("=")))] as const;
  });
  encoded.sort(([a, b], [c, d]) => (a === c ? (b < d ? -1 : 1) : a < c ? -1 : 1));
  return encoded.map((pair) => pair.join("=")).join("&");
}

function checkDate(date: string, day: string, now: number, windowMinutes: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (parts === null)
    throw new Refusal("incomplete", "Authorization header requires existence of an 'X-Amz-Date' header.");
  const [year = 0, month = 0, ...rest] = parts.slice(1).map(Number);
  const sent = Date.UTC(year, month - 1, ...rest);
  if (!date.startsWith(day)) {
    throw new Refusal(
      "mismatch",
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${date.slice(0, 8)}', from '${date}'.`,
    );
  }
  const window = windowMinutes * 60_000;
  const limit = (offset: number) => `${compact(now + offset)} (${compact(now)}`;
  if (sent < now - window) {
    throw new Refusal(
      "mismatch",
      `Signature expired: ${date} is now earlier than ${limit(-window)} - ${windowMinutes} min.)`,
    );
  }
  if (sent > now + window) {
    throw new Refusal(
      "mismatch",
      `Signature not yet current: ${date} is still later than ${limit(window)} + ${windowMinutes} min.)`,
    );
  }
}

/** `YYYYMMDDTHHMMSSZ` of milliseconds since the epoch. */
function compact(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, "");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) =>
    `%${character.charCodeAt(0).toString(16)}`.toUpperCase(),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal("mismatch", mismatch);
  }
}
