import { Failure } from "../failure.ts";
import { translatePattern } from "../wire/pattern.ts";
import { PatternError } from "../wire/pattern-scan.ts";
import { hostTest, type Patterns } from "./host-test.ts";
import { placeOf } from "./load.ts";
import type { Config } from "./settings.ts";

/**
 * Patterns of nothing but what means the same in both languages for plain hosts, once `\A` is `^` and `\Z` is `$`. Nearly
 * all are; translating them costs twenty times as much as this look at them.
 */
const PLAIN_PATTERN =
  /^(?:[\w@:;=~!%&<>"'/ ,^$.|)*+?-]|\\[-./dDwWsSbAZ]|\((?!\?)|\(\?:|\{\d{1,3}(?:,\d{0,3})?\}|\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|[\w.:@]|\\[-.dws])+-?\])+$/;

/**
 * True for the hosts that Python's `re.match(pattern, host)` matches: from the start, not necessarily to the end. Hosts
 * longer than 1025 characters are never ours. Throws Failure (78) that names what cannot be translated; `place` is put
 * in front of it.
 */
export function compileDomain(pattern: string, place = ""): (host: string) => boolean {
  const plain = plainExpression(pattern) ?? translate(pattern, place, "ascii");
  return hostTest(plain, () => translate(pattern, place, "unicode"));
}

/** What `hostTest` needs for a pattern, to be kept; null for a pattern that cannot be translated. */
export function patternsOf(pattern: string): Patterns | null {
  try {
    const plain = plainExpression(pattern) ?? translate(pattern, "", "ascii");
    const unicode = translate(pattern, "", "unicode");
    return {
      plain: { source: plain.source, flags: plain.flags },
      unicode: { source: unicode.source, flags: unicode.flags },
    };
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

/** `compileDomain` for the configured pattern, errors with its place; without a pattern no host is ours. */
export function domainOf(config: Config): (host: string) => boolean {
  const pattern = config.settings.domainRegex;
  if (pattern === null) return () => false;
  try {
    return compileDomain(pattern);
  } catch {
    return compileDomain(pattern, placeOf(config.origins.domainRegex));
  }
}

/** Null for a pattern that has to be translated, or is wrong: then the translation says how. */
function plainExpression(pattern: string): RegExp | null {
  if (!PLAIN_PATTERN.test(pattern)) return null;
  const source = pattern.replaceAll("\\A", "^").replaceAll("\\Z", "$");
  try {
    // By itself first: `a)|(?:b` would be right inside a group.
    new RegExp(source);
    return new RegExp(`^(?:${source})`);
  } catch {
    return null;
  }
}

function translate(pattern: string, place: string, host: "ascii" | "unicode"): RegExp {
  const where = place === "" ? "" : `${place}: `;
  try {
    const { source, flags } = translatePattern(pattern, host);
    return new RegExp(source, flags);
  } catch (error) {
    if (error instanceof PatternError) {
      throw new Failure(
        `${where}domain_regex holds ${error.message}`,
        "correct the pattern, or write it without that",
        78,
      );
    }
    // JavaScriptCore has limits of its own on size and counts.
    if (error instanceof SyntaxError) {
      throw new Failure(`${where}domain_regex is too large a pattern`, "write a simpler one", 78);
    }
    throw error;
  }
}
