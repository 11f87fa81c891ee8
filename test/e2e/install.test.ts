// promise: install.sh puts bssh where it is told to, edits nothing, and takes it away again
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const script = join(root, "install.sh");
const TEXTS = {
  HELP: /^Usage: \.\/install\.sh --from-source \| --uninstall \| --help\n/,
  ERROR: /^bssh: [^;\n]+; [^\n]+\n$/,
};
let folder: string;
let home: string;
let environment: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-install-"));
  home = join(folder, `it's "my" $HOME; *`);
  mkdirSync(home);
  environment = { PATH: process.env["PATH"] ?? "", HOME: home, SHELL: "/bin/bash" };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs install.sh with the system's sh (or another shell) from a folder of ours. */
function install(words: readonly string[], set: Record<string, string> = {}, shell = "sh") {
  const child = Bun.spawnSync([shell, script, ...words], {
    cwd: folder,
    env: { ...environment, ...set },
    stdin: "ignore",
  });
  return { status: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
}

/** Files of the home, without what npm keeps there. */
function homeFiles(): string[] {
  return readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith(".npm"));
}

describe("install.sh --from-source", () => {
  test("installs below a home of any name, twice in a row and over a bssh that runs", async () => {
    const first = install(["--from-source"]);
    expect(first.status).toBe(0);
    const bssh = join(home, ".local/bin/bssh");
    expect(first.out).toMatch(/^bssh \d+\.\d+\.\d+ is installed in .*\/\.local\/bin\n/);
    expect(lstatSync(bssh).mode & 0o777).toBe(0o755);

    const running = Bun.spawn([bssh, "sandbox", "--", "sh", "-c", "echo up; read line; exec bssh --version"], {
      env: environment,
      cwd: folder,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const output = running.stdout.getReader();
    expect(new TextDecoder().decode((await output.read()).value)).toBe("up\n");
    const second = install(["--from-source"]);
    running.stdin.write("\n");
    running.stdin.end();
    expect(await running.exited).toBe(0);
    expect(second).toEqual({ ...first, err: second.err });
    expect(homeFiles().sort()).toEqual([".local", ".local/bin", ".local/bin/bssh"]);
    const version = Bun.spawnSync([bssh, "--version"], { env: environment }).stdout.toString();
    expect(first.out).toStartWith(`${version.trim()} is installed`);
  }, 120_000);

  test("says what to add in the person's own shell, in words that this shell understands", () => {
    const added: Record<string, string> = {};
    for (const [shell, file] of [
      ["/bin/bash", "~/.bashrc"],
      ["/usr/bin/zsh", "~/.zshrc"],
      ["/usr/bin/fish", "~/.config/fish/config.fish"],
      ["/bin/ksh", "your shell's start-up file"],
    ] as const) {
      const { status, out } = install(["--from-source"], { SHELL: shell });
      expect(status).toBe(0);
      expect(out).toContain(`Add to ${file}:\n`);
      expect(out).toContain("\n  alias ssh=bssh\n");
      added[shell] = out
        .split("\n")
        .filter((line) => line.startsWith("  "))
        .join("\n");
    }
    // The lines are read by the shells that are here, and find bssh.
    for (const [shell, lines] of Object.entries(added)) {
      const program = Bun.which(shell.slice(shell.lastIndexOf("/") + 1));
      if (program === null) continue;
      const found = Bun.spawnSync([program, "-c", `${lines}\ncommand -v bssh`], { env: environment, cwd: "/" });
      expect(found.stdout.toString()).toBe(`${home}/.local/bin/bssh\n`);
    }
  }, 120_000);

  test("goes where BSSH_PREFIX says, a relative one too, and then says nothing of a PATH that has it", () => {
    const { status, out } = install(["--from-source"], {
      BSSH_PREFIX: "some where",
      PATH: `${folder}/some where/bin:${environment["PATH"]}`,
    });
    expect(status).toBe(0);
    expect(existsSync(join(folder, "some where/bin/bssh"))).toBe(true);
    expect(out).not.toContain("PATH");
    expect(readdirSync(join(folder, "some where/bin"))).toEqual(["bssh"]);
  }, 120_000);

  test("changes nothing when it can't write", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const { status, out, err } = install(["--from-source"], { BSSH_PREFIX: file });
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/\nbssh: could not make .*; name another place with BSSH_PREFIX\n$/);
    mkdirSync(join(folder, "taken/bin/bssh"), { recursive: true });
    const taken = install(["--from-source"], { BSSH_PREFIX: join(folder, "taken") });
    expect(taken.status).toBe(1);
    expect(taken.err).toMatch(/bssh: .*taken\/bin\/bssh is a folder; /);
    expect(readdirSync(join(folder, "taken/bin/bssh"))).toEqual([]);
  }, 120_000);
});

describe("install.sh --uninstall", () => {
  test("takes bssh away, a link that leads nowhere too, and leaves the rest", () => {
    const bin = join(folder, "away/bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "other"), "");
    for (const make of [() => writeFileSync(join(bin, "bssh"), ""), () => symlinkSync("/nowhere", join(bin, "bssh"))]) {
      make();
      const { status, out } = install(["--uninstall"], { BSSH_PREFIX: join(folder, "away") });
      expect({ status, out }).toEqual({
        status: 0,
        out: `bssh is gone from ${bin}; take the alias out of your shell as well\n`,
      });
      expect(readdirSync(bin)).toEqual(["other"]);
    }
    const again = install(["--uninstall"], { BSSH_PREFIX: join(folder, "away") });
    expect(again).toEqual({
      status: 1,
      out: "",
      err: `bssh: there is no bssh in ${bin}; name its place with BSSH_PREFIX\n`,
    });
  });
});

describe("install.sh", () => {
  test("without words says that there are no releases yet, and what to do instead", () => {
    for (const shell of ["sh", "bash"]) {
      const { status, out, err } = install([], {}, shell);
      expect({ status, out }).toEqual({ status: 64, out: "" });
      expect(err).toBe("bssh: releases are not published yet; build from this checkout: ./install.sh --from-source\n");
    }
  });

  test("has help, and answers what it doesn't understand with a fact and the next move", () => {
    expect(install(["--help"])).toEqual({ status: 0, out: expect.stringMatching(TEXTS.HELP), err: "" });
    for (const words of [["--from-sauce"], ["--uninstall", "--from-source"], ["install"], [""]]) {
      const { status, out, err } = install(words);
      expect({ words, status, out }).toEqual({ words, status: 64, out: "" });
      expect(err).toMatch(TEXTS.ERROR);
    }
    const nowhere = Bun.spawnSync(["sh", script, "--uninstall"], { env: { PATH: environment["PATH"] ?? "" } });
    expect(nowhere.stderr.toString()).toMatch(TEXTS.ERROR);
    expect(nowhere.exitCode).toBe(1);
  });

  test("needs npm, and says so", () => {
    const bin = join(folder, "few");
    mkdirSync(bin);
    for (const name of ["dirname", "sh", "basename", "sed", "cut", "cat"])
      symlinkSync(Bun.which(name) ?? "", join(bin, name));
    const { status, err } = install(["--from-source"], { PATH: bin }, "/bin/sh");
    expect({ status, err }).toEqual({ status: 1, err: "bssh: npm is missing; install Node.js and npm\n" });
  });
});
