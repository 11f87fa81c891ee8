import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import {
  addRevocations,
  formatRevocations,
  keyValue,
  krlOf,
  MAX_REVOCATIONS,
  NO_REVOCATIONS,
  parseRevocations,
  type Revocation,
} from "../../src/ca/revocations.ts";
import { parseKrl } from "../../src/wire/krl.ts";
import { encodeKrl } from "../../src/wire/krl-maker.ts";
import { publicBlob, sha256Fingerprint } from "../../src/wire/signature.ts";

const blob = () => publicBlob(generateKeyPairSync("ed25519").publicKey);
const [laptop, stolen, other, ca] = [blob(), blob(), blob(), blob()];
const AT = "2024-05-06T07:08:09Z";
const entry = (kind: Revocation["kind"], value: string): Revocation => ({ kind, value, at: AT, reason: "lost" });
const list = [
  entry("serial", "77"),
  entry("serial", "18446744073709551615"),
  entry("key", keyValue(laptop)),
  entry("key", sha256Fingerprint(stolen)),
  entry("key-id", 'request[1] for[alice] "é"'),
  entry("person", "Mallory@Example.com"),
];
const file = (entries: unknown) => JSON.stringify({ version: 1, revocations: entries });

describe("revocations.json", () => {
  test("is the same after it was written and read, with an entry on each line", () => {
    expect(parseRevocations(formatRevocations(list)).list).toEqual(list);
    expect(formatRevocations(list).split("\n").length).toBe(list.length + 3);
    expect(parseRevocations(formatRevocations([])).list).toEqual([]);
  });

  test("knows keys by their line and by their fingerprint, and people whatever the case", () => {
    const { isRevokedKey, isRevokedPerson } = parseRevocations(formatRevocations(list));
    expect([laptop, stolen, other].map(isRevokedKey)).toEqual([true, true, false]);
    expect(["Mallory@Example.com", "mallory@example.com", "mallory", ""].map(isRevokedPerson)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(NO_REVOCATIONS.isRevokedKey(laptop)).toBe(false);
    expect(NO_REVOCATIONS.isRevokedPerson("mallory")).toBe(false);
  });

  test("with anything wrong in it is refused as a whole", () => {
    const good = entry("serial", "77");
    const wrong: unknown[] = [
      [good, { ...good, more: 1 }],
      [{ kind: "serial", value: "77", at: AT }],
      [{ ...good, kind: "serial number" }],
      [{ ...good, kind: "__proto__" }],
      [{ ...good, value: 77 }],
      ...["0", "077", "-1", "1e3", "18446744073709551616", "", "0x4d", "7 "].map((value) => [{ ...good, value }]),
      ...["2024-05-06", "yesterday", "2024-05-06T07:08:09+01:00", "2024-13-06T07:08:09Z", 7].map((at) => [
        { ...good, at },
      ]),
      [{ ...good, reason: "a\nb" }],
      [{ ...good, reason: "x".repeat(501) }],
      ...["", "SHA256:short", "ssh-ed25519 AAAA", `${keyValue(laptop)} comment`, `SHA256:${"!".repeat(43)}`].map(
        (value) => [entry("key", value)],
      ),
      [entry("key-id", "")],
      [entry("key-id", "a\0b")],
      [entry("key-id", "x".repeat(4097))],
      [entry("person", "al\nice")],
      [entry("person", " alice")],
      [null],
      ["77"],
      {},
      null,
      new Array(MAX_REVOCATIONS + 1).fill(good),
    ];
    for (const entries of wrong)
      expect(() => parseRevocations(file(entries)), JSON.stringify(entries).slice(0, 99)).toThrow(/revocation/);
    for (const text of ["", "[]", "null", '{"version":2,"revocations":[]}', '{"version":1}', file([]).slice(1)]) {
      expect(() => parseRevocations(text)).toThrow(/revocations/);
    }
  });

  test("takes what is there already only once, in whatever words it is said", () => {
    const again = [
      entry("key", sha256Fingerprint(laptop)),
      entry("key", keyValue(stolen)),
      entry("person", "MALLORY@example.com"),
      { ...entry("serial", "77"), at: "2025-01-01T00:00:00Z", reason: "again" },
    ];
    expect(addRevocations(list, again)).toEqual(list);
    expect(addRevocations(list, [entry("serial", "78"), entry("serial", "78")])).toEqual([
      ...list,
      entry("serial", "78"),
    ]);
    expect(() => addRevocations(list, [entry("serial", "0")])).toThrow("serial number");
  });

  test("of the largest size is read, and becomes a list for sshd", () => {
    const most = Array.from({ length: MAX_REVOCATIONS }, (_, index) => entry("serial", `${index * 3 + 1}`));
    const { list: read } = parseRevocations(formatRevocations(most));
    expect(parseKrl(encodeKrl(krlOf({ list: read }, []))).certificates[0]?.serials.length).toBe(MAX_REVOCATIONS);
    expect(() => addRevocations(most, [entry("serial", "2")])).toThrow("more than 100000");
  });
});

describe("the list for sshd", () => {
  test("has serial numbers and key ids for each CA, keys and fingerprints for all, and nobody's name", () => {
    const krl = krlOf({ list }, [ca, other]);
    expect(krl.certificates.map((part) => part.ca)).toEqual([ca, other]);
    expect(krl.certificates[0]).toEqual({
      ca,
      serials: [
        { from: 77n, to: 77n },
        { from: 0xffff_ffff_ffff_ffffn, to: 0xffff_ffff_ffff_ffffn },
      ],
      keyIds: ['request[1] for[alice] "é"'],
    });
    expect(krl.keys).toEqual([laptop]);
    expect(krl.sha256.map((hash) => `SHA256:${hash.toBase64({ omitPadding: true })}`)).toEqual([
      sha256Fingerprint(stolen),
    ]);
    expect(Buffer.from(encodeKrl(krl)).toString("latin1").toLowerCase()).not.toContain("mallory");
  });

  test("is for every CA when none is named, and the same for the same revocations", () => {
    expect(krlOf({ list }, []).certificates.map((part) => part.ca)).toEqual([null]);
    expect(encodeKrl(krlOf({ list }, []))).toEqual(encodeKrl(krlOf({ list: [...list] }, [])));
    expect(krlOf(NO_REVOCATIONS, [ca])).toMatchObject({ version: 0n, generated: 0n, certificates: [], keys: [] });
  });
});
