import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { parseHostPolicy } from "../../src/ca/host-policy.ts";
import { parseRevocations } from "../../src/ca/revocations.ts";
import { mpint, text } from "../../src/wire/bytes.ts";
import { formatKeyLine } from "../../src/wire/public-key.ts";
import { sha256Fingerprint } from "../../src/wire/signature.ts";
import { vector } from "../wire/support.ts";
import {
  ACCOUNT,
  HOST_A,
  HOST_B,
  hostAuthority,
  hostBlob,
  hostCertificateIn,
  hostLine,
  makeDocument,
  makeHostWorld,
  proofText,
  withDocument,
} from "./host-world.ts";
import { authorityBlob, NOW } from "./world.ts";

const nameA = `${HOST_A}.hosts.example.com`;
const nameB = `${HOST_B}.hosts.example.com`;
const request = { public_key_to_sign: hostLine, caller_identity: proofText() };
const hostB = proofText({ accessKey: "ASIAHOSTBHOSTBHOSTBB" });

describe("a host", () => {
  const refused: [string, Record<string, unknown>, string, string][] = [
    ["asks for another host's name", { hostnames: nameB }, "KMSAuthValidationError", `the name ${nameB}`],
    ["asks for another's beside its own", { hostnames: `${nameA},${nameB}` }, "KMSAuthValidationError", nameB],
    ["asks for another session's name", { hostnames: "web2.example.com" }, "KMSAuthValidationError", "web2"],
    ["asks for a name of nobody's", { hostnames: "bank.example.com" }, "KMSAuthValidationError", "bank"],
    ["asks for the domain", { hostnames: "hosts.example.com" }, "KMSAuthValidationError", "hosts.example.com"],
    ["asks for an address without a document", { hostnames: "10.1.2.3" }, "KMSAuthValidationError", "document"],
    ["asks for another's address", { hostnames: "10.1.2.4", ...withDocument() }, "KMSAuthValidationError", "10.1.2.4"],
    [
      "brings another instance's document",
      withDocument({ instanceId: HOST_B }),
      "KMSAuthValidationError",
      "another instance",
    ],
    [
      "brings another account's document",
      withDocument({ accountId: "999999999999" }),
      "KMSAuthValidationError",
      "another account",
    ],
    [
      "changes its document",
      { ...withDocument(), instance_identity_document: makeDocument({ privateIp: "10.9.9.9" }) },
      "KMSAuthValidationError",
      "no key of AWS",
    ],
    [
      "sends half of the document",
      { instance_identity_document: makeDocument() },
      "InputValidationError",
      "{'instance_identity_signature': ['Missing data for required field.']}",
    ],
    ["sends no proof", { caller_identity: "" }, "InputValidationError", "missing caller identity"],
    [
      "sends a proof for another key",
      { caller_identity: proofText({ publicKey: authorityBlob }) },
      "KMSAuthValidationError",
      "another key",
    ],
    [
      "sends a proof that has expired",
      { caller_identity: proofText({ at: NOW - 301_000 }) },
      "KMSAuthValidationError",
      "expired",
    ],
    [
      "is a person",
      { caller_identity: proofText({ accessKey: "ASIAPERSONPERSONPERS" }) },
      "KMSAuthValidationError",
      "The policy gives this host no name.",
    ],
    [
      "is an IAM user",
      { caller_identity: proofText({ accessKey: "AKIAUSERUSERUSERUSER" }) },
      "KMSAuthValidationError",
      "kmsauth",
    ],
    [
      "is nobody",
      { caller_identity: proofText({ accessKey: "ASIASTRANGERSTRANGER" }) },
      "KMSAuthValidationError",
      "AWS does not confirm",
    ],
  ];
  for (const names of [
    "*",
    "*.hosts.example.com",
    "i-?",
    "!a",
    `${nameA},`,
    ",",
    `${nameA}\n`,
    `${nameA}\0`,
    `${nameA} `,
  ]) {
    refused.push([
      `asks for ${JSON.stringify(names)}`,
      { hostnames: names },
      "InputValidationError",
      "Invalid hostname",
    ]);
  }
  refused.push(
    ["asks for its name twice", { hostnames: `${nameA},${nameA}` }, "InputValidationError", "Duplicate hostname."],
    ["asks for its name in capitals", { hostnames: nameA.toUpperCase() }, "InputValidationError", "lower case"],
    [
      "asks for 10,000 names",
      { hostnames: Array.from({ length: 10_000 }, (_, index) => `h${index}`).join() },
      "InputValidationError",
      "Longer than maximum length",
    ],
    [
      "asks for 257 names",
      { hostnames: Array.from({ length: 257 }, (_, index) => `h${index}`).join() },
      "InputValidationError",
      "More than 256 hostnames.",
    ],
    ["asks for a list", { hostnames: [nameA] }, "InputValidationError", "Not a valid string."],
    ["asks for null", { hostnames: null }, "InputValidationError", "Field may not be null."],
    ["sends what nobody knows", { kmsauth_token: "a" }, "InputValidationError", "{'kmsauth_token': ['Unknown field']}"],
  );
  test.each(refused)("that %s gets nothing, and the log says why", async (_, change, errorType, words) => {
    const { ask, records } = makeHostWorld();
    const answer = await ask({ ...request, ...change });
    if (!("errorType" in answer)) throw new Error("a certificate");
    expect(answer.errorType).toBe(errorType);
    expect(answer.errorMessage).toContain(words);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      decision: "refused",
      kind: "host",
      errorType,
      errorMessage: answer.errorMessage,
    });
  });

  const keys: [string, string][] = [
    ["that is weak", rsaLine(1024, 65537)],
    ["with a bad exponent", rsaLine(2048, 3)],
    [
      "of DSA",
      formatKeyLine(
        "ssh-dss",
        Buffer.concat([text("ssh-dss"), ...[1, 2, 3, 4].map((n) => mpint(Uint8Array.of(n)))]),
        "",
      ),
    ],
    ["that is a certificate", vector("rsa-by-rsa")],
    ["with something behind it", formatKeyLine("ssh-ed25519", Buffer.concat([hostBlob, Uint8Array.of(0)]), "")],
    ["of 1 MB", `ssh-ed25519 ${"A".repeat(1_000_000)}`],
    ["of 1 MB of comment", `${hostLine} ${"a".repeat(1_000_000)}`],
    ["on two lines", `${hostLine}\n${hostLine}`],
    ["that is empty", ""],
    ["that is private", "-----BEGIN OPENSSH PRIVATE KEY-----"],
  ];
  test.each(keys)("with a key %s gets nothing", async (_, line) => {
    const { ask, records, sts } = makeHostWorld();
    expect(await ask({ ...request, public_key_to_sign: line })).toMatchObject({ errorType: "InputValidationError" });
    expect(records).toHaveLength(1);
    expect(sts.asked).toEqual([]);
  });

  test("that is revoked, by its key or its session, gets nothing", async () => {
    const revoke = (kind: string, value: string) =>
      parseRevocations(
        JSON.stringify({ version: 1, revocations: [{ kind, value, at: "2024-01-01T00:00:00Z", reason: "" }] }),
      );
    const byKey = makeHostWorld({ revocations: revoke("key", sha256Fingerprint(hostBlob)) });
    expect(await byKey.ask(request)).toMatchObject({ errorMessage: "The public key is revoked." });
    const byName = makeHostWorld({ revocations: revoke("person", HOST_A) });
    expect(await byName.ask(request)).toMatchObject({ errorMessage: `${HOST_A} is revoked.` });
    hostCertificateIn(await byName.ask({ ...request, caller_identity: hostB }));
  });

  test("gets nothing from a CA without a policy, without a name, or without a certificate of AWS for what needs one", async () => {
    const words = "no policy for hosts";
    expect(await makeHostWorld({ policy: null }).ask(request)).toMatchObject({
      errorMessage: expect.stringContaining(words),
    });
    expect(await makeHostWorld({ audience: "" }).ask(request)).toMatchObject({
      errorMessage: expect.stringContaining(words),
    });
    const required = JSON.stringify({
      rules: [{ account: ACCOUNT, role: "web-server", document: "required", names: ["web1"] }],
    });
    const event = { ...request, ...withDocument() };
    const strict = makeHostWorld({ policy: parseHostPolicy(required) });
    expect(hostCertificateIn(await strict.ask(event)).principals).toEqual(["web1"]);
    expect(await strict.ask(request)).toMatchObject({
      errorMessage: expect.stringContaining("only with an instance identity document"),
    });
    const blind = makeHostWorld({ policy: parseHostPolicy(required), instanceCertificates: [] });
    expect(await blind.ask(event)).toMatchObject({ errorMessage: expect.stringContaining("verified here") });
  });

  test.each([null, 3, "text", [], undefined])("that sends %j gets nothing", async (event) => {
    expect(await makeHostWorld().ask(event)).toMatchObject({ errorMessage: "{'_schema': ['Invalid input type.']}" });
  });

  test("gets nothing when the CA cannot sign", async () => {
    const sign = () => {
      throw new TypeError("secret");
    };
    const { ask, records } = makeHostWorld({}, { signer: { publicBlob: hostAuthority, sign } });
    const { offers: _, ...answer } = await ask(request);
    expect(answer).toEqual({ errorType: "ClientError", errorMessage: "The certificate could not be signed." });
    expect(records[0]).toMatchObject({ decision: "refused", cause: "TypeError" });
    expect(JSON.stringify(records)).not.toContain("secret");
  });
});

/** An rsa key with a modulus of that size. */
function rsaLine(bits: number, exponent: number): string {
  const modulus = generateKeyPairSync("rsa", { modulusLength: bits }).publicKey.export({ format: "jwk" }).n ?? "";
  const e = Uint8Array.of(exponent >> 16, (exponent >> 8) & 0xff, exponent & 0xff);
  const blob = Buffer.concat([text("ssh-rsa"), mpint(e), mpint(Buffer.from(modulus, "base64url"))]);
  return formatKeyLine("ssh-rsa", blob, "");
}
