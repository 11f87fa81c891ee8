import { afterAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { encodeBase64, WireError } from "../../src/wire/bytes.ts";
import { makeOpenSshKey } from "../../src/wire/private-key.ts";
import { privatePartOfJwk, readPrivatePart } from "../../src/wire/private-part.ts";
import { parsePublicKey } from "../../src/wire/public-key.ts";
import { openWorkbench } from "../agent/support.ts";
import { makeAuthorities, makeRandom, sshKeygen } from "./support.ts";

const bench = openWorkbench();
afterAll(() => bench.close());

const KINDS = {
  ed25519: ["-t", "ed25519"],
  rsa: ["-t", "rsa", "-b", "2048"],
  ecdsa256: ["-t", "ecdsa", "-b", "256"],
  ecdsa384: ["-t", "ecdsa", "-b", "384"],
  ecdsa521: ["-t", "ecdsa", "-b", "521"],
} as const;

describe("the private part of a key", () => {
  test("is that of the public key beside it, and the same from OpenSSH's format as from PKCS8", () => {
    for (const [name, words] of Object.entries(KINDS)) {
      const identity = bench.makeKey(name, words);
      const part = readPrivatePart(identity.key);
      expect(part?.publicKey).toEqual(parsePublicKey(identity.publicLine).blob);
      if (name === "ed25519") continue; // ssh-keygen writes it in no other format
      const jwk = createPrivateKey(bench.convert(identity, "PKCS8").key).export({ format: "jwk" });
      expect(privatePartOfJwk(jwk)).toEqual(part);
    }
  });

  test("of an ed25519 key is the same from a JSON Web Key as from the file that is made of it", () => {
    const jwk = makeAuthorities()
      .find(({ name }) => name === "ed25519")
      ?.privateKey.export({ format: "jwk" });
    const part = privatePartOfJwk(jwk ?? {});
    expect(part).not.toBeNull();
    expect(readPrivatePart(makeOpenSshKey(jwk ?? {}, "x"))).toEqual(part);
  });

  test("is not to be had from an encrypted key, another format, or a key that ssh does not know", () => {
    const path = bench.path("encrypted");
    sshKeygen(["-q", "-t", "ed25519", "-a", "1", "-N", "a passphrase", "-f", path]);
    expect(readPrivatePart(bench.makeKey("open").key)).not.toBeNull();
    expect(readPrivatePart(readFileSync(path, "utf8"))).toBeNull();
    expect(readPrivatePart("-----BEGIN PRIVATE KEY-----\n")).toBeNull();
    expect(privatePartOfJwk({ kty: "OKP", crv: "X25519", x: "AA", d: "AA" })).toBeNull();
    expect(privatePartOfJwk({ kty: "EC", crv: "secp256k1", x: "AA", y: "AA", d: "AA" })).toBeNull();
    expect(() => privatePartOfJwk({ kty: "RSA", n: "AA" })).toThrow(WireError);
    expect(() => privatePartOfJwk({ kty: "OKP", crv: "Ed25519", x: "AAAA", d: "AAAA" })).toThrow(WireError);
  });

  test("is refused when its public half is another key's", () => {
    const [one, other] = ["one", "other"].map((name) => bench.makeKey(name));
    const bytes = (file = "") => Uint8Array.fromBase64(file.split("-----")[2] ?? "");
    const mixed = bytes(one?.key);
    // The public half stands at a fixed place in front of the private part.
    mixed.set(bytes(other?.key).slice(62, 94), 62);
    const file = `-----BEGIN OPENSSH PRIVATE KEY-----\n${encodeBase64(mixed)}\n-----END OPENSSH PRIVATE KEY-----\n`;
    expect(() => readPrivatePart(file)).toThrow("the halves of the key do not belong together");
  });

  test("gives WireError, or is still read, when the file is damaged in any place", () => {
    const random = makeRandom("damaged private parts");
    const files = [bench.makeKey("damaged", KINDS.ecdsa256), bench.makeKey("damaged-too")].map(({ key }) => key);
    for (let round = 0; round < 1000; round++) {
      const file = files[round % 2] ?? "";
      const at = 40 + random.below(file.length - 80);
      const damaged = `${file.slice(0, at)}${String.fromCharCode(random.below(128))}${file.slice(at + 1)}`;
      try {
        readPrivatePart(damaged);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
  });
});
