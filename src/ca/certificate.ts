/** What goes into a user certificate: the contents that BLESS gives it (`bless/aws_lambda/bless_lambda_user.py`). */
import { createHash } from "node:crypto";
import type { CertificateOrder } from "../wire/certificate-maker.ts";
import type { PublicKey } from "../wire/public-key.ts";
import type { CheckedRequest } from "./policy.ts";
import type { CaSettings } from "./settings.ts";

export type Invocation = { readonly requestId: string; readonly functionArn: string };

/** The longest that the comment or one value in the key id may be; sshd logs the whole key id with every login. */
const MAX_VALUE = 250;

/** Decides every field. `now` is milliseconds since the epoch; `random` gives that many random bytes. */
export function orderFor(
  request: CheckedRequest,
  settings: CaSettings,
  invocation: Invocation,
  now: number,
  random: (count: number) => Uint8Array,
): CertificateOrder {
  const seconds = Math.floor(now / 1000);
  const end = seconds + settings.validityAfterSeconds;
  return {
    publicKey: request.publicKey.blob,
    kind: "user",
    serial: makeSerial(random(8)),
    keyId: keyIdFor(request, invocation.requestId, settings.functionArn ?? invocation.functionArn, end),
    principals: request.principals,
    validAfter: BigInt(Math.max(0, seconds - settings.validityBeforeSeconds)),
    validBefore: BigInt(end),
    criticalOptions: new Map([["source-address", request.sourceAddress]]),
    extensions: new Map(settings.extensions.map((name) => [name, ""])),
    nonce: random(32),
    comment: request.publicKey.comment.slice(0, MAX_VALUE),
  };
}

/** The order for BLESS's test user: a certificate that begins after its end, so that it is good at no time. */
export function neverValid(order: CertificateOrder, now: number): CertificateOrder {
  const seconds = BigInt(Math.floor(now / 1000));
  return { ...order, validAfter: seconds + 1n, validBefore: seconds, neverValid: true };
}

/** 63 bits, so that it fits a signed number in whatever database the log ends in; never 0, which is "no serial". */
export function makeSerial(bytes: Uint8Array): bigint {
  const serial = BigInt.asUintN(63, BigInt(`0x0${bytes.toHex()}`));
  return serial === 0n ? 1n : serial;
}

/** BLESS's key id, two spaces before `ca` included; `end` is seconds since the epoch. */
function keyIdFor(request: CheckedRequest, requestId: string, functionArn: string, end: number): string {
  const [date, time] = new Date(end * 1000).toISOString().replaceAll("-", "/").split(/[T.]/);
  return (
    `request[${plain(requestId)}] for[${plain(request.user)}] from[${plain(request.userAddress)}] ` +
    `command[${plain(request.command)}] ssh_key[${fingerprint(request.publicKey)}]  ` +
    `ca[${plain(functionArn)}] valid_to[${date} ${time}]`
  );
}

/**
 * One line without brackets of any kind: who chooses the command must not write other fields into sshd's log, nor the
 * `(serial N)` that sshd writes behind the key ID.
 */
export function plain(value: string): string {
  const line = value
    .slice(0, 4 * MAX_VALUE)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[[(]/g, "{")
    .replace(/[\])]/g, "}");
  const characters = [...line];
  return characters.length > MAX_VALUE ? `${characters.slice(0, MAX_VALUE - 1).join("")}…` : line;
}

/** `RSA aa:bb:…`, the MD5 that ssh once printed. It is a label that people search their logs for, and proves nothing. */
export function fingerprint({ type, blob }: PublicKey): string {
  const kind = type === "ssh-rsa" ? "RSA" : type.includes("ed25519") ? "ED25519" : "ECDSA";
  const digits = createHash("md5").update(blob).digest("hex");
  return `${type.startsWith("sk-") ? `${kind}-SK` : kind} ${digits.match(/../g)?.join(":")}`;
}
