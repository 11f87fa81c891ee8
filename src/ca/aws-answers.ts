/** What AWS answers, read: JSON 1.1 (KMS) and the XML of the Query protocol (IAM, STS). Whatever is amiss is an Error. */
import { decodeBase64, decodeText } from "../wire/bytes.ts";
import type { CallerIdentity } from "./aws.ts";
import { type HttpAnswer, named } from "./aws-transport.ts";
import { childOf, parseXml, type XmlElement } from "./aws-xml.ts";

/** Longer than any message of AWS's that says something. */
const MAX_MESSAGE = 600;

/** An object of JSON, by its fields. */
export type Fields = Readonly<Record<string, unknown>>;

export function jsonFields(body: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(decodeText(body));
  } catch {
    throw invalid("is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("is no object");
  return { ...value };
}

export function textField(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw invalid(`has no ${name}`);
  return value;
}

export function bytesField(fields: Fields, name: string): Uint8Array {
  try {
    return decodeBase64(textField(fields, name));
  } catch {
    throw invalid(`has no ${name}`);
  }
}

/** The error in an answer that is none of success: AWS's code as its name. */
export function errorIn({ status, headers, body }: HttpAnswer): Error {
  let [code, message] = ["", ""];
  try {
    const text = decodeText(body);
    if (text.trimStart().startsWith("<")) {
      const error = childOf(parseXml(text), "Error");
      [code, message] = [childOf(error, "Code").text, childOf(error, "Message").text];
    } else {
      const fields = jsonFields(body);
      const type = fields["__type"] ?? headers["x-amzn-errortype"] ?? fields["code"];
      const said = fields["message"] ?? fields["Message"];
      [code, message] = [typeof type === "string" ? type : "", typeof said === "string" ? said : ""];
    }
  } catch {
    // A gateway's page, or nothing: the status says what there is to say.
  }
  code = code.replace(/^.*#/, "").replace(/:.*$/, "");
  if (!/^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(code)) code = `Http${status}`;
  // STS and IAM quote the request that they would have signed, the session token in it.
  if (/Signature/.test(code)) message = "the signature does not match: the clock or the credentials are wrong";
  return named(code, message.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").slice(0, MAX_MESSAGE));
}

/** GetCallerIdentity: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
export function readCallerIdentity(body: Uint8Array): CallerIdentity {
  const result = childOf(rootOf(body, "GetCallerIdentityResponse"), "GetCallerIdentityResult");
  const [arn, account, userId] = ["Arn", "Account", "UserId"].map((name) => childOf(result, name).text.trim());
  if (
    !/^arn:aws[a-z-]*:(iam|sts)::\d{12}:[\x21-\x7e]{1,1100}$/.test(arn ?? "") ||
    !/^\d{12}$/.test(account ?? "") ||
    !/^[\w:+=,.@-]{1,256}$/.test(userId ?? "") ||
    arn?.split(":")[4] !== account
  ) {
    throw invalid("names nobody");
  }
  return { arn: arn ?? "", account: account ?? "", userId: userId ?? "" };
}

/** One page of ListGroupsForUser, and the marker of the next; null for the last. */
export function readGroups(body: Uint8Array): { readonly names: readonly string[]; readonly marker: string | null } {
  const result = childOf(rootOf(body, "ListGroupsForUserResponse"), "ListGroupsForUserResult");
  const groups = childOf(result, "Groups").children;
  const isLast = childOf(result, "IsTruncated").text.trim() !== "true";
  return {
    names: groups.map((group) => childOf(group, "GroupName").text.trim()),
    marker: isLast ? null : childOf(result, "Marker").text.trim(),
  };
}

function rootOf(body: Uint8Array, name: string): XmlElement {
  const root = parseXml(decodeText(body));
  if (root.name !== name) throw invalid(`is no ${name}`);
  return root;
}

function invalid(what: string): Error {
  return named("InvalidAnswer", `AWS's answer ${what}`);
}
