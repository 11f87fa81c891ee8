import { describe, expect, test } from "bun:test";
import { compileDomain, domainOf, patternsOf } from "../../src/config/domain.ts";
import { hostTest } from "../../src/config/host-test.ts";
import vectors from "../vectors/domain.json";
import { failureOf, load, USER } from "./support.ts";

type Vector = readonly [pattern: string, host: string, expected: boolean];

describe("a domain pattern", () => {
  for (const set of ["matches", "random"] as const) {
    test(`matches what Python's re.match matches (${set})`, () => {
      const byPattern = Map.groupBy(vectors[set] as unknown as Vector[], ([pattern]) => pattern);
      const wrong = [...byPattern].flatMap(([pattern, triples]) => {
        const isOurs = compileDomain(pattern);
        return triples.filter(([, host, expected]) => isOurs(host) !== expected);
      });
      expect(wrong).toEqual([]);
      expect(vectors[set].length).toBeGreaterThan(200);
    });
  }

  test("is refused when Python refuses it or it cannot be translated", () => {
    for (const [pattern = ""] of vectors.refused) {
      const failure = failureOf(() => compileDomain(pattern));
      expect(failure.status).toBe(78);
      expect(failure.message).toMatch(/^domain_regex holds .* \(character \d+\)$/s);
      expect(failure.next).not.toBe("");
    }
  });

  test.each([
    ["a++", "a possessive repeat"],
    ["(?>a)", "an atomic group"],
    ["(a)?(?(1)b|c)", "a conditional group"],
    ["(?a)\\w", "the flag a"],
    ["\\101", "an octal escape"],
    ["\\N{DIGIT ONE}", "a character by its Unicode name"],
    ["web\\z", "\\z, which Python does not know"],
    ["web(?i)", "flags for the whole pattern that do not stand at its start"],
    ["(a)?\\1", "a reference to a group that may not have matched"],
    ["(?<=a+)b", "a look-behind without a fixed width"],
  ])("names the construct that it refuses: %s", (pattern, construct) => {
    expect(failureOf(() => compileDomain(pattern)).message).toContain(construct);
  });

  test("never matches a host longer than ssh's own limit", () => {
    const isOurs = compileDomain(".*\\.example\\.com");
    expect(isOurs(`${"a".repeat(1025 - 12)}.example.com`)).toBe(true);
    expect(isOurs(`${"a".repeat(1026 - 12)}.example.com`)).toBe(false);
  });

  test("that is nested without end is refused", () => {
    expect(failureOf(() => compileDomain("(".repeat(8000))).message).toContain("groups inside each other");
  });

  test("that repeats beyond all measure still answers", () => {
    const isOurs = compileDomain(`${"(?:a{60000}".repeat(20)}${"){60000}".repeat(20)}|web`);
    expect([isOurs("web"), isOurs("aaa")]).toEqual([true, false]);
  });

  test("means the same after it was kept as text", () => {
    for (const [pattern, host, expected] of vectors.matches as unknown as Vector[]) {
      const kept = patternsOf(pattern);
      if (kept === null) throw new Error(pattern);
      const { plain, unicode } = JSON.parse(JSON.stringify(kept)) as typeof kept;
      const isOurs = hostTest(new RegExp(plain.source, plain.flags), () => new RegExp(unicode.source, unicode.flags));
      expect([isOurs(host), isOurs(host)]).toEqual([expected, expected]);
    }
    for (const [pattern = ""] of vectors.refused) expect(patternsOf(pattern)).toBeNull();
  });

  test("that is configured reports its file and line", () => {
    const config = load("# ours\n\ndomain_regex = 'web++'\n");
    expect(failureOf(() => domainOf(config)).sentence).toBe(
      `${USER}:3: domain_regex holds a possessive repeat (character 5); correct the pattern, or write it without that`,
    );
  });

  test("that is not configured leaves no host ours", () => {
    expect(domainOf(load(null))("web1.example.com")).toBe(false);
    expect(domainOf(load("domain_regex = 'web'"))("web1")).toBe(true);
  });
});
