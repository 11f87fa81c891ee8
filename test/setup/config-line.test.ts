// promise: setup reads a line of ssh_config as ssh does
import { expect, test } from "bun:test";
import { readConfigLine } from "../../src/argv/config-line.ts";
import { readLine } from "../../src/setup/config-line.ts";

const LINES = [
  'Include "/a b/c" # x',
  "\t include=/a  ~/b",
  '"Include" x',
  "HOST = a !b *.c # d",
  `Include 'a "b' "c 'd"`,
  'Include a"b c"d\\ e',
  'Include "a\\"b\\\\c\\*"',
  "Include a#b #c\r",
  "IdentityFile none\r\n",
  'Host "open',
  "# Include x",
  "",
  "   ",
  "Include",
  "Match host=a,b exec \"x 'y'\"",
  "Include\\x y",
  "Include ü \u00ff",
];

test.each(LINES)("%j", (line) => {
  const known = readConfigLine(line);
  expect(readLine(line)).toEqual(
    known.kind === "setting" && /^[a-z]\w*$/.test(known.key)
      ? { key: known.key, values: known.values }
      : { key: "", values: [] },
  );
});

test("a long line of quotes is read at once", () => {
  for (const part of ['"', "\\", '\\"', `"a' `, "a "]) {
    const started = performance.now();
    readLine(`Include ${part.repeat(100_000)}`);
    expect(performance.now() - started).toBeLessThan(3000);
  }
});
