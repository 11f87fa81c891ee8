// promise: a line of ssh_config is read as ssh reads it
import { expect, test } from "bun:test";
import { readConfigLine } from "../../src/argv/config-line.ts";

/** Lines, and the keyword with its values; null where ssh finds nothing, or an error. */
const LINES: readonly (readonly [line: string, read: readonly string[] | null])[] = [
  ['Include "/a b/c" # x', ["include", "/a b/c"]],
  ["\t include=/a  ~/b", ["include", "/a", "~/b"]],
  ['"Include" x', ["include", "x"]],
  ["HOST = a !b *.c # d", ["host", "a", "!b", "*.c"]],
  ["Include 'a \"b' \"c 'd\"", ["include", 'a "b', "c 'd"]],
  ['Include a"b c"d\\ e', ["include", "ab cd e"]],
  ['Include "a\\"b\\\\c\\*"', ["include", 'a"b\\c\\*']],
  ["Include a#b #c\r", ["include", "a#b"]],
  ["IdentityFile none\r\n", ["identityfile", "none"]],
  ['Host "open', null],
  ["# Include x", null],
  ["", null],
  ["   ", null],
  ["Include", null],
  ["Match host=a,b exec \"x 'y'\"", ["match", "host=a,b", "exec", "x 'y'"]],
  ["Include\\x y", ["include\\x", "y"]],
  ["Include ü ÿ", ["include", "ü", "ÿ"]],
];

for (const [line, wanted] of LINES) {
  test(JSON.stringify(line), () => {
    const read = readConfigLine(line);
    expect(read.kind === "setting" ? [read.key, ...read.values] : null).toEqual(wanted === null ? null : [...wanted]);
  });
}

test("a long line of quotes is read at once", () => {
  for (const part of ['"', "\\", '\\"', `"a' `, "a "]) {
    const started = performance.now();
    readConfigLine(`Include ${part.repeat(100_000)}`);
    expect(performance.now() - started).toBeLessThan(3000);
  }
});
