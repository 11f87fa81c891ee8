import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bunzip2 } from "../../src/ca/bzip2.ts";
import { openKeyFile } from "../../src/ca/key-file.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { makeCertificate } from "../../src/wire/certificate-maker.ts";
import { parsePublicKey } from "../../src/wire/public-key.ts";
import { verifyCertificate } from "../../src/wire/signature.ts";
import { makeRandom, sshKeygen } from "../wire/support.ts";
import { authorityBlob } from "./world.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-key-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SECRET = "a passphrase, ÄÖ";

/** A key of ssh-keygen's and the blob of its public half. */
function make(name: string, words: readonly string[], passphrase: string): { file: Uint8Array; blob: Uint8Array } {
  const path = join(folder, name);
  const { status, stderr } = sshKeygen(["-q", ...words, "-N", passphrase, "-a", "2", "-C", "ca key", "-f", path]);
  if (status !== 0) throw new Error(stderr);
  return {
    file: new Uint8Array(readFileSync(path)),
    blob: parsePublicKey(readFileSync(`${path}.pub`, "utf8")).blob,
  };
}

async function certifies(file: Uint8Array, blob: Uint8Array, passphrase: string | null): Promise<boolean> {
  const signer = await openKeyFile(file, passphrase === null ? null : new TextEncoder().encode(passphrase));
  expect(signer.publicBlob).toEqual(blob);
  const line = await makeCertificate(
    {
      publicKey: authorityBlob,
      kind: "user",
      serial: 1n,
      keyId: "x",
      principals: ["alice"],
      validAfter: 1n,
      validBefore: 2n,
      criticalOptions: new Map(),
      extensions: new Map(),
      nonce: new Uint8Array(32),
    },
    signer,
  );
  return verifyCertificate(parseCertificate(line)) && sshKeygen(["-L", "-f", "-"], `${line}\n`).status === 0;
}

const TYPES = [
  ["rsa", "2048"],
  ["ecdsa", "256"],
  ["ecdsa", "384"],
  ["ecdsa", "521"],
  ["ed25519", "256"],
] as const;

describe("a key that ssh-keygen made", () => {
  for (const [type, bits] of TYPES) {
    // ssh-keygen writes ed25519 in no format but its own.
    for (const format of type === "ed25519" ? ["RFC4716"] : ["RFC4716", "PEM", "PKCS8"]) {
      for (const passphrase of [null, SECRET]) {
        const what = `${type} ${bits} in ${format}${passphrase === null ? "" : " with a passphrase"}`;
        test(`signs certificates: ${what}`, async () => {
          const { file, blob } = make(
            what.replace(/\W/g, "-"),
            ["-t", type, "-b", bits, "-m", format],
            passphrase ?? "",
          );
          expect(await certifies(file, blob, passphrase)).toBe(true);
          if (passphrase === null) return;
          for (const other of [null, new Uint8Array(0), new TextEncoder().encode("wrong")]) {
            await expect(openKeyFile(file, other)).rejects.toThrow(
              /^the CA's key (cannot be opened|needs its passphrase)/,
            );
          }
        });
      }
    }
  }
  for (const cipher of [
    "aes128-ctr",
    "aes192-ctr",
    "aes256-cbc",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "3des-cbc",
  ]) {
    test(`is opened under ${cipher}, and not when a byte of it is another`, async () => {
      const { file, blob } = make(cipher.replace(/\W/g, "-"), ["-t", "ed25519", "-Z", cipher], SECRET);
      expect(await certifies(file, blob, SECRET)).toBe(true);
      const broken = Uint8Array.from(file);
      // In the encrypted part, which is the second half.
      const at = Math.floor(0.6 * file.length);
      broken[at] = broken[at] === 0x41 ? 0x42 : 0x41;
      const opened = openKeyFile(broken, new TextEncoder().encode(SECRET)).then(
        (signer) => verifyOwn(signer.publicBlob, blob),
        () => "refused",
      );
      if (/gcm|poly1305/.test(cipher)) expect(await opened).toBe("refused");
      else expect(["refused", "same"]).toContain(await opened);
    });
  }
});

function verifyOwn(left: Uint8Array, right: Uint8Array): string {
  return left.toHex() === right.toHex() ? "same" : "another";
}

test("a broken file is refused in whatever way it is broken, with an Error that quotes nothing", async () => {
  const random = makeRandom("key-file");
  const { file } = make("mutated", ["-t", "ed25519"], "");
  for (let round = 0; round < 2000; round++) {
    const broken = Uint8Array.from(file);
    const at = random.below(broken.length);
    if (random.below(4) === 0) broken.fill(random.below(256), at, at + 1 + random.below(40));
    else broken[at] = random.below(256);
    const cut = random.below(10) === 0 ? broken.subarray(0, random.below(broken.length)) : broken;
    try {
      await openKeyFile(cut, null);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message.length).toBeLessThan(120);
    }
  }
  await expect(openKeyFile(new Uint8Array(70_000), null)).rejects.toThrow("64 KiB");
});

describe("bzip2", () => {
  function compress(bytes: Uint8Array, level: number): Uint8Array {
    return new Uint8Array(Bun.spawnSync(["bzip2", `-${level}`, "-c"], { stdin: bytes }).stdout);
  }
  test("is decompressed as bzip2 compressed it", () => {
    const random = makeRandom("bzip2");
    const texts = [
      new Uint8Array(0),
      Uint8Array.of(7),
      new Uint8Array(60_000).fill(65),
      random.bytes(20_000),
      Uint8Array.from({ length: 30_000 }, () => random.below(3)),
      Uint8Array.from({ length: 9000 }, (_, at) => (at % 300 < 259 ? 66 : at)),
    ];
    for (const bytes of texts) {
      expect(bunzip2(compress(bytes, 1 + random.below(9)), 64 * 1024)).toEqual(bytes);
    }
  });
  test("that is cut or too much is refused; that is broken gives nothing else", () => {
    const random = makeRandom("bzip2 broken");
    const bytes = random.bytes(500);
    const packed = compress(bytes, 9);
    for (let round = 0; round < 500; round++) {
      const at = random.below(packed.length - 1);
      expect(() => bunzip2(packed.subarray(0, at), 1024)).toThrow("not bzip2");
      const broken = Uint8Array.from(packed);
      broken[at] = (broken[at] ?? 0) ^ (1 << random.below(8));
      try {
        // Such as another block size, of which nothing hangs here.
        expect(bunzip2(broken, 1024)).toEqual(bytes);
      } catch (error) {
        expect((error as Error).message).toBe("not bzip2, or broken");
      }
    }
    expect(() => bunzip2(compress(new Uint8Array(5000), 9), 4999)).toThrow("not bzip2");
  });
});
