import { describe, expect, test } from "bun:test";
import { difference, parseScenario } from "./scenario.ts";
import { findLeaks } from "./secrets.ts";

describe("a scenario's text", () => {
  test("is read into a world, files, deeds and commands with all that they must say", () => {
    const text = `promise: it holds
world {"devices": 2}
# a remark
== home/a
# part of the file

$ bssh login
> out
>
! err
= 3
~ A B|C
@ ca gone
$ true
~
`;
    const { promise, world, files, steps } = parseScenario(text);
    expect(promise).toBe("it holds");
    expect(world).toEqual({ devices: 2 });
    expect([...files]).toEqual([["home/a", "# part of the file\n\n"]]);
    expect(steps).toEqual([
      { line: 7, command: "bssh login", stdout: ["out", ""], stderr: ["err"], status: 3, calls: [["A"], ["B", "C"]] },
      { line: 13, deed: "ca gone" },
      { line: 14, command: "true", stdout: [], stderr: [], status: 0, calls: [] },
    ]);
  });

  test.each(["", "promise: none\n", "promise: x\n> before any command\n", "promise: x\n$ true\nwhat\n"])(
    "is refused when it is none: %j",
    (text) => expect(() => parseScenario(text)).toThrow(),
  );
});

describe("what was said", () => {
  test.each([
    ["a\nb\n", ["a", "b"], true],
    ["", [], true],
    ["a\n", [], false],
    ["", ["a"], false],
    ["a\nb\n", ["a"], false],
    ["a1z\n", ["a…z"], true],
    ["a\nz\n", ["a…z"], false],
    ["a\nb\nc\n", ["a", "…"], true],
    ["a\n", ["a", "…"], true],
    ["a.b\n", ["a?b"], false],
    ["\n", [""], true],
  ] as const)("%j against %j: the same is %p", (said, expected, same) => {
    expect(difference(said, expected) === null).toBe(same);
  });
});

describe("the search for secrets", () => {
  const leaks = (text: string) => findLeaks([{ name: "stderr", text }], ["s3cret/+word"], new Set(["123456"])).length;

  test("finds a secret as it is and as it stands in a query", () => {
    expect(leaks("so s3cret/+word so")).toBe(1);
    expect(leaks("so s3cret%2F%2Bword so")).toBe(1);
    expect(leaks("so secret so")).toBe(0);
  });

  test("finds a code as a word, not as a part of a number or as the number of a process", () => {
    expect(leaks("code=123456.")).toBe(1);
    expect(leaks("serial 91234567")).toBe(0);
    expect(leaks("2026-01-01T00:00:00.000Z 123456 credentials: the environment")).toBe(0);
  });
});
