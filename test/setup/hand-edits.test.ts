// promise: bssh setup and its --undo find their Include however it was edited by hand, and never take a line of the user's
import { afterAll, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Order } from "../../src/setup/order.ts";
import { ownPath } from "../../src/setup/own-path.ts";
import { setUpSshConfig, takeAwaySshConfig } from "../../src/setup/ssh-config.ts";
import { withInclude } from "../../src/setup/user-file.ts";
import { makeGround, orderIn, sentence } from "./support.ts";

const ground = makeGround();
afterAll(() => ground.remove());

let order: Order;
let count = 0;
beforeEach(() => {
  count += 1;
  order = orderIn(join(ground.folder, String(count)));
});

function write(text: string): string {
  const path = order.paths.sshConfig;
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}
const read = (path: string) => readFileSync(path, "latin1");

test.each([
  ["indented", (line: string) => `\t ${line}`],
  ["with a comment behind it", (line: string) => `${line} # bssh`],
  ["without quotes", (line: string) => line.replaceAll('"', "")],
  ["in other letters", (line: string) => line.replace("Include ", "include=")],
  ["with the home as ~", (line: string) => `Include ~${line.slice(line.indexOf("/.config"), -1)}`],
  ["at the end of a block", (line: string) => `\nHost y\n  ${line}`],
])("edited by hand loses our Include %s, and isn't said to be as it was", (_what, edit) => {
  const path = write("Host x\n");
  setUpSshConfig(order);
  const [mark = "", line = "", ...rest] = read(path).split("\n");
  writeFileSync(path, [mark, ...rest, edit(line), ""].join("\n"));
  expect(takeAwaySshConfig(order.paths)).toBe("something");
  expect(read(path)).not.toMatch(/include/i);
  expect(read(path)).toStartWith("Host x\n");
  expect(existsSync(ownPath(order.paths))).toBe(false);
});

test("keeps an Include of the user's that stands below our comment", () => {
  const path = write("Host x\n");
  setUpSshConfig(order);
  const theirs = `Include ~/.ssh/theirs\nHost x\n`;
  const edited = read(path).replace(/^Include .*\nHost x\n/m, theirs);
  writeFileSync(path, edited);
  setUpSshConfig(order);
  expect(read(path)).toBe(withInclude(theirs, { path: ownPath(order.paths), home: "/h", isStale: () => false }));
  writeFileSync(path, edited);
  expect(takeAwaySshConfig(order.paths)).toBe("something");
  expect(read(path)).toBe(theirs);
});

test.each(["Include ~/.ssh/theirs OURS", "Include OUR?", 'Include "~/.config/bssh/*"'])(
  "that names our file in a line of the user's (%s) is left alone, and so is our file",
  (line) => {
    const path = write("Host x\n");
    setUpSshConfig(order);
    const own = ownPath(order.paths);
    const edited = `${read(path)}${line.replace("OURS", own).replace("OUR?", `${own.slice(0, -1)}?`)}\n`;
    writeFileSync(path, edited);
    const said = sentence(() => takeAwaySshConfig(order.paths));
    expect(said).toMatch(
      / includes .* in a line that isn't setup's: Include .*; take that out and run bssh setup --undo/,
    );
    expect([read(path), existsSync(own)]).toEqual([edited, true]);
  },
);
