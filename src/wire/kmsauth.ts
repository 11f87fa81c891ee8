/**
 * kmsauth tokens, the parts that both sides must write alike: the user string, the encryption context and the text
 * inside (lyft/python-kmsauth, `kmsauth/__init__.py`). A token is the base64 of what KMS makes of that text.
 */
import { decodeText, encodeText, WireError } from "./bytes.ts";

/** Whose token it is. Version 1 has a bare name, means a service, and binds no user type. */
export type KmsauthUser = { readonly version: 1 | 2; readonly userType: string; readonly name: string };

/** From when until when a token is good; milliseconds since the epoch, both included. */
export type Validity = { readonly notBefore: number; readonly notAfter: number };

const MAX_USER = 512;
const MAX_TEXT = 1024;

/** What a token is bound to. */
export type Binding = {
  readonly from: string;
  readonly to: string;
  /** `user` or `service`; none is version 1. */
  readonly userType?: string;
  /** `SHA256:…` of the one key that may be certified with it. An extension of ours: python-kmsauth binds none. */
  readonly publicKey?: string;
};

/** The encryption context of a token, as KMS and its key policy see it. */
export function kmsauthContext({ from, to, userType, publicKey }: Binding): Record<string, string> {
  return {
    from,
    to,
    ...(userType === undefined ? {} : { user_type: userType }),
    ...(publicKey === undefined ? {} : { public_key: publicKey }),
  };
}

/** `2/user/alice`: how a version 2 token's owner is named. */
export function formatKmsauthUser(userType: string, name: string): string {
  return `2/${userType}/${name}`;
}

/** Reads `2/user/alice`, or a bare name (version 1). No name holds a slash. Throws WireError. */
export function parseKmsauthUser(text: string): KmsauthUser {
  if (text === "" || text.length > MAX_USER) throw new WireError("not a kmsauth user");
  if (!text.includes("/")) return { version: 1, userType: "service", name: text };
  const match = /^2\/([^/]+)\/([^/]+)$/.exec(text);
  if (match === null) throw new WireError("not a kmsauth user");
  return { version: 2, userType: match[1] ?? "", name: match[2] ?? "" };
}

/** The text that is encrypted. Both ends are milliseconds since the epoch; parts of a second are dropped. */
export function formatValidity(notBefore: number, notAfter: number): string {
  return JSON.stringify({ not_before: formatTime(notBefore), not_after: formatTime(notAfter) });
}

/** Reads the text of a token, or its bytes; throws WireError, which quotes nothing of it. */
export function parseValidity(plaintext: string | Uint8Array): Validity {
  const bytes = typeof plaintext === "string" ? encodeText(plaintext) : plaintext;
  if (bytes.length > MAX_TEXT) throw new WireError("a kmsauth token that is too long");
  let value: unknown;
  try {
    value = JSON.parse(decodeText(bytes));
  } catch {
    throw new WireError("a kmsauth token that is not JSON");
  }
  if (typeof value !== "object" || value === null || !("not_before" in value) || !("not_after" in value)) {
    throw new WireError("a kmsauth token without its validity");
  }
  return { notBefore: parseTime(value.not_before), notAfter: parseTime(value.not_after) };
}

/** `YYYYmmddTHHMMSSZ`, in UTC. */
function formatTime(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) throw new WireError("not a time");
  const date = new Date(milliseconds);
  const year = date.getUTCFullYear();
  if (!(year >= 1000 && year <= 9999)) throw new WireError("a time that is out of range");
  return date.toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
}

function parseTime(value: unknown): number {
  if (typeof value !== "string" || !/^\d{8}T\d{6}Z$/.test(value)) throw new WireError("not a kmsauth time");
  const written = value.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const milliseconds = Date.parse(written);
  // The engine may roll 31 February over into March; a time that is not written back alike does not exist.
  if (Number.isNaN(milliseconds) || formatTime(milliseconds) !== value) throw new WireError("not a kmsauth time");
  return milliseconds;
}
