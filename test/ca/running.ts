/** `bssh ca …` run in this process, in a folder of its own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ca } from "../../src/commands/ca.ts";
import { Failure } from "../../src/failure.ts";
import { openSystem } from "../../src/system/open.ts";
import { sshKeygen } from "../wire/support.ts";

export type Ran = {
  readonly status: number;
  readonly out: readonly string[];
  /** The sentence of the failure; "" when there was none. */
  readonly failure: string;
};

export type Bench = {
  /** The path of a file in the folder. */
  path(name: string): string;
  read(name: string): string;
  write(name: string, text: string, mode?: number): string;
  has(name: string): boolean;
  /** Makes a key pair by ssh-keygen, and gives the private key's path. */
  key(name: string, more?: readonly string[]): string;
  run(words: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ran>;
  remove(): void;
};

export function makeBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), "bssh-ca-"));
  const path = (name: string) => join(folder, name);
  return {
    path,
    read: (name) => readFileSync(path(name), "utf8"),
    write(name, text, mode = 0o600) {
      writeFileSync(path(name), text, { mode });
      return path(name);
    },
    has: (name) => existsSync(path(name)),
    key(name, more = ["-t", "ed25519", "-N", ""]) {
      const { status, stderr } = sshKeygen(["-q", ...more, "-C", name, "-f", path(name)]);
      if (status !== 0) throw new Error(stderr);
      return path(name);
    },
    async run(words, environment = {}) {
      const out: string[] = [];
      try {
        const status = await ca({
          words,
          environment: { HOME: folder, BSSH_HOME: join(folder, "bssh"), ...environment },
          system: await openSystem(),
          readText: (file) => (existsSync(file) ? readFileSync(file, "utf8") : null),
          program: process.execPath,
          out: (line) => out.push(line),
        });
        return { status, out, failure: "" };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return { status: error.status, out, failure: error.sentence };
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
