// promise: where bssh is started, and what a developer's environment says to Bun, changes nothing
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const bssh = resolve(import.meta.dir, "../../dist/bssh");
let folder: string;
let trap: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-hostile-"));
  trap = join(folder, "trap");
  const spring = join(folder, "spring.ts");
  writeFileSync(spring, `await Bun.write(${JSON.stringify(trap)}, "sprung"); console.log("SPRUNG");\n`);
  for (const name of [".env", ".env.local", ".env.production", ".env.development"]) {
    writeFileSync(join(folder, name), `LD_PRELOAD=/nowhere.so\nBSSH_SSH=${spring}\nFROM_DOTENV=1\n`);
  }
  writeFileSync(join(folder, "bunfig.toml"), `preload = ["./spring.ts"]\n[run]\npreload = ["./spring.ts"]\n`);
  writeFileSync(
    join(folder, "package.json"),
    `{"name":"x","scripts":{"prestart":"touch ${trap}"},"imports":{"#x":"./spring.ts"}}`,
  );
  writeFileSync(join(folder, "tsconfig.json"), `{"compilerOptions":{"paths":{"*":["./spring.ts"]},"jsx":"react"}}`);
  mkdirSync(join(folder, "node_modules/smol-toml"), { recursive: true });
  writeFileSync(
    join(folder, "node_modules/smol-toml/index.js"),
    `require("fs").writeFileSync(${JSON.stringify(trap)}, "")`,
  );
  writeFileSync(join(folder, "print"), "#!/bin/sh\nenv\nprintf '[%s]' \"$@\"\n", { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(words: readonly string[], cwd: string, added: Record<string, string> = {}) {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(folder, "home"),
    BSSH_SSH: join(folder, "print"),
    ...added,
  };
  const { exitCode, stdout, stderr } = Bun.spawnSync([bssh, ...words], { cwd, env, stdin: "ignore" });
  return { exitCode, stdout: stdout.toString().replace(/^(OLDPWD|PWD|_)=.*\n/gm, ""), stderr: stderr.toString() };
}

test("started in a folder of an attacker it reads nothing of it", () => {
  for (const words of [["web1", "uptime"], ["--version"], ["config", "path"], ["status"]]) {
    expect(start(words, folder)).toEqual(start(words, "/"));
  }
  expect(existsSync(trap)).toBe(false);
});

test("variables of Bun and Node change nothing, and reach ssh as they are", () => {
  const plain = start(["web1", "uptime"], "/");
  expect(plain.exitCode).toBe(0);
  const variables: Record<string, string>[] = [
    { BUN_BE_BUN: "1" },
    { BUN_OPTIONS: `--preload=${join("SPRING")}` },
    { BUN_OPTIONS: "--version" },
    { BUN_OPTIONS: "--help" },
    { BUN_INSPECT: "1" },
    { BUN_INSPECT: "127.0.0.1:6499" },
    { NODE_OPTIONS: "--require=SPRING --inspect" },
    { BUN_INSPECT_PRELOAD: "SPRING" },
    { NODE_PATH: "FOLDER/node_modules" },
  ];
  for (const named of variables) {
    const added = Object.fromEntries(
      Object.entries(named).map(([name, value]) => [
        name,
        value.replace("SPRING", join(folder, "spring.ts")).replace("FOLDER", folder),
      ]),
    );
    const answer = start(["web1", "uptime"], folder, added);
    const [[name = "", value = ""] = []] = Object.entries(added);
    expect(answer.stdout).toContain(`${name}=${value}\n`);
    expect({ ...answer, stdout: answer.stdout.replace(`${name}=${value}\n`, "") }).toEqual(plain);
    expect(start(["--version"], folder, added)).toEqual(start(["--version"], "/"));
  }
  expect(existsSync(trap)).toBe(false);
});

test("without the JIT it goes on by the slower way", () => {
  const answer = start(["web1", "uptime"], "/", { BUN_JSC_useJIT: "0" });
  expect(answer.exitCode).toBe(0);
  expect(answer.stdout).toEndWith("[web1][uptime]");
});
