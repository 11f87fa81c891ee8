// What a certificate that is signed by hand holds: the CA's own rules, and BLESS's contents where it has any.
import { fingerprint, makeSerial, plain } from "../../ca/certificate.ts";
import { hostNameFault } from "../../ca/host-names.ts";
import { coversTooMuch, type Network, parseNetwork } from "../../ca/network.ts";
import { principalFault } from "../../ca/policy.ts";
import { isStrongEnough } from "../../ca/rsa.ts";
import { Failure, printable } from "../../failure.ts";
import { equalBytes } from "../../wire/bytes.ts";
import { MAX_PRINCIPALS } from "../../wire/certificate.ts";
import type { CertificateOrder } from "../../wire/certificate-maker.ts";
import type { PublicKey } from "../../wire/public-key.ts";
import { sha256Fingerprint } from "../../wire/signature.ts";
import { usage } from "../words.ts";

/** What was asked for, in the words that were typed; null where nothing was. */
export type ByHand = {
  readonly publicKey: PublicKey;
  readonly kind: "user" | "host";
  readonly principals: string | null;
  readonly user: string | null;
  readonly hours: string | null;
  readonly end: string | null;
  readonly sourceAddress: string | null;
  readonly keyId: string | null;
  readonly serial: string | null;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly random: (count: number) => Uint8Array;
};

/** Hours that a certificate is good for when nothing is said, and at most. */
const HOURS = { user: { usual: 1, most: 24 }, host: { usual: 24, most: 720 } } as const;

/** Seconds; the clocks of servers are not all right. */
const BEFORE = 120;

const EXTENSIONS = [
  "permit-X11-forwarding",
  "permit-agent-forwarding",
  "permit-port-forwarding",
  "permit-pty",
  "permit-user-rc",
];

/** As the CA's own, where nothing else is configured. */
const SHORTEST = { ipv4: 8, ipv6: 16 } as const;

const LONGEST_KEY_ID = 1000;
const LAST_SERIAL = 0xffff_ffff_ffff_ffffn;

/** The order, and whom it is for. `ca` is the blob of the CA's key, null while it is not open. Throws Failure. */
export function orderByHand(wish: ByHand, ca: Uint8Array | null): { order: CertificateOrder; user: string } {
  const { publicKey, kind, now } = wish;
  if (!isStrongEnough(publicKey))
    throw new Failure("the rsa key is too weak to be certified", "make another, such as with ssh-keygen -t ed25519");
  if (ca !== null && equalBytes(ca, publicKey.blob))
    throw new Failure("this is the CA's own key", "name the key that is to be certified");
  const principals = principalsOf(wish);
  const user = wish.user ?? principals[0] ?? "";
  if (principalFault(user, "principal") !== null) throw wrong(`--user ${printable(user, 60)} is no name`);
  const seconds = Math.floor(now / 1000);
  const end = endOf(wish, seconds);
  const order: CertificateOrder = {
    publicKey: publicKey.blob,
    kind,
    serial: serialOf(wish),
    keyId: keyIdOf(wish, user, ca, end),
    principals,
    validAfter: BigInt(seconds - BEFORE),
    validBefore: BigInt(end),
    criticalOptions: new Map(sourceAddressOf(wish).map((list) => ["source-address", list])),
    extensions: new Map(kind === "user" ? EXTENSIONS.map((name) => [name, ""]) : []),
    nonce: wish.random(32),
    comment: publicKey.comment.slice(0, 250),
  };
  return { order, user };
}

function principalsOf({ principals, kind }: ByHand): string[] {
  if (principals === null) throw wrong("bssh ca sign wants --principals: without any it would be good for nobody");
  const names = principals.split(",");
  for (const name of names) {
    const word = printable(name, 60) || "an empty word";
    if (kind === "user" && principalFault(name, "principal") !== null) throw wrong(`--principals: ${word} is no name`);
    const fault = kind === "host" ? hostNameFault(name) : null;
    if (fault !== null) throw wrong(`--principals: ${word} is no host name: it ${fault}`);
  }
  if (new Set(names).size < names.length) throw wrong("--principals names one twice");
  if (names.length > MAX_PRINCIPALS) throw wrong(`--principals names more than ${MAX_PRINCIPALS}`);
  return names;
}

/** Seconds since the epoch. */
function endOf({ hours, end, kind }: ByHand, seconds: number): number {
  const { usual, most } = HOURS[kind];
  if (hours !== null && end !== null) throw wrong("give --hours or --end, not both");
  if (end !== null) {
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(end)
      ? Math.floor(Date.parse(end) / 1000)
      : Number.NaN;
    if (Number.isNaN(time)) throw wrong(`--end ${printable(end, 60)} is no time such as 2024-05-06T07:08:09Z`);
    if (time <= seconds) throw wrong("--end has passed already");
    if (time > seconds + most * 3600) throw wrong(`--end is more than ${most} hours away`);
    return time;
  }
  const count = hours === null ? usual : /^\d{1,4}(\.\d{1,3})?$/.test(hours) ? Number(hours) : 0;
  if (count <= 0 || count > most) throw wrong(`--hours wants a number up to ${most}`);
  return seconds + Math.max(1, Math.round(count * 3600));
}

function sourceAddressOf({ sourceAddress, kind }: ByHand): string[] {
  if (sourceAddress === null) return [];
  if (kind === "host") throw wrong("--source-address is nothing for a host");
  const networks: Network[] = [];
  for (const word of sourceAddress.split(",")) {
    const network = parseNetwork(word);
    if (network === null)
      throw wrong(`--source-address: ${printable(word, 60) || "an empty word"} is no address or network`);
    if (network.prefix < SHORTEST[`ipv${network.family}`])
      throw wrong(`--source-address: ${printable(word, 60)} is the whole internet, or too much of it`);
    networks.push(network);
  }
  if (coversTooMuch(networks, SHORTEST)) {
    throw wrong("--source-address: together these are the whole internet, or too much of it");
  }
  return [sourceAddress];
}

function serialOf({ serial, random }: ByHand): bigint {
  if (serial === null) return makeSerial(random(8));
  const number = /^[1-9]\d{0,19}$/.test(serial) ? BigInt(serial) : 0n;
  if (number < 1n || number > LAST_SERIAL)
    throw wrong(`--serial ${printable(serial, 60)} is no number from 1 to 2^64 - 1`);
  return number;
}

/** As BLESS's, so that the same search finds it in sshd's log; `end` is seconds since the epoch. */
function keyIdOf({ keyId, requestId, publicKey }: ByHand, user: string, ca: Uint8Array | null, end: number): string {
  if (keyId !== null) {
    if (keyId === "" || keyId.length > LONGEST_KEY_ID || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(keyId) || !keyId.isWellFormed()) {
      throw wrong(`--key-id wants one line of at most ${LONGEST_KEY_ID} characters`);
    }
    return keyId;
  }
  const [date, time] = new Date(end * 1000).toISOString().replaceAll("-", "/").split(/[T.]/);
  const signer = ca === null ? "" : sha256Fingerprint(ca);
  return (
    `break-glass for[${plain(user)}] request[${requestId}] ssh_key[${fingerprint(publicKey)}] ` +
    `ca[${signer}] valid_to[${date} ${time}]`
  );
}

function wrong(fact: string): Failure {
  return usage("ca sign", fact);
}
