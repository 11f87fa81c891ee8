import { describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { CaAws } from "../../src/ca/aws.ts";
import { ecdsaFromDer } from "../../src/ca/ecdsa.ts";
import { openKmsKey } from "../../src/ca/kms-key.ts";
import { publicBlob, verifyBytes } from "../../src/wire/signature.ts";
import { makeAuthorities, makeRandom } from "../wire/support.ts";

type Asked = { algorithm: string; messageType: string; length: number };

/** KMS as it would be with that key: it hashes nothing that is a digest already, which node:crypto can't. */
function fakeKms(key: KeyObject, message: Uint8Array, change = (signature: Uint8Array) => signature) {
  const asked: Asked[] = [];
  const aws: Pick<CaAws, "sign" | "publicKey"> = {
    publicKey: async () => createPublicKey(key).export({ format: "der", type: "spki" }),
    sign: async (_keyId, algorithm, bytes, messageType) => {
      asked.push({ algorithm, messageType, length: bytes.length });
      const hash = algorithm.startsWith("ED25519") ? null : `sha${algorithm.slice(-3)}`;
      return change(sign(hash, message, key));
    },
  };
  return { aws, asked };
}

const ASKED: Readonly<Record<string, Asked>> = {
  rsa: { algorithm: "RSASSA_PKCS1_V1_5_SHA_512", messageType: "DIGEST", length: 64 },
  ed25519: { algorithm: "ED25519_SHA_512", messageType: "RAW", length: 3000 },
  ecdsa256: { algorithm: "ECDSA_SHA_256", messageType: "DIGEST", length: 32 },
  ecdsa384: { algorithm: "ECDSA_SHA_384", messageType: "DIGEST", length: 48 },
  ecdsa521: { algorithm: "ECDSA_SHA_512", messageType: "DIGEST", length: 64 },
};

describe("a key inside KMS", () => {
  const message = new Uint8Array(3000).fill(7);
  for (const { name, privateKey, blob } of makeAuthorities()) {
    test(`signs in ssh's form: ${name}`, async () => {
      const { aws, asked } = fakeKms(privateKey, message);
      const signer = await openKmsKey(aws, "key");
      expect(signer.publicBlob).toEqual(blob);
      for (let round = 0; round < 8; round++) {
        expect(verifyBytes(blob, message, await signer.sign(message))).toBe(true);
      }
      expect(asked[0]).toEqual(ASKED[name] as Asked);
    });
    test(`gives no signature that is not one by it: ${name}`, async () => {
      const cut = await openKmsKey(fakeKms(privateKey, message, (bytes) => bytes.subarray(1)).aws, "key");
      await expect(cut.sign(message)).rejects.toThrow();
      const other = await openKmsKey(fakeKms(privateKey, new Uint8Array(1)).aws, "key");
      await expect(other.sign(message)).rejects.toThrow("no signature by its key");
    });
  }

  test("of Ed25519 says when the certificate is too long for it", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const signer = await openKmsKey(fakeKms(privateKey, message).aws, "key");
    await expect(signer.sign(new Uint8Array(4097))).rejects.toThrow("4096 bytes at most");
  });

  test("is refused when ssh has no use for it", async () => {
    const { privateKey: other } = generateKeyPairSync("x25519");
    await expect(openKmsKey(fakeKms(other, message).aws, "k")).rejects.toThrow("ssh does not know");
    const secp256k1 = { ...fakeKms(other, message).aws, publicKey: async () => Buffer.from(SECP256K1, "base64") };
    await expect(openKmsKey(secp256k1, "k")).rejects.toThrow("ssh does not know");
    const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
    await expect(openKmsKey(fakeKms(small, message).aws, "k")).rejects.toThrow("less than 2048 bits");
    const garbage = { ...fakeKms(small, message).aws, publicKey: async () => new Uint8Array(5) };
    await expect(openKmsKey(garbage, "k")).rejects.toThrow("ssh does not know");
  });
});

/** `openssl ecparam -name secp256k1 -genkey | openssl ec -pubout`, which Bun cannot make. */
const SECP256K1 =
  "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAExHb7i2NGrSU6zOExFAgccU5eMe1qn+tv3B/bSCUWSBUIzcBuVzp+czxsLB2bNmL6rnowuyoYnxCQEtiWlCIJng==";

describe("a DER signature", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
  const der = new Uint8Array(sign("sha512", new Uint8Array(3), privateKey));
  test("is read strictly", () => {
    const good = ecdsaFromDer(der);
    expect(good.length).toBeGreaterThan(130);
    const r = Uint8Array.of(0x02, 1, 5);
    const sequence = (...bytes: number[]) => Uint8Array.of(0x30, bytes.length, ...bytes);
    expect(ecdsaFromDer(sequence(...r, ...r))).toEqual(Uint8Array.of(0, 0, 0, 1, 5, 0, 0, 0, 1, 5));
    const bad = [
      der.subarray(0, -1),
      Uint8Array.of(...der, 0),
      sequence(...r),
      sequence(...r, ...r, ...r),
      sequence(...r, 0x02, 2, 0, 5),
      sequence(...r, 0x02, 1, 0x85),
      sequence(...r, 0x02, 0),
      sequence(...r, 0x04, 1, 5),
      Uint8Array.of(0x30, 0x81, 6, ...r, ...r),
      new Uint8Array(0),
    ];
    for (const bytes of bad) expect(() => ecdsaFromDer(bytes)).toThrow("not DER");
  });
  test("that is changed is refused or another one, never a crash", () => {
    const random = makeRandom("der");
    const own = publicBlob(privateKey);
    for (let round = 0; round < 3000; round++) {
      const changed = Uint8Array.from(der);
      changed[random.below(der.length)] = random.below(256);
      try {
        expect(ecdsaFromDer(changed).length).toBeLessThan(200);
      } catch (error) {
        expect((error as Error).message).toBe("a signature that is not DER");
      }
    }
    expect(own.length).toBe(172);
  });
});
