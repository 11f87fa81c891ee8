// promise: bssh setup adds two lines to the user's ssh_config and nothing else, and takes back what ssh doesn't accept
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Order } from "../../src/setup/order.ts";
import { ownPath } from "../../src/setup/own-path.ts";
import { notDone } from "../../src/setup/place.ts";
import { setUpSshConfig, takeAwaySshConfig } from "../../src/setup/ssh-config.ts";
import { withInclude, withoutInclude } from "../../src/setup/user-file.ts";
import { makeGround, orderIn, realSsh, sentence, writeProgram } from "./support.ts";

const ground = makeGround();
afterAll(() => ground.remove());

let order: Order;
let count = 0;
beforeEach(() => {
  count += 1;
  order = orderIn(join(ground.folder, String(count)));
});

function write(text: string, mode = 0o600): string {
  const path = order.paths.sshConfig;
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text, "latin1");
  chmodSync(path, mode);
  return path;
}
const ownAt = (path: string) => ({ path, home: "/home/o'br?ien", isStale: () => false });
const read = (path: string) => readFileSync(path, "latin1");

describe("the user's file", () => {
  test("has two lines more, at its top; undone it is what it was, byte for byte, with its mode", () => {
    const text = "\u00ff# no UTF-8, no end of line\r\nHost x\n\tPort 3";
    const path = write(text.replace("\u00ff", "#\u00ff"), 0o644);
    const before = read(path);
    expect(setUpSshConfig(order).changed).toBe(true);
    const lines = read(path).split("\n");
    expect(lines[0]).toMatch(/^# .*bssh setup --undo/);
    expect(lines[1]).toBe(`Include "${ownPath(order.paths)}"`);
    expect(lines.slice(2).join("\n")).toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(takeAwaySshConfig(order.paths)).toBe("as it was");
    expect(read(path)).toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(existsSync(ownPath(order.paths))).toBe(false);
    expect(takeAwaySshConfig(order.paths)).toBe("nothing");
  });

  test("that isn't there is made for the user alone, and goes again", () => {
    setUpSshConfig(order);
    const { sshConfig } = order.paths;
    expect([statSync(sshConfig).mode & 0o777, statSync(join(sshConfig, "..")).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(statSync(ownPath(order.paths)).mode & 0o777).toBe(0o600);
    takeAwaySshConfig(order.paths);
    expect(existsSync(sshConfig)).toBe(false);
  });

  test("that was made and then written in stays", () => {
    setUpSshConfig(order);
    const { sshConfig } = order.paths;
    writeFileSync(sshConfig, `${read(sshConfig)}Host x\n`);
    expect(setUpSshConfig(order).changed).toBe(true);
    takeAwaySshConfig(order.paths);
    expect(read(sshConfig)).toBe("Host x\n");
  });

  test("that was empty is empty again", () => {
    const path = write("");
    setUpSshConfig(order);
    takeAwaySshConfig(order.paths);
    expect(read(path)).toBe("");
  });

  test("isn't touched the second time", () => {
    const path = write("Host x\n");
    setUpSshConfig(order);
    const before = [lstatSync(path), lstatSync(ownPath(order.paths))].map(({ ino, mtimeMs }) => ({ ino, mtimeMs }));
    expect(setUpSshConfig(order).changed).toBe(false);
    expect([lstatSync(path), lstatSync(ownPath(order.paths))].map(({ ino, mtimeMs }) => ({ ino, mtimeMs }))).toEqual(
      before,
    );
  });

  test("is found behind links, which stay", () => {
    const dots = join(ground.folder, String(count), "dots");
    mkdirSync(dots);
    mkdirSync(join(order.paths.sshConfig, ".."), { recursive: true });
    writeFileSync(join(dots, "real"), "Host x\n");
    symlinkSync("real", join(dots, "link"));
    symlinkSync("../dots/link", order.paths.sshConfig);
    setUpSshConfig(order);
    expect(lstatSync(order.paths.sshConfig).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(dots, "link")).isSymbolicLink()).toBe(true);
    expect(read(join(dots, "real"))).toContain("Include");
    takeAwaySshConfig(order.paths);
    expect(read(join(dots, "real"))).toBe("Host x\n");
  });

  test("keeps whatever bytes it holds, wherever our lines have come to lie", () => {
    const seed = randomBytes(4).toString("hex");
    const own = ownAt("/home/o'br?ien/%/ssh_config");
    for (let round = 0; round < 300; round++) {
      const hash = new Bun.CryptoHasher("sha512").update(`${seed}${round}`).digest("latin1");
      const pieces = [...hash].map((byte) => ["Include x", "\n", "\r\n", "Host *", byte, byte][byte.charCodeAt(0) % 6]);
      const text = pieces.join("");
      const set = withInclude(text, own);
      expect({ seed, round, text: withoutInclude(set, own).text }).toEqual({ seed, round, text });
      expect(withInclude(set, own)).toBe(set);
      expect(withoutInclude(`Port 1\n${set}`, own).text).toBe(`Port 1\n${text}`);
    }
  });

  test("loses an Include of ours that has lost its comment, or was for another place", () => {
    const set = withInclude("Host x\n", ownAt("/a/ssh_config"));
    expect(withoutInclude(set.split("\n").slice(1).join("\n"), ownAt("/a/ssh_config")).text).toBe("Host x\n");
    const moved = { ...ownAt("/b/ssh_config"), isStale: (path: string) => path === "/a/ssh_config" };
    expect(withInclude(set, moved)).toBe(withInclude("Host x\n", moved));
    expect(withoutInclude(set, { ...moved, isStale: () => false }).text).toBe('Include "/a/ssh_config"\nHost x\n');
  });

  test("takes along the folders that were made for it, as far as nothing else is in them", () => {
    const home = join(ground.folder, String(count));
    const paths = { ...order.paths, sshConfig: join(home, "no", "where", "config") };
    setUpSshConfig({ ...order, paths });
    expect(setUpSshConfig({ ...order, paths }).changed).toBe(false);
    expect(takeAwaySshConfig(paths)).toBe("as it was");
    expect(existsSync(join(home, "no"))).toBe(false);
    setUpSshConfig({ ...order, paths });
    writeFileSync(join(home, "no", "other"), "");
    takeAwaySshConfig(paths);
    expect([existsSync(join(home, "no", "where")), existsSync(join(home, "no"))]).toEqual([false, true]);
    mkdirSync(join(home, "no", "where"));
    setUpSshConfig({ ...order, paths });
    takeAwaySshConfig(paths);
    expect(existsSync(join(home, "no", "where"))).toBe(true);
  });
});

describe("what isn't accepted is taken back", () => {
  const state = () => [read(order.paths.sshConfig), existsSync(ownPath(order.paths))];

  test("when the user's file was wrong before", () => {
    write("Hoost x\n");
    expect(sentence(() => setUpSshConfig(order))).toMatch(
      /^ssh refuses .*config as it is: .*; mend it and run bssh setup again$/,
    );
    expect(state()).toEqual(["Hoost x\n", false]);
  });

  test("and of all that ssh says about the user's file, the line that names file, line and word is told", () => {
    write("Host x\n  Frobnicate yes\n  Port ten\n");
    expect(sentence(() => setUpSshConfig(order))).toMatch(/config as it is: .*config: line 2: .*frobnicate; mend it/i);
    const unsupported = `[ "$1" = -V ] && exec ${realSsh} -V; echo 'config line 1: Unsupported option "gssapi"' >&2; exec ${realSsh} "$@"`;
    const ssh = { path: writeProgram(join(ground.folder, "unsupported"), unsupported), script: true };
    expect(sentence(() => setUpSshConfig({ ...order, ssh }))).toMatch(/line 2: .*frobnicate/i);
  });

  test("together with the folders made for it", () => {
    const ssh = {
      path: writeProgram(join(ground.folder, "no"), `[ "$1" = -V ] && exec ${realSsh} -V; exit 255`),
      script: true,
    };
    expect(sentence(() => setUpSshConfig({ ...order, ssh }))).toStartWith("ssh refused what was written");
    expect(existsSync(join(order.paths.sshConfig, ".."))).toBe(false);
  });

  test("when ssh refuses what was written, or doesn't read it", () => {
    write("Host x\n");
    const refusing = `case "$*" in -V) exec ${realSsh} -V;; *) grep -q Include "$2" && { echo no such thing >&2; exit 255; }; exec ${realSsh} "$@";; esac`;
    const ssh = { path: writeProgram(join(ground.folder, "refusing"), refusing), script: true };
    expect(sentence(() => setUpSshConfig({ ...order, ssh }))).toMatch(
      /^ssh refused what was written.*: no such thing; /,
    );
    expect(state()).toEqual(["Host x\n", false]);
    const deaf = {
      path: writeProgram(
        join(ground.folder, "deaf"),
        `exec ${realSsh} $([ "$1" = -V ] && echo -V || echo -F none -G x)`,
      ),
      script: true,
    };
    expect(sentence(() => setUpSshConfig({ ...order, ssh: deaf }))).toStartWith("ssh did not read what was written");
    expect(state()).toEqual(["Host x\n", false]);
  });

  test("when the folder of the user's file takes no new file, and the line to add is named", () => {
    const path = write("Host x\n");
    const dots = join(ground.folder, String(count), "dots");
    symlinkSync("/proc/version", `${path}.link`);
    mkdirSync(dots);
    const paths = { ...order.paths, sshConfig: `${path}.link` };
    const said = sentence(() => setUpSshConfig({ ...order, paths }));
    expect(said).toMatch(
      /^could not write \/proc\/version: .*; see to that, or put this at its top where it is made: Include "/,
    );
    expect(existsSync(ownPath(order.paths))).toBe(false);
  });

  test("and what the system doesn't allow isn't taken for another user's alone", () => {
    // Nothing gives root EPERM on every file system.
    expect(notDone("write", "/x", Object.assign(new Error(), { code: "EPERM" })).message).toBe(
      "could not write /x: the system does not allow it (it is immutable, or another user's)",
    );
  });

  test("and a folder, a circle of links and a huge file are named", () => {
    mkdirSync(order.paths.sshConfig, { recursive: true });
    expect(sentence(() => setUpSshConfig(order))).toContain("is not a regular file");
    const circle = `${order.paths.sshConfig}.a`;
    symlinkSync(circle, circle);
    expect(sentence(() => setUpSshConfig({ ...order, paths: { ...order.paths, sshConfig: circle } }))).toContain(
      "from link to link",
    );
    const huge = `${order.paths.sshConfig}.b`;
    writeFileSync(huge, "#".repeat((1 << 20) + 1));
    expect(sentence(() => setUpSshConfig({ ...order, paths: { ...order.paths, sshConfig: huge } }))).toContain(
      "larger than 1 MiB",
    );
  });

  test.each([
    ["a variable", `/h/a\${HOME}/id`],
    ["a line break", "/h/a\nb/id"],
  ])("a key's path with %s has no way to be said", (_what, key) => {
    write("Host x\n");
    expect(sentence(() => setUpSshConfig({ ...order, identity: { ...order.identity, key } }))).toStartWith(
      "ssh_config has no way to name a file with",
    );
    expect(state()).toEqual(["Host x\n", false]);
  });
});
