import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { keyValue, type Revocation } from "../../src/ca/revocation-entry.ts";
import {
  addRevocations,
  formatRevocations,
  krlOf,
  MAX_LIST,
  pruneRevocations,
  type RevocationList,
} from "../../src/ca/revocation-list.ts";
import { MAX_REVOCATIONS, NO_REVOCATIONS, parseRevocations } from "../../src/ca/revocations.ts";
import { parseKrl } from "../../src/wire/krl.ts";
import { encodeKrl } from "../../src/wire/krl-maker.ts";
import { publicBlob, sha256Fingerprint } from "../../src/wire/signature.ts";

const blob = () => publicBlob(generateKeyPairSync("ed25519").publicKey);
const [laptop, stolen, other, ca] = [blob(), blob(), blob(), blob()];
const AT = "2024-05-06T07:08:09Z";
const entry = (kind: Revocation["kind"], value: string): Revocation => ({ kind, value, at: AT, reason: "lost" });
const listOf = (list: readonly Revocation[], caKeys: readonly string[] = []): RevocationList => ({ list, caKeys });
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
    expect(parseRevocations(formatRevocations(listOf(list))).list).toEqual(list);
    expect(formatRevocations(listOf(list)).split("\n").length).toBe(list.length + 3);
    expect(parseRevocations(formatRevocations(NO_REVOCATIONS)).list).toEqual([]);
  });

  test("knows keys by their line and by their fingerprint, and people whatever the case", () => {
    const { isRevokedKey, isRevokedPerson } = parseRevocations(formatRevocations(listOf(list)));
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
      [{ ...good, until: "soon" }],
      [{ ...good, ca: [] }],
      [{ ...good, ca: "SHA256:x" }],
      [{ ...good, ca: [sha256Fingerprint(ca)] }],
      [{ ...entry("person", "alice"), until: AT }],
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
      expect(() => parseRevocations(file(entries)).list, JSON.stringify(entries).slice(0, 99)).toThrow(/revocation/);
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
    expect(addRevocations(listOf(list), again).after.list).toEqual(list);
    const twice = addRevocations(listOf(list), [entry("serial", "78"), entry("serial", "78")]);
    expect(twice.after.list).toEqual([...list, entry("serial", "78")]);
    expect(twice.isNew).toEqual([true, false]);
    expect(() => addRevocations(listOf(list), [entry("serial", "0")])).toThrow("serial number");
  });

  test("of the largest size is read, and becomes a list for sshd", () => {
    const most = Array.from({ length: MAX_REVOCATIONS }, (_, index) => entry("serial", `${index * 3 + 1}`));
    const text = formatRevocations(listOf(most));
    expect(text.length).toBeLessThan(MAX_LIST);
    expect(parseKrl(encodeKrl(krlOf(parseRevocations(text)))).certificates[0]?.serials.length).toBe(MAX_REVOCATIONS);
    expect(() => addRevocations(listOf(most), [entry("serial", "2")])).toThrow(`more than ${MAX_REVOCATIONS}`);
  });

  test("tells at once of keys and people that are wrong, and of the rest when the list is looked at", () => {
    for (const wrong of [
      entry("key", `${keyValue(laptop)} comment`),
      entry("key", keyValue(laptop).replace(/.$/, "_")),
      entry("key", "ssh-ed25519 AAAA="),
      entry("person", " alice"),
      { ...entry("person", "alice"), value: 7 },
      { ...entry("serial", "7"), kind: "serials" },
      null,
    ]) {
      expect(() => parseRevocations(file([wrong])), JSON.stringify(wrong)).toThrow(/revocation 1 /);
    }
    const lazy = parseRevocations(file([entry("serial", "x"), entry("key", keyValue(laptop))]));
    expect(lazy.isRevokedKey(laptop)).toBe(true);
    expect(() => lazy.list).toThrow("revocation 1 is no serial number");
  });

  test("finds a key of every kind by the one way in which its line can be written", () => {
    for (const size of [51, 52, 53]) {
      const padded = new Uint8Array(size).fill(0xff);
      const line = `x ${padded.toBase64()}`;
      expect(parseRevocations(file([entry("key", line)])).isRevokedKey(padded)).toBe(true);
      // The same bytes to a reader that does not look at the last bits.
      const other = line.replace(/.(?==*$)/, (last) =>
        last === "/" ? "+" : String.fromCharCode(last.charCodeAt(0) + 1),
      );
      if (size !== 51) expect(() => parseRevocations(file([entry("key", other)]))).toThrow("revocation 1");
    }
  });
});

describe("the list for sshd", () => {
  test("has serial numbers and key ids for each CA, keys and fingerprints for all, and nobody's name", () => {
    const cas = [ca, other].map(sha256Fingerprint);
    const forBoth = list.map((one) => (/^(serial|key-id)$/.test(one.kind) ? { ...one, ca: cas } : one));
    const scoped = parseRevocations(formatRevocations(listOf(forBoth, [ca, other].map(keyValue))));
    const krl = krlOf(scoped);
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
    expect(krlOf(listOf(list)).certificates.map((part) => part.ca)).toEqual([null]);
    expect(encodeKrl(krlOf(listOf(list)))).toEqual(encodeKrl(krlOf(listOf([...list]))));
    expect(krlOf({ list: [], caKeys: [keyValue(ca)] })).toMatchObject({
      version: 0n,
      generated: 0n,
      certificates: [],
      keys: [],
    });
  });

  test("is never narrowed: what is revoked again is so for more CAs and longer, or as it was", () => {
    const [one, two] = [ca, other].map(sha256Fingerprint) as [string, string];
    const serial = (more: Partial<Revocation>) => ({ ...entry("serial", "5"), ...more });
    const add = (old: Partial<Revocation>, newer: Partial<Revocation>) => {
      const { list } = addRevocations(listOf([serial(old)]), [serial(newer)]).after;
      const { ca, until } = list[0] ?? entry("serial", "5");
      return [list.length, ca, until];
    };
    expect(add({ ca: [one] }, { ca: [two] })).toEqual([1, [one, two], undefined]);
    expect(add({ ca: [one] }, {})).toEqual([1, undefined, undefined]);
    expect(add({}, { ca: [one] })).toEqual([1, undefined, undefined]);
    const [soon, late] = ["2024-05-06T08:00:00Z", "2024-05-06T09:00:00Z"];
    expect(add({ until: late }, { until: soon })).toEqual([1, undefined, late]);
    expect(add({ until: soon }, { until: late })).toEqual([1, undefined, late]);
    expect(add({ until: soon }, {})).toEqual([1, undefined, undefined]);
    expect(add({}, { until: soon })).toEqual([1, undefined, undefined]);
  });

  test("loses a certificate a day after its end, and nothing whose end is not known", () => {
    const end = Date.parse("2024-05-06T08:00:00Z");
    const ending = { ...entry("serial", "5"), until: "2024-05-06T08:00:00Z" };
    const whole = listOf([...list, ending]);
    expect(pruneRevocations(whole, end + 86_400_000 - 1)).toBe(whole);
    expect(pruneRevocations(whole, end + 86_400_000).list).toEqual(list);
  });
});
