import { describe, expect, test } from "bun:test";
import { concat, decodeBase64, encodeBase64, string, text, u32, u64, WireError } from "../../src/wire/bytes.ts";
import { FOREVER, parseCertificate } from "../../src/wire/certificate.ts";
import { blobType, parsePublicKey } from "../../src/wire/public-key.ts";
import { signBytes, verifyCertificate } from "../../src/wire/signature.ts";
import { authorities, certificates, makeAuthorities, makeRandom, sshKeygen, vector } from "./support.ts";

function blobOf(line: string): Uint8Array {
  return decodeBase64(line.split(" ")[1] ?? "");
}
function withBlob(line: string, blob: Uint8Array): string {
  return `${line.split(" ")[0]} ${encodeBase64(blob)}`;
}

describe("certificates that ssh-keygen made", () => {
  test("are read and verified, for every kind of key and of CA", () => {
    const pairs = [...certificates].filter(([name]) => name.includes("-by-"));
    expect(pairs.length).toBe(35);
    for (const [name, line] of pairs) {
      const [key, ca] = name.split("-by-");
      const certificate = parseCertificate(line);
      expect(verifyCertificate(certificate), name).toBe(true);
      expect(certificate.keyId).toBe(`key id of ${key}`);
      expect(certificate.kind).toBe("user");
      expect(certificate.serial).toBe(4711n);
      expect(certificate.principals).toEqual(["alice", "root"]);
      expect(certificate.validAfter).toBe(BigInt(Date.UTC(2024, 0, 1) / 1000));
      expect(certificate.validBefore).toBe(BigInt(Date.UTC(2024, 0, 1, 0, 30) / 1000));
      expect([...certificate.criticalOptions]).toEqual([]);
      expect([...certificate.extensions.keys()]).toEqual([
        "permit-X11-forwarding",
        "permit-agent-forwarding",
        "permit-port-forwarding",
        "permit-pty",
        "permit-user-rc",
      ]);
      expect(certificate.signatureKey).toEqual(parsePublicKey(authorities.get(ca ?? "") ?? "").blob);
      expect(certificate.nonce.length).toBe(32);
      expect(certificate.comment).toBe(name);
    }
  });

  test("name the plain key that they certify", () => {
    for (const name of ["rsa", "ed25519", "ecdsa521", "sked25519"]) {
      const { publicKey } = parseCertificate(vector(`${name}-by-rsa`));
      const line = `${blobType(publicKey)} ${encodeBase64(publicKey)}\n`;
      const own = sshKeygen(["-l", "-f", "-"], line).stdout.split(" ")[1];
      const theirs = sshKeygen(["-l", "-f", "-"], `${vector(`${name}-by-rsa`)}\n`).stdout.split(" ")[1];
      expect(own).toStartWith("SHA256:");
      expect(own).toBe(theirs);
    }
  });

  test("keep every kind of option", () => {
    const { criticalOptions, extensions } = parseCertificate(vector("options"));
    expect([...criticalOptions]).toEqual([
      ["flag@example.org", ""],
      ["force-command", "echo hi"],
      ["source-address", "192.0.2.0/24,2001:db8::/32"],
    ]);
    expect([...extensions]).toEqual([
      ["login@example.org", "alice"],
      ["no-touch-required", ""],
      ["permit-pty", ""],
    ]);
  });

  test("may be for a host, for nobody, or for ever", () => {
    expect(parseCertificate(vector("host"))).toMatchObject({ kind: "host", principals: ["web1.example.org", "web1"] });
    expect(parseCertificate(vector("forever"))).toMatchObject({ validAfter: 0n, validBefore: FOREVER });
    const nobody = parseCertificate(vector("nobody"));
    expect(nobody).toMatchObject({ principals: [], serial: 2n ** 64n - 1n, keyId: "nobody [é]" });
  });

  test("say with which hash an rsa CA signed them", () => {
    expect(parseCertificate(vector("sha1")).signatureType).toBe("ssh-rsa");
    expect(parseCertificate(vector("sha256")).signatureType).toBe("rsa-sha2-256");
    expect(parseCertificate(vector("ed25519-by-rsa")).signatureType).toBe("rsa-sha2-512");
    for (const name of ["sha1", "sha256"]) expect(verifyCertificate(parseCertificate(vector(name)))).toBe(true);
  });
});

describe("the line around a certificate", () => {
  const line = vector("ed25519-by-ed25519").replace(/ ed25519-by-ed25519$/, "");

  test("may have a comment with spaces and ends of line behind it", () => {
    expect(parseCertificate(`${line} a b  c \r\n\n`).comment).toBe("a b  c");
    expect(parseCertificate(`${line}\n`).comment).toBe("");
  });

  test("is refused when it is two lines, too long, or says another type", () => {
    for (const wrong of [
      `${line}\n${line}`,
      `${line} ${"x".repeat(16 * 1024)}`,
      line.replace("ssh-ed25519", "ssh-rsa"),
      line.replace("-v01", "-v00"),
      line.replace("-cert-v01@openssh.com", ""),
      line.replace("ssh-ed25519", "toString"),
      line.slice(0, -1),
      `${line}=`,
      line.replace(" ", ""),
      "",
    ]) {
      expect(() => parseCertificate(wrong)).toThrow(WireError);
    }
  });
});

describe("a forged certificate", () => {
  test("with another name in it does not verify", () => {
    for (const ca of authorities.keys()) {
      const line = vector(`ed25519-by-${ca}`);
      const blob = blobOf(line);
      const at = Buffer.from(blob).indexOf("alice");
      blob.set(new TextEncoder().encode("admin"), at);
      const forged = parseCertificate(withBlob(line, blob));
      expect(forged.principals).toEqual(["admin", "root"]);
      expect(verifyCertificate(forged)).toBe(false);
    }
  });

  test("with bytes behind its end is refused", () => {
    const line = vector("ed25519-by-ed25519");
    const more = concat(blobOf(line), Uint8Array.of(0));
    expect(() => parseCertificate(withBlob(line, more))).toThrow("trailing bytes");
  });

  test("with bytes behind its signature's end does not verify", () => {
    for (const ca of authorities.keys()) {
      const certificate = parseCertificate(vector(`ed25519-by-${ca}`));
      const signature = concat(certificate.signature, Uint8Array.of(0));
      expect(verifyCertificate({ ...certificate, signature })).toBe(false);
    }
  });

  test("with another CA's signature type does not verify", () => {
    const rsa = parseCertificate(vector("ed25519-by-rsa"));
    const signature = concat(text("rsa-sha2-256"), rsa.signature.subarray(4 + "rsa-sha2-512".length));
    expect(verifyCertificate({ ...rsa, signature })).toBe(false);
    const ed25519 = parseCertificate(vector("ed25519-by-ed25519"));
    expect(verifyCertificate({ ...rsa, signature: ed25519.signature })).toBe(false);
    expect(verifyCertificate({ ...ed25519, signature: rsa.signature })).toBe(false);
  });
});

describe("a certificate that its CA signed, but that breaks the rules of the format", () => {
  const [, ca] = makeAuthorities();
  if (ca === undefined) throw new Error("no CA");
  const { privateKey, blob } = ca;
  const none = new Uint8Array(0);
  const option = (name: string): Uint8Array => concat(text(name), text(""));
  const type = "ssh-ed25519-cert-v01@openssh.com";

  type Oddity = Partial<Record<"key" | "critical" | "extensions" | "principals" | "reserved" | "ca", Uint8Array>>;
  function signed(odd: Oddity, kind = 1): string {
    const key = string(new Uint8Array(32));
    const bytes = concat(
      text(type),
      string(new Uint8Array(32)),
      odd.key ?? key,
      u64(1n),
      u32(kind),
      text("id"),
      string(odd.principals ?? text("alice")),
      u64(0n),
      u64(1n),
      string(odd.critical ?? none),
      string(odd.extensions ?? none),
      string(odd.reserved ?? none),
      string(odd.ca ?? blob),
    );
    return `${type} ${encodeBase64(concat(bytes, string(signBytes(privateKey, bytes))))}`;
  }

  test("is well when it breaks none", () => {
    expect(verifyCertificate(parseCertificate(signed({})))).toBe(true);
    expect(parseCertificate(signed({}, 2)).kind).toBe("host");
  });

  test("is refused for options out of order, or twice", () => {
    const unordered = concat(option("permit-pty"), option("permit-agent-forwarding"));
    const twice = concat(option("permit-pty"), option("permit-pty"));
    for (const options of [unordered, twice]) {
      expect(() => parseCertificate(signed({ critical: options }))).toThrow("not sorted");
      expect(() => parseCertificate(signed({ extensions: options }))).toThrow("not sorted");
    }
  });

  test("is refused for a critical option whose value is no text, and keeps such an extension as hexadecimal", () => {
    const odd = concat(text("odd"), string(Uint8Array.of(1, 2, 3)));
    expect(() => parseCertificate(signed({ critical: odd }))).toThrow(WireError);
    expect(parseCertificate(signed({ extensions: odd })).extensions.get("odd")).toBe("0x010203");
  });

  test("is refused for a reserved field, another kind, too many principals, a short key, a CA that is no plain key", () => {
    const many = concat(...Array.from({ length: 257 }, () => text("a")));
    const anotherCertificate = blobOf(vector("ed25519-by-ed25519"));
    for (const wrong of [
      signed({ reserved: Uint8Array.of(0) }),
      signed({}, 0),
      signed({}, 3),
      signed({ principals: many }),
      signed({ key: string(new Uint8Array(31)) }),
      signed({ ca: concat(blob, Uint8Array.of(0)) }),
      signed({ ca: anotherCertificate }),
      signed({ ca: none }),
    ]) {
      expect(() => parseCertificate(wrong)).toThrow(WireError);
    }
  });
});

test("whatever bytes of a certificate are changed, cut or added: WireError, or it does not verify", () => {
  const random = makeRandom("damaged certificates");
  const lines = [...certificates.values()];
  for (let round = 0; round < 4000; round++) {
    const line = lines[random.below(lines.length)] ?? "";
    const original = blobOf(line);
    let blob: Uint8Array = original.slice();
    const way = random.below(4);
    if (way === 0) blob = blob.subarray(0, random.below(blob.length));
    if (way === 1) {
      const at = random.below(blob.length);
      blob = concat(blob.subarray(0, at), random.bytes(1 + random.below(8)), blob.subarray(at));
    }
    if (way === 2) {
      const at = random.below(blob.length);
      blob = concat(blob.subarray(0, at), blob.subarray(at + 1 + random.below(8)));
    }
    for (let changes = random.below(4); changes > 0 && blob.length > 0; changes--) {
      blob[random.below(blob.length)] = random.below(256);
    }
    if (Buffer.compare(blob, original) === 0) continue;
    try {
      const verified = verifyCertificate(parseCertificate(withBlob(line, blob)));
      expect(verified, `${withBlob(line, blob)}`).toBe(false);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
});

test("random text where a certificate belongs gives WireError and nothing else", () => {
  const random = makeRandom("random lines");
  for (let round = 0; round < 2000; round++) {
    const characters = Array.from(random.bytes(random.below(200)), (byte) => String.fromCodePoint(byte * 7));
    const line = `${random.below(2) === 0 ? "ssh-ed25519-cert-v01@openssh.com " : ""}${characters.join("")}`;
    expect(() => parseCertificate(line)).toThrow(WireError);
  }
});
