import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concat, string, text, u32, u64, WireError } from "../../src/wire/bytes.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { type Krl, parseKrl, type SerialRange } from "../../src/wire/krl.ts";
import { encodeKrl } from "../../src/wire/krl-maker.ts";
import { parsePublicKey } from "../../src/wire/public-key.ts";
import { makeRandom, sshKeygen } from "./support.ts";

let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-krl-"));
  for (const name of ["ca", "other-ca", "alice", "bob"]) {
    sshKeygen(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path(name)]);
  }
  certify("ca", "alice", "77", "request[1] for[alice]");
  certify("other-ca", "bob", "77", "request[2] for[bob]");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function certify(ca: string, key: string, serial: string, keyId: string): void {
  sshKeygen(["-q", "-s", path(ca), "-I", keyId, "-n", key, "-z", serial, path(`${key}.pub`)]);
}

const blobOf = (name: string) => parsePublicKey(readFileSync(path(`${name}.pub`), "utf8")).blob;
const certificateOf = (name: string) => parseCertificate(readFileSync(path(`${name}-cert.pub`), "utf8"));
const EMPTY: Krl = {
  version: 3n,
  generated: 1_700_000_000n,
  comment: "of ours",
  certificates: [],
  keys: [],
  sha1: [],
  sha256: [],
};
const one = (serial: bigint): SerialRange => ({ from: serial, to: serial });

/** Which of the certificates and keys ssh-keygen finds revoked in the list. */
function revokedIn(krl: Partial<Krl>): string[] {
  writeFileSync(path("krl"), encodeKrl({ ...EMPTY, ...krl }));
  return ["alice-cert.pub", "bob-cert.pub", "alice.pub", "bob.pub"].filter((name) => {
    const { status, stdout, stderr } = sshKeygen(["-Q", "-f", path("krl"), path(name)]);
    const revoked = stdout.includes("REVOKED");
    expect([status, stderr.replace(/.*REVOKED.*\n/, "")]).toEqual([revoked ? 1 : 0, ""]);
    return revoked;
  });
}

describe("what ssh-keygen finds in a list of ours", () => {
  test("nothing, in an empty one", () => expect(revokedIn({})).toEqual([]));

  test("a serial number, of one CA or of every CA", () => {
    const serials = [one(1n), one(77n), one(0xffff_ffff_ffff_ffffn)];
    expect(revokedIn({ certificates: [{ ca: blobOf("ca"), serials, keyIds: [] }] })).toEqual(["alice-cert.pub"]);
    expect(revokedIn({ certificates: [{ ca: null, serials, keyIds: [] }] })).toEqual([
      "alice-cert.pub",
      "bob-cert.pub",
    ]);
  });

  test("a range to its very ends, and what lies beside it not", () => {
    const found = (from: bigint, to: bigint) =>
      revokedIn({ certificates: [{ ca: blobOf("ca"), serials: [{ from, to }], keyIds: [] }] });
    expect(found(70n, 77n)).toEqual(["alice-cert.pub"]);
    expect(found(77n, 90n)).toEqual(["alice-cert.pub"]);
    expect(found(70n, 76n)).toEqual([]);
    expect(found(78n, 90n)).toEqual([]);
  });

  test("a key id, whole", () => {
    const found = (keyId: string) => revokedIn({ certificates: [{ ca: null, serials: [], keyIds: ["x", keyId] }] });
    expect(found("request[2] for[bob]")).toEqual(["bob-cert.pub"]);
    expect(found("request[2]")).toEqual([]);
  });

  test("a key, and with it its certificates; a CA's key, and with it all that it signed", () => {
    expect(revokedIn({ keys: [blobOf("alice")] })).toEqual(["alice-cert.pub", "alice.pub"]);
    expect(revokedIn({ keys: [blobOf("other-ca")] })).toEqual(["bob-cert.pub"]);
  });

  test("hashes of keys", () => {
    const hash = (kind: string) => ["bob", "ca", "alice"].map((name) => createHash(kind).update(blobOf(name)).digest());
    expect(revokedIn({ sha256: hash("sha256").slice(0, 1) })).toEqual(["bob-cert.pub", "bob.pub"]);
    expect(revokedIn({ sha1: hash("sha1") })).toEqual(["alice-cert.pub", "bob-cert.pub", "alice.pub", "bob.pub"]);
  });

  test("one certificate among a hundred thousand", () => {
    const serials = Array.from({ length: 100_000 }, (_, index) => one(BigInt(index) * 7n + 7n));
    expect(revokedIn({ certificates: [{ ca: null, serials, keyIds: [] }] })).toEqual([
      "alice-cert.pub",
      "bob-cert.pub",
    ]);
    expect(parseKrl(new Uint8Array(readFileSync(path("krl")))).certificates[0]?.serials.length).toBe(100_000);
  });
});

/** The serial numbers of the first part, each for itself. */
function serialsOf(krl: Krl): bigint[] {
  return krl.certificates.flatMap(({ serials }) =>
    serials.flatMap(({ from, to }) =>
      Array.from({ length: Number(to - from) + 1 }, (_, index) => from + BigInt(index)),
    ),
  );
}

/** The list that ssh-keygen makes of these lines. */
function fromKeygen(lines: readonly string[], ca = true): Krl {
  writeFileSync(path("spec"), `${lines.join("\n")}\n`);
  const scope = ca ? ["-s", path("ca.pub")] : [];
  const { status, stderr } = sshKeygen(["-q", "-k", "-f", path("made"), ...scope, "-z", "9", path("spec")]);
  expect([status, stderr]).toEqual([0, ""]);
  return parseKrl(new Uint8Array(readFileSync(path("made"))));
}

describe("lists that ssh-keygen makes are read", () => {
  test("serial numbers as a list, a range and a bitmap", () => {
    expect(serialsOf(fromKeygen(["serial: 5", "serial: 1000000"]))).toEqual([5n, 1_000_000n]);
    expect(fromKeygen(["serial: 5-900000"]).certificates).toEqual([
      { ca: blobOf("ca"), serials: [{ from: 5n, to: 900_000n }], keyIds: [] },
    ]);
    const scattered = [3n, 5n, 8n, 13n, 14n, 15n, 30n, 31n, 60n];
    expect(serialsOf(fromKeygen(scattered.map((serial) => `serial: ${serial}`)))).toEqual(scattered);
    const file = new Uint8Array(readFileSync(path("made")));
    expect(Buffer.from(file).includes(concat(Uint8Array.of(0x22), u32(8 + 4 + 8), u64(3n)))).toBe(true);
  });

  test("key ids, keys, hashes and the header", () => {
    const alice = readFileSync(path("alice.pub"), "utf8").trim();
    const krl = fromKeygen(["id: one of them", "id: another", `key: ${alice}`, `sha1: ${alice}`, `sha256: ${alice}`]);
    expect(krl.version).toBe(9n);
    expect(Math.abs(Number(krl.generated) - Date.now() / 1000)).toBeLessThan(3600);
    expect(krl.certificates[0]?.keyIds.toSorted()).toEqual(["another", "one of them"]);
    expect(krl.keys).toEqual([blobOf("alice")]);
    expect(krl.sha1.map((hash) => hash.toHex())).toEqual([createHash("sha1").update(blobOf("alice")).digest("hex")]);
    expect(krl.sha256.map((hash) => hash.toHex())).toEqual([
      createHash("sha256").update(blobOf("alice")).digest("hex"),
    ]);
  });

  test("a certificate, by its serial number and its CA", () => {
    sshKeygen(["-q", "-k", "-f", path("made"), path("alice-cert.pub")]);
    const krl = parseKrl(new Uint8Array(readFileSync(path("made"))));
    expect(krl.certificates).toEqual([{ ca: certificateOf("alice").signatureKey, serials: [one(77n)], keyIds: [] }]);
  });
});

describe("a list", () => {
  test("is the same after it was written and read, sorted and without doubles", () => {
    const krl: Krl = {
      ...EMPTY,
      certificates: [{ ca: null, serials: [one(4n), one(9n), { from: 2n, to: 5n }, one(9n)], keyIds: ["b", "a", "b"] }],
      keys: [blobOf("alice"), blobOf("alice")],
      sha256: [new Uint8Array(32).fill(9), new Uint8Array(32).fill(1)],
    };
    expect(parseKrl(encodeKrl(krl))).toEqual({
      ...krl,
      certificates: [{ ca: null, serials: [one(9n), { from: 2n, to: 5n }], keyIds: ["a", "b"] }],
      keys: [blobOf("alice")],
      sha256: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(9)],
    });
  });

  test("of what no list can hold is not written", () => {
    const bad: Partial<Krl>[] = [
      { certificates: [{ ca: null, serials: [one(0n)], keyIds: [] }] },
      { certificates: [{ ca: null, serials: [{ from: 3n, to: 2n }], keyIds: [] }] },
      { certificates: [{ ca: null, serials: [one(2n ** 64n)], keyIds: [] }] },
      { certificates: [{ ca: null, serials: [], keyIds: ["a\0b"] }] },
      { certificates: [{ ca: text("no key"), serials: [], keyIds: [] }] },
      { keys: [text("no key")] },
      { sha256: [new Uint8Array(20)] },
    ];
    for (const krl of bad) expect(() => encodeKrl({ ...EMPTY, ...krl })).toThrow(WireError);
  });

  const header = () => encodeKrl(EMPTY);
  const section = (type: number, ...parts: Uint8Array[]) => concat(Uint8Array.of(type), string(concat(...parts)));
  const ofCertificates = (...parts: Uint8Array[]) => section(1, string(new Uint8Array(0)), text(""), ...parts);

  test("with anything wrong in it is refused", () => {
    const none = new Uint8Array(0);
    const wrong: Record<string, Uint8Array> = {
      empty: none,
      "another file": readFileSync(path("alice.pub")),
      "a signature": section(4, text("key")),
      "an unknown section": section(6),
      "an unknown section of certificates": ofCertificates(section(0x24)),
      "serial number 0": ofCertificates(section(0x20, u64(0n))),
      "half a serial number": ofCertificates(section(0x20, u32(7))),
      "a range backwards": ofCertificates(section(0x21, u64(8n), u64(7n))),
      "a range with more": ofCertificates(section(0x21, u64(7n), u64(8n), u64(9n))),
      "a bitmap that is too long": ofCertificates(section(0x22, u64(1n), string(new Uint8Array(5000).fill(1)))),
      "a bitmap over the end": ofCertificates(section(0x22, u64(2n ** 64n - 2n), string(Uint8Array.of(0x0f)))),
      "no key ids": ofCertificates(section(0x23)),
      "a key id with a NUL": ofCertificates(section(0x23, text("a\0b"))),
      "a CA that is no key": section(1, text("ca"), text("")),
      "no keys": section(2),
      "a key that is none": section(2, text("key")),
      "a certificate for a key": section(2, string(certificateOf("alice").signed)),
      "a short hash": section(5, string(new Uint8Array(31))),
      "an extension that must be known": section(255, text("x@y"), Uint8Array.of(1), text("")),
      "an extension of certificates that must be known": ofCertificates(
        section(0x39, text("x@y"), Uint8Array.of(1), text("")),
      ),
    };
    for (const [name, bytes] of Object.entries(wrong)) {
      const list = name === "empty" || name === "another file" ? bytes : concat(header(), bytes);
      expect(() => parseKrl(new Uint8Array(list)), name).toThrow(WireError);
    }
    expect(() => parseKrl(concat(header(), Uint8Array.of(1)))).toThrow(WireError);
    expect(() => parseKrl(new Uint8Array(64 * 1024 * 1024 + 1))).toThrow(WireError);
  });

  test("with an extension that need not be known is read", () => {
    const optional = section(255, text("x@y"), Uint8Array.of(0), text("what it likes"));
    const inside = ofCertificates(section(0x39, text("x@y"), Uint8Array.of(0), text("")), section(0x20, u64(7n)));
    expect(serialsOf(parseKrl(concat(header(), optional, inside)))).toEqual([7n]);
  });

  test("of 20,000 damaged ones is read or refused, never anything else", () => {
    const random = makeRandom("damaged revocation lists");
    const whole = encodeKrl({
      ...EMPTY,
      certificates: [{ ca: blobOf("ca"), serials: [one(7n), { from: 9n, to: 20n }], keyIds: ["one", "two"] }],
      keys: [blobOf("alice")],
      sha1: [new Uint8Array(20)],
      sha256: [new Uint8Array(32)],
    });
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const damaged = whole.slice(0, random.below(4) === 0 ? random.below(whole.length) : whole.length);
      for (let times = random.below(4); times >= 0 && damaged.length > 0; times--) {
        damaged[random.below(damaged.length)] = random.below(256);
      }
      try {
        parseKrl(damaged);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
