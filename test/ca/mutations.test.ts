// The promise: whatever is sent to the CA, it answers, and it certifies nothing that is invalid. Requests are mutated at random;
// what is valid is judged here by other means than the CA's own. BSSH_MUTATIONS and BSSH_SEED set how many, and which.
import { expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { isIP } from "node:net";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { publicBlob, verifyCertificate } from "../../src/wire/signature.ts";
import { makeToken, makeWorld, NOW, request } from "./world.ts";

const ROUNDS = Number(process.env["BSSH_MUTATIONS"] ?? 10_000);
const SEED = Number(process.env["BSSH_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);

/** mulberry32: small, and the same everywhere. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const HOSTILE: readonly unknown[] = [
  "",
  " ",
  ",",
  "\0",
  "\n",
  "root",
  "alice,root",
  "alice\nroot",
  "*",
  "0.0.0.0/0",
  "::/0",
  "192.0.2.1,0.0.0.0/0",
  "../../etc/passwd",
  "%s%n",
  "𝔞𝔩𝔦𝔠𝔢",
  "alice\u202e",
  "\ud800",
  "a".repeat(100_000),
  "a,".repeat(10_000),
  null,
  true,
  0,
  -1,
  1e308,
  [],
  ["alice"],
  {},
  { toString: "alice" },
  makeToken({ from: "root" }),
  makeToken({ to: "other" }),
  makeToken({ userType: "service" }),
  "ssh-dss AAAAB3NzaC1kc3MAAAAA",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
];
const NAMES = [...Object.keys(request), "caller_identity", "hostnames", "__proto__", "constructor", "remote_username"];

type Random = ReturnType<typeof makeRandom>;

function pick<T>(random: Random, list: readonly T[]): T | undefined {
  return list[random(list.length)];
}

function mutate(event: Record<string, unknown>, random: Random): void {
  const name = pick(random, NAMES) ?? "";
  const value = event[name];
  const kind = random(8);
  if (kind === 0) delete event[name];
  else if (kind <= 2) define(event, name, pick(random, HOSTILE));
  else if (typeof value === "string") define(event, name, mutateText(value, random));
}

/** An own property whatever its name: JSON.parse makes such. */
function define(event: object, name: string, value: unknown): void {
  Object.defineProperty(event, name, { value, enumerable: true, configurable: true, writable: true });
}

function mutateText(text: string, random: Random): string {
  const at = random(text.length + 1);
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + random(4));
    case 1:
      return text.slice(0, at) + String.fromCharCode(random(0x180)) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(32 + random(95)) + text.slice(at + 1);
    case 3:
      return text + text;
    case 4:
      return `${text},${text}`;
    default:
      return flipBits(text, random);
  }
}

/** Changes a byte inside the base64 of a key or a token. */
function flipBits(text: string, random: Random): string {
  const words = text.split(" ");
  const index = words.length > 1 ? 1 : 0;
  const bytes = Buffer.from(words[index] ?? "", "base64");
  if (bytes.length === 0) return text;
  const at = random(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
  words[index] = bytes.toString("base64");
  return words.join(" ");
}

/** Whether a certificate may be given for this: by Node's own readers, not the CA's. */
function mayPass(event: Record<string, unknown>): boolean {
  const text = (name: string): string | null => (typeof event[name] === "string" ? (event[name] as string) : null);
  if (text("bastion_user") !== "alice" || text("remote_usernames") !== "alice") return false;
  const token = text("kmsauth_token");
  if (token === null || !isOwnToken(token)) return false;
  for (const name of ["bastion_ips", "bastion_user_ip"]) {
    const wide = name === "bastion_user_ip";
    if (!(text(name) ?? "").split(",").every((one) => isNetwork(one, wide))) return false;
  }
  return text("command") !== null && isSoundKey(text("public_key_to_sign") ?? "");
}

/** The token of the fake KMS stands in the open: whose, for whom and until when is read from it. */
function isOwnToken(token: string): boolean {
  try {
    const { context, keyId, plaintext } = JSON.parse(Buffer.from(token, "base64").toString());
    const original = JSON.parse(Buffer.from(request.kmsauth_token ?? "", "base64").toString());
    if (!Bun.deepEquals(context, original.context) || keyId !== original.keyId) return false;
    const { not_before, not_after } = JSON.parse(plaintext);
    const [from, to] = [not_before, not_after].map((time: string) =>
      Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z")),
    );
    return from !== undefined && to !== undefined && from <= NOW && NOW <= to && to - from <= 3_600_000;
  } catch {
    return false;
  }
}

function isNetwork(text: string, anyPrefix: boolean): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes("%")) return false;
  const least = anyPrefix ? 0 : family === 4 ? 8 : 16;
  return (
    prefix === undefined ||
    (/^\d+$/.test(prefix) && Number(prefix) >= least && Number(prefix) <= (family === 4 ? 32 : 128))
  );
}

function isSoundKey(line: string): boolean {
  const [type = "", base64 = ""] = line.trim().split(/[ \t]+/);
  const blob = Buffer.from(base64, "base64");
  if (type !== "ssh-ed25519" || blob.length !== 51 || blob.toString("base64") !== base64) return false;
  const jwk = { kty: "OKP", crv: "Ed25519", x: blob.subarray(19).toString("base64url") };
  try {
    return publicBlob(createPublicKey({ key: jwk, format: "jwk" })).toBase64() === base64;
  } catch {
    return false;
  }
}

test(`${ROUNDS} mutated requests (seed ${SEED}): each is answered and logged once, none that is invalid is certified`, async () => {
  const random = makeRandom(SEED);
  const world = makeWorld();
  let certified = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const event: Record<string, unknown> = { ...request };
    for (let count = 1 + random(3); count > 0; count--) mutate(event, random);
    const sent = random(50) === 0 ? pick(random, HOSTILE) : event;
    const answer = await world.ask(sent);
    const about = () => `seed ${SEED}, round ${round}: ${JSON.stringify(sent)?.slice(0, 2000)}`;
    if ("certificate" in answer) {
      certified++;
      if (!mayPass(event)) throw new Error(`certified what is invalid; ${about()}`);
      const certificate = parseCertificate(answer.certificate);
      const sameKey =
        certificate.publicKey.toBase64() ===
        String(event["public_key_to_sign"])
          .trim()
          .split(/[ \t]+/)[1];
      if (!verifyCertificate(certificate) || !sameKey || certificate.principals.join() !== "alice") {
        throw new Error(`another certificate than was asked for; ${about()}`);
      }
    } else if (
      !/^(InputValidation|KMSAuthValidation|Client)Error$/.test(answer.errorType) ||
      answer.errorMessage === ""
    ) {
      throw new Error(`an answer that is neither; ${about()}`);
    }
    if (world.records.length !== 1) throw new Error(`${world.records.length} records; ${about()}`);
    world.records.length = 0;
  }
  expect(certified).toBeGreaterThan(0);
  expect(certified).toBeLessThan(ROUNDS);
}, 1_800_000);
