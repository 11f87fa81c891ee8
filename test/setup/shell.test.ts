// promise: a SHELL that ssh can't run commands with is told, and any other is not
import { expect, test } from "bun:test";
import { shellTrouble } from "../../src/setup/shell.ts";
import { nodeSystem } from "../../src/system/node.ts";

const trouble = (shell: string | undefined) => shellTrouble(nodeSystem(), shell);

test("a shell, and none, are right", () => {
  expect(["/bin/sh", undefined].map(trouble)).toEqual([null, null]);
});

test("nothing, a name that is none, a folder and a file that is no program are told", () => {
  const rest = "and every ssh that asks bssh fails while it is so; set it to the path of your shell";
  expect(["", "no-such-shell", "/tmp", "/etc/passwd", "/\u001b"].map(trouble)).toEqual([
    `SHELL is empty, ${rest}`,
    ...["no-such-shell", "/tmp", "/etc/passwd", "/?"].map((name) => `SHELL names no program (${name}), ${rest}`),
  ]);
});
