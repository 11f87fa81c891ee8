/**
 * Public keys: the line of a `.pub` file and the blob inside it (RFC 4253, section 6.6; RFC 5656, section 3.1;
 * RFC 8709, section 4; PROTOCOL.u2f of OpenSSH for the `sk-` types). Only the form is checked here, not the mathematics.
 */
import { decodeBase64, encodeBase64, makeReader, type Reader, WireError } from "./bytes.ts";

export type PublicKey = {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** The whole blob, the type's name included. */
  readonly blob: Uint8Array;
  /** What stands behind the base64, or "". */
  readonly comment: string;
};

/** A line with a public key or a certificate, taken apart. */
export type KeyLine = { readonly type: string; readonly base64: string; readonly comment: string };

/** Far above any real key: RSA with 16384 bits has 2 KiB. */
export const MAX_LINE = 16 * 1024;

/** Reads what follows the type's name in a blob, and throws WireError when it has not the form of that type. */
type Shape = (reader: Reader) => void;

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ["ssh-rsa", readRsa],
  ["ssh-ed25519", readEd25519],
  ["ecdsa-sha2-nistp256", (reader) => readPoint(reader, "nistp256", 32)],
  ["ecdsa-sha2-nistp384", (reader) => readPoint(reader, "nistp384", 48)],
  ["ecdsa-sha2-nistp521", (reader) => readPoint(reader, "nistp521", 66)],
  ["sk-ssh-ed25519@openssh.com", readSkEd25519],
  ["sk-ecdsa-sha2-nistp256@openssh.com", readSkEcdsa],
]);

/** True for the types of plain keys (no certificates) that can be read. */
export function isKeyType(type: string): boolean {
  return SHAPES.has(type);
}

/** Reads the fields of a key of `type`, as they stand after the type's name; throws WireError when they are malformed. */
export function readKeyFields(reader: Reader, type: string): void {
  const shape = SHAPES.get(type);
  if (shape === undefined) throw new WireError("a key of an unknown type");
  shape(reader);
}

/** Checks a whole blob and gives its type; throws WireError. */
export function blobType(blob: Uint8Array): string {
  const reader = makeReader(blob);
  const type = reader.text();
  readKeyFields(reader, type);
  reader.end("the key");
  return type;
}

/**
 * Reads one line `TYPE BASE64 [COMMENT]`. Certificates are not plain keys: for them there is parseCertificate. Throws
 * WireError.
 */
export function parsePublicKey(line: string): PublicKey {
  if (/^\s*-----BEGIN/.test(line)) throw new WireError("a private key where a public key belongs");
  const { type, base64, comment } = splitKeyLine(line);
  if (!isKeyType(type)) throw new WireError("a key of an unknown type");
  const blob = decodeBase64(base64);
  if (blobType(blob) !== type) throw new WireError("the key is of another type than its line says");
  return { type, blob, comment };
}

/** The line of a `.pub` file, without the newline. */
export function formatPublicKey(key: PublicKey): string {
  return formatKeyLine(key.type, key.blob, key.comment);
}

/** `TYPE BASE64 [COMMENT]` on one line: control characters in the comment become spaces. */
export function formatKeyLine(type: string, blob: Uint8Array, comment: string): string {
  const plain = comment.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  const line = `${type} ${encodeBase64(blob)}`;
  return plain === "" ? line : `${line} ${plain}`;
}

/** Takes a line apart at its white space; throws WireError for more than one line, more than 16 KiB, too few words. */
export function splitKeyLine(line: string): KeyLine {
  if (line.length > MAX_LINE) throw new WireError("the line is longer than 16 KiB");
  const whole = line.trim();
  if (whole.includes("\n") || whole.includes("\r")) throw new WireError("more than one line");
  const afterType = nextBlank(whole, 0);
  const base64At = nextWord(whole, afterType);
  const afterBase64 = nextBlank(whole, base64At);
  if (base64At === afterBase64) throw new WireError("a key has a type and base64 on one line");
  return {
    type: whole.slice(0, afterType),
    base64: whole.slice(base64At, afterBase64),
    comment: whole.slice(nextWord(whole, afterBase64)),
  };
}

function readRsa(reader: Reader): void {
  const exponent = reader.mpint();
  const modulus = reader.mpint();
  if (exponent.length === 0 || modulus.length === 0) throw new WireError("an rsa key with a zero in it");
}

function readEd25519(reader: Reader): void {
  if (reader.string().length !== 32) throw new WireError("an ed25519 key that is not 32 bytes long");
}

function readPoint(reader: Reader, curve: string, size: number): void {
  if (reader.text() !== curve) throw new WireError("an ecdsa key on another curve than its type says");
  const point = reader.string();
  // RFC 5656 allows compressed points; OpenSSH neither makes nor reads them.
  if (point.length !== 1 + 2 * size || point[0] !== 4) throw new WireError("an ecdsa key that is no plain point");
}

function readSkEd25519(reader: Reader): void {
  readEd25519(reader);
  reader.text();
}

function readSkEcdsa(reader: Reader): void {
  readPoint(reader, "nistp256", 32);
  reader.text();
}

function nextBlank(line: string, from: number): number {
  const space = line.indexOf(" ", from);
  const tab = line.indexOf("\t", from);
  if (space < 0) return tab < 0 ? line.length : tab;
  return tab < 0 ? space : Math.min(space, tab);
}

function nextWord(line: string, from: number): number {
  let at = from;
  while (line[at] === " " || line[at] === "\t") at++;
  return at;
}
