import { describe, expect, test } from "bun:test";
import {
  concat,
  decodeBase64,
  encodeBase64,
  makeReader,
  mpint,
  string,
  text,
  u32,
  u64,
  WireError,
} from "../../src/wire/bytes.ts";
import { makeRandom } from "./support.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("the reader", () => {
  test("reads back what the encoders write", () => {
    const reader = makeReader(
      concat(bytes(7), u32(4_000_000_000), u64(2n ** 64n - 1n), string(bytes(1, 2)), text("é"), mpint(bytes(0, 0x80))),
    );
    expect(reader.u8()).toBe(7);
    expect(reader.u32()).toBe(4_000_000_000);
    expect(reader.u64()).toBe(2n ** 64n - 1n);
    expect(reader.string()).toEqual(bytes(1, 2));
    expect(reader.text()).toBe("é");
    expect(reader.left()).toBe(6);
    expect(reader.mpint()).toEqual(bytes(0x80));
    expect(reader.left()).toBe(0);
    reader.end("it");
  });

  test("works on a view into larger memory", () => {
    const reader = makeReader(concat(bytes(9, 9), text("inside"), bytes(9)).subarray(2, 12));
    expect(reader.text()).toBe("inside");
    expect(reader.rest()).toEqual(bytes());
  });

  test("throws WireError when a value is short, whatever its kind", () => {
    for (const kind of ["u8", "u32", "u64", "string", "text", "mpint"] as const) {
      expect(() => makeReader(bytes())[kind]()).toThrow(WireError);
    }
    expect(() => makeReader(bytes(0, 0, 0)).u32()).toThrow(WireError);
    expect(() => makeReader(bytes(0, 0, 0, 2, 65)).string()).toThrow(WireError);
    expect(() => makeReader(bytes(255, 255, 255, 255, 65)).string()).toThrow(WireError);
  });

  test("refuses text that is not UTF-8 or holds a NUL", () => {
    expect(() => makeReader(string(bytes(0xff))).text()).toThrow(WireError);
    expect(() => makeReader(string(bytes(0xc0, 0x80))).text()).toThrow(WireError);
    expect(() => makeReader(text("a\0b")).text()).toThrow(WireError);
  });

  test("keeps a byte order mark, which is part of the text", () => {
    expect(makeReader(text("\ufeffa")).text()).toBe("\ufeffa");
  });

  test("refuses negative and endless numbers", () => {
    expect(() => makeReader(string(bytes(0x80))).mpint()).toThrow(WireError);
    expect(() => makeReader(string(new Uint8Array(2049).fill(1))).mpint()).toThrow(WireError);
  });

  test("says what has trailing bytes", () => {
    expect(() => makeReader(bytes(1)).end("the letter")).toThrow("the letter has trailing bytes");
  });
});

describe("the encoders", () => {
  test("refuse numbers out of range", () => {
    for (const wrong of [-1, 2 ** 32, 0.5, Number.NaN]) expect(() => u32(wrong)).toThrow(WireError);
    for (const wrong of [-1n, 2n ** 64n]) expect(() => u64(wrong)).toThrow(WireError);
  });

  test("write numbers as RFC 4251 shows them", () => {
    expect(mpint(bytes())).toEqual(bytes(0, 0, 0, 0));
    expect(mpint(bytes(0, 0))).toEqual(bytes(0, 0, 0, 0));
    expect(mpint(bytes(0x80))).toEqual(bytes(0, 0, 0, 2, 0, 0x80));
    expect(mpint(bytes(0, 0x09, 0xa3))).toEqual(bytes(0, 0, 0, 2, 0x09, 0xa3));
  });
});

describe("base64", () => {
  test("comes back as it went, for any bytes", () => {
    const random = makeRandom("base64");
    for (let round = 0; round < 300; round++) {
      const value = random.bytes(random.below(100));
      expect(decodeBase64(encodeBase64(value))).toEqual(value);
    }
  });

  test("is refused in any other spelling", () => {
    for (const wrong of [
      "A",
      "AA",
      "AAA",
      "AB==",
      "AA=",
      "AA==AA==",
      "A A=",
      "AA==\n",
      "-_-_",
      "AAA!",
      "ÄÄÄÄ",
      "====",
    ]) {
      expect(() => decodeBase64(wrong)).toThrow(WireError);
    }
  });
});
