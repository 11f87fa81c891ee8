// promise: whatever has the shape of a credential is blanked before it is written; what people need to read is not
import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { scrub } from "../../src/terminal/scrub.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { certificates, makeRandom } from "../wire/support.ts";

const ID = "AKIA2E0A8F3B244C9986";
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN = `FwoGZXIvYXdz${randomBytes(200).toString("base64")}`;

const BLANKED: Readonly<Record<string, readonly [string, string]>> = {
  "an access key id": [`could not use ${ID}.`, "could not use ****."],
  "a session's access key id": ["ASIAQ3EGUTZ7XHJ5PQLM", "****"],
  "an access key id with letters behind it": [`${ID}x`, "****x"],
  JSON: [
    `{"SecretAccessKey":"${SECRET}","Expiration":"2026-01-01"}`,
    '{"SecretAccessKey":"****","Expiration":"2026-01-01"}',
  ],
  "JSON with blanks": [`{ "SessionToken" : "short" }`, '{ "SessionToken" : "****" }'],
  "JSON within JSON": [
    `{"message":"{\\"SessionToken\\":\\"short\\"}"}`,
    `{"message":"{\\"SessionToken\\":\\"****\\"}"}`,
  ],
  XML: [`<SecretAccessKey>${SECRET}</SecretAccessKey>`, "<SecretAccessKey>****</SecretAccessKey>"],
  "a query": ["Action=GetSessionToken&TokenCode=123456&Version=1", "Action=GetSessionToken&TokenCode=****&Version=1"],
  "a header": [`X-Amz-Security-Token: ${TOKEN}`, "X-Amz-Security-Token: ****"],
  "an INI file": [`aws_secret_access_key = ${SECRET}`, "aws_secret_access_key = ****"],
  "the environment": [`AWS_SESSION_TOKEN='${TOKEN}'`, "AWS_SESSION_TOKEN='****'"],
  "a kmsauth token": [`"kmsauth_token":"${TOKEN}"`, '"kmsauth_token":"****"'],
  "a token by its length alone": [`refused ${TOKEN} twice`, "refused **** twice"],
};

describe("blanked:", () => {
  for (const [name, [text, expected]] of Object.entries(BLANKED)) {
    test(name, () => expect(scrub(text)).toBe(expected));
  }
  test("private keys of every form, whole or cut", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    for (const type of ["pkcs1", "pkcs8"] as const) {
      const pem = privateKey.export({ format: "pem", type }).toString();
      expect(scrub(`before ${pem} after`)).toMatch(/^before \*\*\*\*\s+after$/);
      expect(scrub(`before ${pem.slice(0, 300)}`)).toBe("before ****");
    }
    expect(scrub("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz")).toBe("****");
  });
  test("a thousand random tokens, wherever they stand and whatever characters they begin with", () => {
    const random = makeRandom("scrub");
    for (let round = 0; round < 1000; round++) {
      const token = Buffer.from(random.bytes(100 + random.below(1200))).toString("base64");
      if (token.startsWith("AAAA")) continue;
      const clean = scrub(`said ${token}, twice: "${token}"`);
      expect(clean).toBe('said ****, twice: "****"');
    }
  });
});

describe("left as it is:", () => {
  const texts = [
    "could not write /home/alice/.ssh/blessid-cert.pub: the disk is full; make room and try again",
    "the key /home/alice/.ssh/id_rsa is encrypted and has no public half beside it",
    "arn:aws:iam::123456789012:mfa/alice",
    "arn:aws:lambda:eu-west-1:123456789012:function:bless:prod",
    "SHA256:TstbLyKcBtTuxRIX1oLTi8fKpJvYXWqHzEKPGMj1Bh8",
    "the session token has ended; run bssh login",
    "2026-11-22T03:02:00Z 4711 stored /home/alice/.ssh/blessid-cert.pub",
    `{"RequestId":"6f1d9a0c-6d4f-4d0b-9c0e-1c7f9a1f9a1f"}`,
    `/a/very/long/path/${"folder-with-a-name/".repeat(12)}file`,
    "AKIA",
    "",
  ];
  for (const text of texts) test(JSON.stringify(text.slice(0, 60)), () => expect(scrub(text)).toBe(text));

  test("public keys and certificates of every size", () => {
    const keys = [
      generateKeyPairSync("ed25519").privateKey,
      generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey,
      ...[2048, 4096].map((modulusLength) => generateKeyPairSync("rsa", { modulusLength }).privateKey),
    ];
    for (const key of keys) {
      const blob = publicBlob(key);
      const type = Buffer.from(blob.subarray(4, 4 + (blob[3] ?? 0))).toString();
      const line = formatPublicKey({ type, blob, comment: "alice@home" });
      expect(scrub(`the CA's key is ${line}`)).toBe(`the CA's key is ${line}`);
    }
    for (const line of certificates.values()) expect(scrub(line)).toBe(line);
    expect(certificates.size).toBeGreaterThan(10);
  });
});
