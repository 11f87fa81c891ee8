import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../src/failure.ts";
import type { Order } from "../../src/setup/order.ts";

/** A folder that a test file works in. */
export function makeGround(): { readonly folder: string; remove(): void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "bssh-setup-")));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export const realSsh = Bun.which("ssh") ?? "ssh";

/** Writes a program that sh runs. */
export function writeProgram(path: string, text: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** In bssh's place: writes down its words, one a line, and says that every host is ours. */
export function writeRecorder(folder: string, name = "bssh"): { readonly path: string; words(): string[] | null } {
  const record = join(folder, "record");
  const path = writeProgram(join(folder, name), `printf '%s\\0' "$@" >"\${0%/*}/record"`);
  return {
    path,
    words() {
      try {
        const words = readFileSync(record, "utf8").split("\0").slice(0, -1);
        rmSync(record);
        return words;
      } catch {
        return null;
      }
    },
  };
}

/** What `bssh setup` would be asked for in a home of this name. */
export function orderIn(home: string, more: Partial<Order> = {}): Order {
  mkdirSync(join(home, ".config", "bssh"), { recursive: true });
  return {
    paths: { config: join(home, ".config", "bssh", "config.toml"), sshConfig: join(home, ".ssh", "config"), home },
    environment: { PATH: process.env["PATH"], HOME: home, SHELL: "/bin/sh" },
    ssh: { path: realSsh, script: false },
    program: join(home, "bin", "bssh"),
    identity: { key: join(home, ".ssh", "id"), certificate: join(home, ".ssh", "id-cert.pub"), defaults: [] },
    hosts: { keys: [], patterns: [] },
    ...more,
  };
}

export type Asked = { readonly status: number; readonly err: string; values(key: string): string[] };

/** Asks the real ssh what it makes of words with this config. */
export function askG(config: string, words: readonly string[], environment: Record<string, string> = {}): Asked {
  const { exitCode, stdout, stderr } = Bun.spawnSync([realSsh, "-F", config, "-TG", ...words], {
    env: { ...process.env, ...environment },
    stdin: "ignore",
  });
  const lines = stdout.toString().split("\n");
  return {
    status: exitCode,
    err: stderr.toString(),
    values: (key) => lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1)),
  };
}

/** What an act that fails says. */
export function sentence(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error.sentence;
    throw error;
  }
  return "no failure";
}
