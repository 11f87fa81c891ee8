// promise: the real ssh is found whatever lies on PATH before it, and never bssh itself
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../src/failure.ts";
import { addedEnvironment, findSsh, type Ssh } from "../../src/ssh/find.ts";
import { libcSystem } from "../../src/system/libc.ts";
import { nodeSystem } from "../../src/system/node.ts";

const SYSTEMS = { ...(process.platform === "linux" ? { libc: libcSystem("libc.so.6") } : {}), node: nodeSystem() };

let root: string;
let count = 0;
/** Stands for bssh: an executable of its size, and not one byte on the disk. */
let big: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bssh-find-"));
  big = join(root, "bssh");
  writeFileSync(big, "\x7fELF");
  truncateSync(big, 100 << 20);
  chmodSync(big, 0o755);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(): string {
  count += 1;
  const path = join(root, `folder-${count}`);
  mkdirSync(path);
  return path;
}

/** A folder with an `ssh` made by `make`. */
function withSsh(make: (path: string) => void): string {
  const path = folder();
  make(join(path, "ssh"));
  return path;
}

const realSsh = () => withSsh((path) => writeFileSync(path, "\x7fELF the real one", { mode: 0o755 }));

const PASSED_OVER: Readonly<Record<string, (path: string) => void>> = {
  "a symbolic link to bssh": (path) => symlinkSync(big, path),
  "a chain of symbolic links to bssh": (path) => {
    symlinkSync(big, `${path}.1`);
    symlinkSync("ssh.1", path);
  },
  "a hard link to bssh": (path) => linkSync(big, path),
  "a copy of bssh, or another version of it": (path) => {
    writeFileSync(path, "\x7fELF", { mode: 0o755 });
    truncateSync(path, 90 << 20);
  },
  "a folder named ssh": (path) => mkdirSync(path),
  "a file that is not executable": (path) => writeFileSync(path, "\x7fELF", { mode: 0o644 }),
  "an empty file": (path) => writeFileSync(path, "", { mode: 0o755 }),
  "a dangling link": (path) => symlinkSync("/nowhere/ssh", path),
  "a link to itself": (path) => symlinkSync("ssh", path),
};

for (const [name, system] of Object.entries(SYSTEMS)) {
  describe(`findSsh (${name})`, () => {
    const find = (environment: Record<string, string | undefined>) => findSsh(system, environment);
    const sentence = (environment: Record<string, string | undefined>) => {
      try {
        return `found ${find(environment).path}`;
      } catch (error) {
        if (error instanceof Failure && error.status === 255) return error.sentence;
        throw error;
      }
    };

    for (const [what, make] of Object.entries(PASSED_OVER)) {
      test(`passes over ${what}`, () => {
        const [first, second] = [withSsh(make), realSsh()];
        expect(find({ PATH: `${first}:${second}` })).toEqual({ path: `${second}/ssh`, script: false });
        expect(sentence({ PATH: first })).toBe(
          "no ssh on PATH beside bssh itself; install the OpenSSH client, or name it with BSSH_SSH",
        );
        expect(sentence({ PATH: second, BSSH_SSH: `${first}/ssh` })).toBe(
          "BSSH_SSH does not name a program that is ssh; set it to the path of the real ssh",
        );
      });
    }

    test("takes the first that is a program, and knows a script", () => {
      const script = withSsh((path) => writeFileSync(path, "#!/bin/sh\n", { mode: 0o755 }));
      const real = realSsh();
      expect(find({ PATH: `/nowhere:${script}:${real}` })).toEqual({ path: `${script}/ssh`, script: true });
      expect(find({ PATH: `${real}:${script}` })).toEqual({ path: `${real}/ssh`, script: false });
    });

    test("takes a link to the real one by the name it was found under", () => {
      const real = realSsh();
      const linked = withSsh((path) => symlinkSync(`${real}/ssh`, path));
      expect(find({ PATH: linked })).toEqual({ path: `${linked}/ssh`, script: false });
    });

    test("takes an empty part of PATH for the current folder, as execvp does", () => {
      const [real, before] = [realSsh(), process.cwd()];
      process.chdir(real);
      try {
        for (const PATH of ["", ":/nowhere", "/nowhere:", "/nowhere::/nowhere"]) {
          expect(find({ PATH })).toEqual({ path: "./ssh", script: false });
        }
      } finally {
        process.chdir(before);
      }
    });

    test("without PATH looks where execvp looks", () => {
      expect(["/bin/ssh", "/usr/bin/ssh"]).toContain(find({}).path);
    });

    test("BSSH_SSH is a path, or a name on PATH", () => {
      const [real, other] = [realSsh(), folder()];
      writeFileSync(`${other}/ssh-10`, "\x7fELF", { mode: 0o755 });
      expect(find({ PATH: real, BSSH_SSH: `${other}/ssh-10` }).path).toBe(`${other}/ssh-10`);
      expect(find({ PATH: `${real}:${other}`, BSSH_SSH: "ssh-10" }).path).toBe(`${other}/ssh-10`);
      expect(find({ PATH: real, BSSH_SSH: "" }).path).toBe(`${real}/ssh`);
      for (const BSSH_SSH of ["ssh-10", "/nowhere/ssh", `${other}/`, other, " ", "./ssh-10"]) {
        expect(sentence({ PATH: real, BSSH_SSH })).toStartWith("BSSH_SSH does not name a program that is ssh; ");
      }
    });

    test("a pipe named ssh is not waited for", () => {
      const pipe = folder();
      Bun.spawnSync(["mkfifo", "-m", "755", `${pipe}/ssh`]);
      const real = realSsh();
      expect(find({ PATH: `${pipe}:${real}` }).path).toBe(`${real}/ssh`);
    });
  });
}

/** Runs findSsh where modes count: as root without capabilities, or simply as the user. */
function findUnprivileged(path: string): string {
  const code = `
    import { findSsh } from ${JSON.stringify(join(import.meta.dir, "../../src/ssh/find.ts"))};
    import { libcSystem } from ${JSON.stringify(join(import.meta.dir, "../../src/system/libc.ts"))};
    import { nodeSystem } from ${JSON.stringify(join(import.meta.dir, "../../src/system/node.ts"))};
    const system = process.platform === "linux" ? libcSystem("libc.so.6") : nodeSystem();
    console.log(findSsh(system, { PATH: ${JSON.stringify(path)} }).path);`;
  const drop = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];
  const { stdout, stderr } = Bun.spawnSync([...drop, process.execPath, "-e", code], { stdin: "ignore" });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return stdout.toString().trim();
}

test("a program that may be run and not read is taken; a folder that may be entered and not read is not", () => {
  const [closed, real] = [withSsh((path) => mkdirSync(path, { mode: 0o711 })), realSsh()];
  chmodSync(`${closed}/ssh`, 0o111);
  chmodSync(`${real}/ssh`, 0o111);
  const found = findUnprivileged(`${closed}:${real}`);
  chmodSync(`${closed}/ssh`, 0o755);
  expect(found).toBe(`${real}/ssh`);
});

describe("what becoming ssh adds to the environment", () => {
  const program: Ssh = { path: "/usr/bin/ssh", script: false };
  const script: Ssh = { path: "/home/alice/bin/ssh", script: true };
  test("is BLESS_COMPLETE, once", () => {
    expect(addedEnvironment(program, {})).toEqual({ BLESS_COMPLETE: "1" });
    expect(addedEnvironment(program, { BLESS_COMPLETE: "" })).toEqual({ BLESS_COMPLETE: "1" });
    expect(addedEnvironment(program, { BLESS_COMPLETE: "1" })).toEqual({});
    expect(addedEnvironment(script, {})).toEqual({ BLESS_COMPLETE: "1" });
  });
  test("counts the rounds through a script, and ends them", () => {
    let environment: Record<string, string> = { BLESS_COMPLETE: "1" };
    const rounds: string[] = [];
    expect(() => {
      for (;;) {
        environment = { ...environment, ...addedEnvironment(script, environment) };
        rounds.push(environment["BSSH_ROUND"] ?? "");
      }
    }).toThrow("/home/alice/bin/ssh runs bssh again");
    expect(rounds).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
  });
  test("takes a count that is none for one too many", () => {
    for (const BSSH_ROUND of ["x", "", "-", "8", "99"]) {
      expect(() => addedEnvironment(script, { BLESS_COMPLETE: "1", BSSH_ROUND })).toThrow("runs bssh again");
    }
  });
});
