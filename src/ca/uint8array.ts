/**
 * `toBase64`, `toHex` and `fromBase64` of Uint8Array, for engines that lack them: Node.js has them from 25 on.
 * https://tc39.es/proposal-arraybuffer-base64/spec/
 */

type Encoding = { readonly alphabet?: "base64" | "base64url" };

function toBase64(
  this: Uint8Array,
  { alphabet = "base64", omitPadding = false }: Encoding & { omitPadding?: boolean } = {},
) {
  const text = view(this).toString("base64");
  const lettered = alphabet === "base64" ? text : text.replaceAll("+", "-").replaceAll("/", "_");
  return omitPadding ? lettered.replace(/=+$/, "") : lettered;
}

function toHex(this: Uint8Array) {
  return view(this).toString("hex");
}

/** `stop-before-partial` is not known: nothing here reads base64 in pieces. */
function fromBase64(text: string, options: Encoding & { lastChunkHandling?: "loose" | "strict" } = {}): Uint8Array {
  const { alphabet = "base64", lastChunkHandling = "loose" } = options;
  const isUrl = alphabet === "base64url";
  const whole = text.replace(/[\t\n\f\r ]+/g, "");
  const digits = whole.replace(/={1,2}$/, "");
  const isPadded = digits.length < whole.length;
  const good =
    (isUrl ? /^[A-Za-z0-9_-]*$/ : /^[A-Za-z0-9+/]*$/).test(digits) &&
    digits.length % 4 !== 1 &&
    (whole.length % 4 === 0 || (!isPadded && lastChunkHandling === "loose"));
  const bytes = new Uint8Array(good ? Buffer.from(digits, alphabet) : []);
  // Strict: the bits behind the last byte are zero.
  if (!good || (lastChunkHandling === "strict" && toBase64.call(bytes, { alphabet }) !== whole)) {
    throw new SyntaxError("not base64");
  }
  return bytes;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function provide(object: object, name: string, value: unknown): void {
  if (!(name in object)) Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

provide(Uint8Array.prototype, "toBase64", toBase64);
provide(Uint8Array.prototype, "toHex", toHex);
provide(Uint8Array, "fromBase64", fromBase64);
