/** OpenSSH certificates, made: PROTOCOL.certkeys of OpenSSH. Whoever holds the CA's key signs through a function. */
import { concat, encodeText, string, text, u32, u64, WireError } from "./bytes.ts";
import { certificateType, MAX_PRINCIPALS, parseCertificateBlob } from "./certificate.ts";
import { blobType, formatKeyLine, MAX_LINE } from "./public-key.ts";
import { verifyCertificate } from "./signature.ts";

/** What stands in a certificate; the fields mean what they mean in Certificate. */
export type CertificateOrder = {
  /** Blob of the plain key to certify. */
  readonly publicKey: Uint8Array;
  readonly kind: "user" | "host";
  readonly serial: bigint;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since the epoch. */
  readonly validAfter: bigint;
  /** Seconds since the epoch; 2^64 - 1 is for ever. */
  readonly validBefore: bigint;
  readonly criticalOptions: ReadonlyMap<string, string>;
  readonly extensions: ReadonlyMap<string, string>;
  /** At least 16 random bytes; OpenSSH takes 32. */
  readonly nonce: Uint8Array;
  readonly comment?: string;
  /** It is to be good at no time at all, with an end before its beginning: BLESS's answer to its test user. */
  readonly neverValid?: true;
};

export type CertificateSigner = {
  /** Blob of the CA's public key. */
  readonly publicBlob: Uint8Array;
  /** Gives an ssh signature blob (its type's name, then the value). */
  readonly sign: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** What it gives needs no second look: the key is in this process, or the signer verifies what it was given. */
  readonly selfChecked?: true;
};

/**
 * Makes one certificate and gives its line, without the newline. Options are sorted here. The result is read again before
 * it leaves, and verified unless the signer does that itself: a signer that signed something else, or with SHA-1, throws
 * WireError, and so does an order that no ssh would accept.
 */
export async function makeCertificate(order: CertificateOrder, signer: CertificateSigner): Promise<string> {
  if (order.nonce.length < 16) throw new WireError("a nonce of less than 16 bytes");
  if (order.validBefore <= order.validAfter && order.neverValid !== true)
    throw new WireError("a certificate that ends before it begins");
  if (order.principals.length > MAX_PRINCIPALS) throw new WireError(`more than ${MAX_PRINCIPALS} principals`);

  const type = certificateType(blobType(order.publicKey));
  const signed = concat(
    text(type),
    string(order.nonce),
    fieldsOf(order.publicKey),
    u64(order.serial),
    u32(order.kind === "user" ? 1 : 2),
    text(order.keyId),
    string(concat(...order.principals.map(text))),
    u64(order.validAfter),
    u64(order.validBefore),
    string(encodeOptions(order.criticalOptions)),
    string(encodeOptions(order.extensions)),
    string(new Uint8Array(0)),
    string(signer.publicBlob),
  );
  const blob = concat(signed, string(await signer.sign(signed)));

  const line = formatKeyLine(type, blob, order.comment ?? "");
  if (line.length > MAX_LINE) throw new WireError("a certificate of more than 16 KiB, which ssh does not read");
  const made = parseCertificateBlob(type, blob, "");
  if (made.signatureType === "ssh-rsa") throw new WireError("the CA signed with SHA-1, which OpenSSH refuses");
  if (signer.selfChecked !== true && !verifyCertificate(made))
    throw new WireError("the CA's signature is not one of this certificate");
  return line;
}

/** A blob without the type's name in front. */
function fieldsOf(blob: Uint8Array): Uint8Array {
  return blob.subarray(4 + encodeText(blobType(blob)).length);
}

function encodeOptions(options: ReadonlyMap<string, string>): Uint8Array {
  const names = [...options.keys()].sort();
  const empty = new Uint8Array(0);
  return concat(
    ...names.map((name) => {
      const value = options.get(name) ?? "";
      return concat(text(name), string(value === "" ? empty : text(value)));
    }),
  );
}
