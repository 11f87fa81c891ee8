import { createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";

/** Tags of DER: X.690, section 8. */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

/** 1.2.840.113549.1.1.11 (sha256WithRSAEncryption) without parameters' value, and 2.5.4.3 (commonName). */
const SHA256_WITH_RSA = Buffer.from("300d06092a864886f70d01010b0500", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");

/**
 * An X.509 certificate in PEM (version 1: RFC 5280 without extensions) that an RSA key signs for itself; node:crypto reads
 * such ones and makes none. Its dates are from 2020 to 2049.
 */
export function selfSigned(privateKey: KeyObject, commonName: string): string {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName)))));
  const day = (text: string) => der(UTC_TIME, Buffer.from(text));
  const body = der(
    SEQUENCE,
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    SHA256_WITH_RSA,
    name,
    der(SEQUENCE, day("200101000000Z"), day("491231235959Z")),
    name,
    createPublicKey(privateKey).export({ format: "der", type: "spki" }),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign("sha256", body, privateKey));
  const text = der(SEQUENCE, body, SHA256_WITH_RSA, signature)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): number[] {
  if (length < 128) return [length];
  const bytes = length < 256 ? [length] : [length >> 8, length & 255];
  return [0x80 + bytes.length, ...bytes];
}
