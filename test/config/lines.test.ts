import { describe, expect, test } from "bun:test";
import { lineOf, linesOf } from "../../src/config/lines.ts";

const TEXT = `# a comment with a = sign, [brackets] and "quotes
a = 1

"b" = """
c = 2
"quoted" \\""" [d]
"""
e = [ # a comment with ]
  "]", '''
f = 3
''',
] # end
'g.h' . i = { x = 1, y = "}" }
[ j . "k" ]
l = 'it''
m = 1
[[n]]
o = 1
[[n]]
[n.p]
q = 1
r.s = ''''two quotes at the end'''''
t = 2`.replace("'it''", "'it'");

describe("the line of a key", () => {
  const lines = linesOf(TEXT);
  test.each([
    ["a", 2],
    ["b", 4],
    ["e", 8],
    ["g.h.i", 13],
    ["g.h.i.x", 13],
    ["j.k", 14],
    ["j.k.l", 15],
    ["j.k.m", 16],
    ["n[0]", 17],
    ["n[0].o", 18],
    ["n[1]", 19],
    ["n[1].p", 20],
    ["n[1].p.q", 21],
    ["n[1].p.r.s", 22],
    ["n[1].p.t", 23],
    ["e[1]", 8],
    ["nowhere", 1],
  ])("%s is %d", (key, line) => {
    expect(lineOf(lines, key)).toBe(line);
  });

  test("is not found inside texts and comments", () => {
    expect(["c", "d", "f", "x"].filter((key) => lines.has(key))).toEqual([]);
  });
});
