import { describe, expect, test } from "bun:test";
import { WireError } from "../../src/wire/bytes.ts";
import {
  formatKmsauthUser,
  formatValidity,
  kmsauthContext,
  parseKmsauthUser,
  parseValidity,
} from "../../src/wire/kmsauth.ts";

describe("a kmsauth token", () => {
  test("is bound to whom it is from, whom it is for, and the kind of user", () => {
    expect(kmsauthContext({ from: "alice", to: "bless-production", userType: "user" })).toEqual({
      from: "alice",
      to: "bless-production",
      user_type: "user",
    });
  });

  test("has its validity written as python-kmsauth writes it", () => {
    const from = Date.UTC(2024, 1, 29, 23, 59, 58, 999);
    expect(formatValidity(from, from + 3_600_000)).toBe(
      '{"not_before":"20240229T235958Z","not_after":"20240301T005958Z"}',
    );
  });

  test("is read with or without spaces in its JSON, as text or bytes", () => {
    const written = '{"not_before": "20240229T235958Z", "not_after": "20240301T005958Z"}';
    const validity = { notBefore: Date.UTC(2024, 1, 29, 23, 59, 58), notAfter: Date.UTC(2024, 2, 1, 0, 59, 58) };
    expect(parseValidity(written)).toEqual(validity);
    expect(parseValidity(new TextEncoder().encode(written))).toEqual(validity);
  });

  test("is refused with WireError when it has not exactly such times", () => {
    const good = "20240229T235958Z";
    for (const wrong of [
      "20230229T235958Z",
      "20241301T000000Z",
      "20240101T240000Z",
      "2024-01-01T00:00:00Z",
      "",
      5,
      null,
    ]) {
      expect(() => parseValidity(JSON.stringify({ not_before: wrong, not_after: good }))).toThrow(WireError);
      expect(() => parseValidity(JSON.stringify({ not_before: good, not_after: wrong }))).toThrow(WireError);
    }
    for (const wrong of ["", "{", "null", "[]", '"text"', "{}", `${" ".repeat(2000)}{}`]) {
      expect(() => parseValidity(wrong)).toThrow(WireError);
    }
    expect(() => parseValidity(Uint8Array.of(0xff))).toThrow(WireError);
    expect(() => formatValidity(Number.NaN, 0)).toThrow(WireError);
    expect(() => formatValidity(0, 1e20)).toThrow(WireError);
  });
});

describe("a kmsauth user", () => {
  test("is written and read in version 2, and read in version 1", () => {
    expect(formatKmsauthUser("user", "alice")).toBe("2/user/alice");
    expect(parseKmsauthUser("2/user/alice@example.org")).toEqual({
      version: 2,
      userType: "user",
      name: "alice@example.org",
    });
    expect(parseKmsauthUser("web")).toEqual({ version: 1, userType: "service", name: "web" });
  });

  test("is refused with WireError in other forms", () => {
    for (const wrong of ["", "/", "2/user/", "2//alice", "3/user/alice", "2/user/a/b", "x".repeat(600)]) {
      expect(() => parseKmsauthUser(wrong)).toThrow(WireError);
    }
  });
});
