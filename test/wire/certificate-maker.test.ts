import { describe, expect, test } from "bun:test";
import { createHash, sign as cryptoSign, generateKeyPairSync } from "node:crypto";
import { concat, string, text, u32, WireError } from "../../src/wire/bytes.ts";
import { FOREVER, parseCertificate } from "../../src/wire/certificate.ts";
import { type CertificateOrder, type CertificateSigner, makeCertificate } from "../../src/wire/certificate-maker.ts";
import { signBytes, verifyCertificate } from "../../src/wire/signature.ts";
import { type Authority, makeAuthorities, makeRandom, sshKeygen, vector } from "./support.ts";

const subjects = ["rsa", "ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "sked25519", "skecdsa256"].map(
  (name) => parseCertificate(vector(`${name}-by-rsa`)).publicKey,
);

function order(publicKey: Uint8Array): CertificateOrder {
  return {
    publicKey,
    kind: "user",
    serial: FOREVER,
    keyId: "request[1] é",
    principals: ["alice", "x@y"],
    validAfter: 1_700_000_000n,
    validBefore: 1_700_000_240n,
    criticalOptions: new Map([
      ["source-address", "192.0.2.1/32"],
      ["force-command", "echo hi"],
    ]),
    extensions: new Map([
      ["permit-pty", ""],
      ["login@example.org", "alice"],
    ]),
    nonce: crypto.getRandomValues(new Uint8Array(32)),
  };
}

function signer({ blob, privateKey }: Authority): CertificateSigner {
  return { publicBlob: blob, sign: (bytes) => signBytes(privateKey, bytes) };
}

const ed25519 = subjects[1] ?? new Uint8Array(0);

describe("makeCertificate", () => {
  test("makes what ssh-keygen -L reads and verifies, for every kind of key and of CA", async () => {
    const lines: string[] = [];
    for (const ca of makeAuthorities()) {
      for (const subject of subjects) lines.push(await makeCertificate(order(subject), signer(ca)));
    }
    const { status, stdout } = sshKeygen(["-L", "-f", "-"], `${lines.join("\n")}\n`);
    expect(status).toBe(0);
    expect(stdout.match(/Serial: 18446744073709551615/g)?.length).toBe(35);
    expect(stdout.match(/force-command echo hi\n\s+source-address 192\.0\.2\.1\/32/g)?.length).toBe(35);
    expect(stdout.match(/using rsa-sha2-512/g)?.length).toBe(7);
  });

  test("signs for a host, for ever, with RSA and SHA-256, and with a comment", async () => {
    const [rsa] = makeAuthorities();
    if (rsa === undefined) throw new Error("no CA");
    const line = await makeCertificate(
      { ...order(ed25519), kind: "host", validAfter: 0n, validBefore: FOREVER, comment: "web1\nsecond line" },
      { publicBlob: rsa.blob, sign: async (bytes) => signBytes(rsa.privateKey, bytes, "rsa-sha2-256") },
    );
    expect(line).toEndWith(" web1 second line");
    const { stdout } = sshKeygen(["-L", "-f", "-"], `${line}\n`);
    expect(stdout).toContain("host certificate");
    expect(stdout).toContain("Valid: forever");
    expect(stdout).toContain("using rsa-sha2-256");
  });

  test("gives back, when it is read again, what was ordered: whatever the texts", async () => {
    const random = makeRandom("ordered certificates");
    const [, ca] = makeAuthorities();
    if (ca === undefined) throw new Error("no CA");
    const word = (): string =>
      Array.from(random.bytes(1 + random.below(20)), (byte) => String.fromCodePoint(0x20 + byte * 5)).join("");
    const words = (): string[] => Array.from({ length: random.below(5) }, word);
    for (let round = 0; round < 200; round++) {
      const wanted: CertificateOrder = {
        ...order(subjects[random.below(subjects.length)] ?? ed25519),
        keyId: word(),
        principals: words(),
        criticalOptions: new Map(words().map((name) => [name, word()])),
        extensions: new Map(words().map((name) => [name, ""])),
      };
      const made = parseCertificate(await makeCertificate(wanted, signer(ca)));
      expect(made).toMatchObject({ keyId: wanted.keyId, principals: wanted.principals, publicKey: wanted.publicKey });
      expect(new Map(made.criticalOptions)).toEqual(new Map(wanted.criticalOptions));
      expect(new Map(made.extensions)).toEqual(new Map(wanted.extensions));
    }
  });

  test("refuses orders that no ssh would accept", async () => {
    const [, ca] = makeAuthorities();
    if (ca === undefined) throw new Error("no CA");
    const wrong: Partial<CertificateOrder>[] = [
      { publicKey: new Uint8Array(3) },
      { nonce: new Uint8Array(8) },
      { validBefore: 1n },
      { serial: -1n },
      { principals: Array.from({ length: 257 }, (_, index) => `p${index}`) },
      { principals: ["a\0b"] },
      { keyId: "x".repeat(20_000) },
    ];
    for (const part of wrong) {
      await expect(makeCertificate({ ...order(ed25519), ...part }, signer(ca))).rejects.toThrow(WireError);
    }
  });

  test("lets no certificate out that its signer did not really sign, or signed with SHA-1", async () => {
    const [rsa, other] = makeAuthorities();
    if (rsa === undefined || other === undefined) throw new Error("no CA");
    const sha1 = (bytes: Uint8Array): Uint8Array =>
      concat(text("ssh-rsa"), string(cryptoSign("sha1", bytes, rsa.privateKey)));
    const wrong: CertificateSigner[] = [
      { publicBlob: rsa.blob, sign: sha1 },
      { publicBlob: other.blob, sign: (bytes) => signBytes(other.privateKey, bytes.subarray(1)) },
      { publicBlob: rsa.blob, sign: (bytes) => signBytes(other.privateKey, bytes) },
      { publicBlob: rsa.blob, sign: () => new Uint8Array(0) },
    ];
    for (const one of wrong) await expect(makeCertificate(order(ed25519), one)).rejects.toThrow(WireError);
  });
});

test("certificates of a CA on a security key verify as ssh-keygen verifies them", async () => {
  const application = text("ssh:");
  const hash = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const point = Uint8Array.fromBase64(publicKey.export({ format: "jwk" }).x ?? "", { alphabet: "base64url" });
  const type = text("sk-ssh-ed25519@openssh.com");
  const touched = concat(Uint8Array.of(1), u32(7));
  const line = await makeCertificate(order(ed25519), {
    publicBlob: concat(type, string(point), application),
    sign(bytes) {
      const message = concat(hash(new TextEncoder().encode("ssh:")), touched, hash(bytes));
      return concat(type, string(cryptoSign(null, message, privateKey)), touched);
    },
  });
  expect(sshKeygen(["-L", "-f", "-"], `${line}\n`)).toMatchObject({ status: 0 });

  const certificate = parseCertificate(line);
  const counterChanged = certificate.signature.slice();
  counterChanged[counterChanged.length - 1] = 8;
  expect(verifyCertificate({ ...certificate, signature: counterChanged })).toBe(false);
});
