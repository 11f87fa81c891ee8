// promise: what ssh would do with the words is asked of ssh, and our own Match exec doesn't run for it
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ssh } from "../../src/ssh/find.ts";
import { parseResolved, resolveWords, sshVersion } from "../../src/ssh/resolve.ts";

const real: Ssh = { path: Bun.which("ssh") ?? "ssh", script: false };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-resolve-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(text: string): string {
  const path = join(folder, "config");
  writeFileSync(path, text);
  return path;
}

describe("resolveWords", () => {
  test("gives every value in order", () => {
    const path = config(
      'Host web\n HostName web1.example.com\n User bob\n Port 2200\n IdentityFile "~/a b"\n IdentityFile /c\n ProxyJump a@jump:22,second\n',
    );
    const resolved = resolveWords(real, ["-F", path, "-p", "99", "web", "uptime"], process.env);
    expect(resolved?.get("hostname")).toEqual(["web1.example.com"]);
    expect(resolved?.get("user")).toEqual(["bob"]);
    expect(resolved?.get("port")).toEqual(["99"]);
    expect(resolved?.get("proxyjump")).toEqual(["a@jump:22,second"]);
    expect(resolved?.get("no such key")).toBeUndefined();
  });

  test("is null when ssh refuses the words or its configuration, and says nothing", () => {
    expect(resolveWords(real, ["-F", config("Rubbish yes\n"), "web"], process.env)).toBe(null);
    expect(resolveWords(real, ["-F", "none", "-o", "Port=x", "web"], process.env)).toBe(null);
    expect(resolveWords(real, ["-F", "none"], process.env)).toBe(null);
    expect(resolveWords(real, ["-F", "/nowhere/config", "web"], process.env)).toBe(null);
  });

  test("runs Match exec commands with BLESS_COMPLETE set, and the rest of the environment as it is", () => {
    const out = join(folder, "environment");
    const path = config(`Match exec "echo $BLESS_COMPLETE-$OTHER-$PWD >>${out}"\n`);
    resolveWords(real, ["-F", path, "web"], { ...process.env, OTHER: "other", BLESS_COMPLETE: "" });
    expect(readFileSync(out, "utf8")).toBe(`1-other-${process.cwd()}\n`);
  });

  test("takes nothing from stdin", () => {
    const path = config('Match exec "cat >/dev/null"\n');
    expect(resolveWords(real, ["-F", path, "web"], process.env)?.get("hostname")).toEqual(["web"]);
  });
});

test("lines are a key, a space and a value; anything else is passed over", () => {
  const resolved = parseResolved("user alice\nidentityfile a  b \nidentityfile c\nnothing\n leading\nempty \n\n");
  expect([...resolved]).toEqual([
    ["user", ["alice"]],
    ["identityfile", ["a  b ", "c"]],
    ["empty", [""]],
  ]);
});

test("the version is ssh's own line", () => {
  expect(sshVersion(real)).toMatch(/^OpenSSH_\d+\.\d+/);
});

test("a program that fails at -V has no version", () => {
  expect(sshVersion({ path: "/bin/false", script: false })).toBeNull();
});
