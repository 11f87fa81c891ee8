// The promise: each of these gets BLESS's error type, a sentence that says what is wrong, one line in the audit log, and no
// certificate. Hosts have theirs in host-refusals.test.ts.
import { describe, expect, test } from "bun:test";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { parseRevocations } from "../../src/ca/revocations.ts";
import { concat, mpint, string, text, u32 } from "../../src/wire/bytes.ts";
import { encodeProof } from "../../src/wire/caller-identity.ts";
import { formatValidity } from "../../src/wire/kmsauth.ts";
import { formatKeyLine, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint } from "../../src/wire/signature.ts";
import { vector } from "../wire/support.ts";
import { makeProof, makeSts, proofText } from "./host-world.ts";
import { kmsauth, MINUTE, makeToken, makeWorld, NOW, personLine, request } from "./world.ts";

type ErrorType = "InputValidationError" | "KMSAuthValidationError";
type Refused = readonly [what: string, fields: Record<string, unknown>, errorType: ErrorType, says: string | RegExp];

const blob = parsePublicKey(personLine).blob;
const otherBlob = publicBlob(generateKeyPairSync("ed25519").publicKey);
const otherLine = formatKeyLine("ssh-ed25519", otherBlob, "");
const bound = makeToken({ publicKey: sha256Fingerprint(blob) });
const between = (from: number, to: number) => makeToken({ plaintext: formatValidity(NOW + from, NOW + to) });

async function isRefused(
  world: ReturnType<typeof makeWorld>,
  event: unknown,
  errorType: string,
  says: string | RegExp,
): Promise<void> {
  const answer = await world.ask(event);
  expect(answer).not.toHaveProperty("certificate");
  expect(answer).toMatchObject({ errorType });
  if ("errorMessage" in answer) expect(answer.errorMessage).toMatch(says);
  expect(world.records).toHaveLength(1);
  expect(world.records[0]).toMatchObject({ event: "decision", decision: "refused", kind: "user", errorType });
  const line = JSON.stringify(world.records[0]);
  expect(line.length).toBeLessThan(40_000);
  expect(line).not.toContain("\n");
  expect(world.records[0]).not.toHaveProperty("serial");
}

describe("a kmsauth token that", () => {
  const general = "Authentication error. General error.";
  const tokens: Refused[] = [
    [
      "is forged: no ciphertext of KMS's",
      { kmsauth_token: randomBytes(300).toString("base64") },
      "KMSAuthValidationError",
      general,
    ],
    [
      "is forged: under a key of the asker's",
      { kmsauth_token: makeToken({ keyId: "arn:aws:kms:eu-west-1:999999999999:key/own" }) },
      "KMSAuthValidationError",
      "wrong KMS key",
    ],
    [
      "has expired",
      { kmsauth_token: between(-61 * MINUTE, -1 * MINUTE) },
      "KMSAuthValidationError",
      "Invalid time validity",
    ],
    [
      "is from the future",
      { kmsauth_token: between(1 * MINUTE, 61 * MINUTE) },
      "KMSAuthValidationError",
      "Invalid time validity",
    ],
    ["lasts too long", { kmsauth_token: between(-MINUTE, 60 * MINUTE) }, "KMSAuthValidationError", "lifetime exceeded"],
    [
      "lasts for thirty days and an hour, which python-kmsauth takes for one hour",
      { kmsauth_token: between(-MINUTE, (30 * 24 * 60 + 59) * MINUTE) },
      "KMSAuthValidationError",
      "lifetime exceeded",
    ],
    [
      "was stolen and is replayed for another key",
      { kmsauth_token: bound, public_key_to_sign: otherLine },
      "KMSAuthValidationError",
      general,
    ],
    ["is somebody else's", { kmsauth_token: makeToken({ from: "mallory" }) }, "KMSAuthValidationError", general],
    ["is for another service", { kmsauth_token: makeToken({ to: "other" }) }, "KMSAuthValidationError", general],
    ["is a service's", { kmsauth_token: makeToken({ userType: "service" }) }, "KMSAuthValidationError", general],
    [
      "is of version 1, which binds no user type",
      { kmsauth_token: makeToken({ version: 1 }) },
      "KMSAuthValidationError",
      general,
    ],
    ["is missing", { kmsauth_token: undefined }, "InputValidationError", "kmsauth"],
    ["is empty", { kmsauth_token: "" }, "InputValidationError", "missing kmsauth token"],
    ["is 1 MB", { kmsauth_token: "A".repeat(1_000_000) }, "InputValidationError", "Longer than maximum length"],
  ];
  test.each(tokens)("%s", async (_, fields, errorType, says) => {
    const event: Record<string, unknown> = { ...request, ...fields };
    if (event["kmsauth_token"] === undefined) delete event["kmsauth_token"];
    await isRefused(makeWorld(), event, errorType, says);
  });
  test("was replayed as it is, where the CA wants it bound to the key", async () => {
    const world = makeWorld({ kmsauth: { ...kmsauth, bindPublicKey: "require" } });
    await isRefused(world, request, "KMSAuthValidationError", "must be bound to the public key");
  });
});

describe("a name that", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `u${index}`).join();
  const names: Refused[] = [
    [
      "is somebody else's",
      { bastion_user: "root", remote_usernames: "root" },
      "KMSAuthValidationError",
      "General error",
    ],
    [
      "is somebody else's beside one's own",
      { remote_usernames: "alice,root" },
      "KMSAuthValidationError",
      "must be the same as bastion_user",
    ],
    ["holds a comma", { bastion_user: "alice,root" }, "InputValidationError", "invalid characters"],
    ["holds a line break", { remote_usernames: "alice\nroot" }, "InputValidationError", "invalid characters"],
    ["holds a NUL", { remote_usernames: "alice\0" }, "InputValidationError", "invalid characters"],
    ["ends with a line break", { bastion_user: "alice\n" }, "InputValidationError", "invalid characters"],
    ["is empty", { remote_usernames: "" }, "InputValidationError", "remote_usernames"],
    ["is a star", { bastion_user: "*" }, "InputValidationError", "invalid characters"],
    ["is 10,000 names", { remote_usernames: many }, "InputValidationError", "Longer than maximum length 2048"],
    ["is a list and no text", { remote_usernames: ["alice"] }, "InputValidationError", "Not a valid string"],
    ["turns the reading direction", { bastion_user: "alice\u202e" }, "InputValidationError", "invalid characters"],
    ["looks like another", { bastion_user: "аlice" }, "InputValidationError", "invalid characters"],
  ];
  test.each(names)("%s", async (_, fields, errorType, says) => {
    await isRefused(makeWorld(), { ...request, ...fields }, errorType, says);
  });
  test("is 10,000 names in as few characters as they take", async () => {
    const world = makeWorld({ remoteUsernamesAllowed: ["*"], remoteUsernamesValidation: "disabled" });
    const list = Array.from({ length: 1000 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join();
    await isRefused(world, { ...request, remote_usernames: list }, "InputValidationError", "More than 256 principals");
  });
});

describe("a key that", () => {
  const rsa = (bits: number, publicExponent = 65537) =>
    publicBlob(generateKeyPairSync("rsa", { modulusLength: bits, publicExponent }).publicKey);
  const line = (type: string, bytes: Uint8Array) => formatKeyLine(type, bytes, "");
  const odd = concat(
    text("ssh-rsa"),
    mpint(Uint8Array.of(1)),
    mpint(randomBytes(256).fill(0xff, 0, 1).fill(0x01, 255)),
  );
  const dsa = concat(text("ssh-dss"), ...[128, 20, 128, 128].map((size) => mpint(randomBytes(size).fill(0x7f, 0, 1))));
  const keys: Refused[] = [
    [
      "has 1024 bits",
      { public_key_to_sign: line("ssh-rsa", rsa(1024)) },
      "InputValidationError",
      "Unsafe RSA public key",
    ],
    [
      "has 2047 bits",
      { public_key_to_sign: line("ssh-rsa", rsa(2047)) },
      "InputValidationError",
      "Unsafe RSA public key",
    ],
    [
      "has the exponent 3",
      { public_key_to_sign: line("ssh-rsa", rsa(2048, 3)) },
      "InputValidationError",
      "Unsafe RSA public key",
    ],
    [
      "has the exponent 1",
      { public_key_to_sign: line("ssh-rsa", odd) },
      "InputValidationError",
      "Unsafe RSA public key",
    ],
    ["is of DSA", { public_key_to_sign: line("ssh-dss", dsa) }, "InputValidationError", "Invalid SSH Public Key"],
    [
      "is a certificate",
      { public_key_to_sign: vector("ed25519-by-ed25519") },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
    [
      "has trailing data",
      { public_key_to_sign: line("ssh-ed25519", concat(blob, u32(0))) },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
    [
      "has a string behind it",
      { public_key_to_sign: line("ssh-ed25519", concat(blob, string(randomBytes(64)))) },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
    [
      "has 1 MB behind it",
      { public_key_to_sign: line("ssh-ed25519", concat(blob, new Uint8Array(1_000_000))) },
      "InputValidationError",
      "Longer than maximum length",
    ],
    [
      "has a comment of 1 MB",
      { public_key_to_sign: `${personLine} ${"x".repeat(1_000_000)}` },
      "InputValidationError",
      "Longer than maximum length",
    ],
    [
      "comes with a second line",
      { public_key_to_sign: `${personLine}\n${otherLine}` },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
    [
      "has options in front",
      { public_key_to_sign: `cert-authority ${personLine}` },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
    [
      "is a private one",
      { public_key_to_sign: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n" },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
    [
      "is a digest of one",
      { public_key_to_sign: createHash("sha256").update(blob).digest("base64") },
      "InputValidationError",
      "Invalid SSH Public Key",
    ],
  ];
  test.each(keys)("%s", async (_, fields, errorType, says) => {
    await isRefused(makeWorld(), { ...request, ...fields }, errorType, says);
  });
});

describe("a signed identity that", () => {
  const accessKey = "ASIAPERSONPERSONPERS";
  const rules = {
    audience: "bless-production",
    accounts: ["123456789012"],
    roles: ["AWSReservedSSO_*"],
    domain: "example.com",
  };
  const proof = (change: Parameters<typeof makeProof>[0] = {}) => proofText({ accessKey, publicKey: blob, ...change });
  const cases: [string, string, string][] = [
    ["is of another key to be signed", proof({ publicKey: otherBlob }), "for another key"],
    ["is for another CA", proof({ audience: "other" }), "for another CA"],
    ["has expired", proof({ at: NOW - 6 * MINUTE }), "expired"],
    ["is from the future", proof({ at: NOW + 2 * MINUTE }), "future"],
    ["is an IAM user's, of whom STS tells no second factor", proof({ accessKey: "AKIAUSERUSERUSERUSER" }), "kmsauth"],
    ["is of a role that anybody may name the session of", proof({ accessKey: "ASIAHOSTAHOSTAHOSTAA" }), "role"],
    ["AWS does not know", proof({ accessKey: "ASIANOBODYNOBODYNOBO" }), "AWS does not confirm"],
    [
      "sends a header that is not signed",
      encodeProof({
        ...makeProof({ accessKey, publicKey: blob, authorization: (good) => good.replace("x-bssh-audience;", "") }),
      }),
      "headers",
    ],
    ["is no proof at all", "AAAA", "cannot be read"],
  ];
  const settings = { kmsauth: null, callerIdentity: { ...rules, name: "local-part" as const } };
  const { kmsauth_token: _, ...event } = request;

  test.each(cases)("%s", async (_, caller_identity, says) => {
    const world = makeWorld(settings, { callerIdentity: makeSts().ask });
    await isRefused(world, { ...event, caller_identity }, "KMSAuthValidationError", says);
  });
  test("is somebody else's", async () => {
    const world = makeWorld(settings, { callerIdentity: makeSts().ask });
    const bob = { ...event, bastion_user: "bob", remote_usernames: "bob", caller_identity: proof() };
    await isRefused(world, bob, "KMSAuthValidationError", "not bastion_user's");
  });
  test("AWS can't be asked about now is no refusal: another region may do", async () => {
    const callerIdentity = () => Promise.reject(Object.assign(new Error("no answer"), { name: "TimeoutError" }));
    const world = makeWorld(settings, { callerIdentity });
    await isRefused(world, { ...event, caller_identity: proof() }, "ClientError", "AWS did not say");
  });
  test("is revoked by its session's name, whatever bastion_user is made of it", async () => {
    const entry = { kind: "person", value: "alice@example.com", at: "2024-05-01T00:00:00Z", reason: "" };
    const revocations = parseRevocations(JSON.stringify({ version: 1, revocations: [entry] }));
    const world = makeWorld({ ...settings, revocations }, { callerIdentity: makeSts().ask });
    await isRefused(
      world,
      { ...event, caller_identity: proof() },
      "KMSAuthValidationError",
      "alice@example.com is revoked",
    );
  });
  test("gives no groups of the IAM user who happens to have that name", async () => {
    const grouped = { ...settings, remoteUsernamesAllowed: ["*"], groups: { nameFormat: "ssh-{}" } };
    const world = makeWorld(grouped, { callerIdentity: makeSts().ask, groupsOf: async () => ["ssh-root"] });
    const asRoot = { ...event, remote_usernames: "root", caller_identity: proof() };
    await isRefused(world, asRoot, "KMSAuthValidationError", "not in the ssh-root iam group");
  });
  test("is missing", async () => {
    await isRefused(makeWorld(settings), event, "InputValidationError", "missing caller identity");
  });
  test("is good serves, so that those above are refused for what they say", async () => {
    const world = makeWorld(settings, { callerIdentity: makeSts().ask });
    expect(await world.ask({ ...event, caller_identity: proof() })).toHaveProperty("certificate");
    expect(world.records).toMatchObject([{ decision: "granted", proof: "caller-identity", user: "alice" }]);
    expect(await world.offers(event)).toEqual(["caller-identity"]);
  });
});
