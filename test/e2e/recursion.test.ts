// promise: bssh never runs itself, whatever alias, link, copy or script stands on PATH under the name ssh
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const built = resolve(import.meta.dir, "../../dist/bssh");
const NONE = "bssh: no ssh on PATH beside bssh itself; install the OpenSSH client, or name it with BSSH_SSH\n";
let root: string;
let bssh: string;
let real: string;
let tools: string;

beforeAll(() => {
  // Beside dist, so that it can be linked.
  root = mkdtempSync(join(resolve(built, ".."), ".recursion-"));
  bssh = join(root, "bssh");
  linkSync(built, bssh);
  real = folder("real");
  writeFileSync(`${real}/ssh`, `#!/bin/sh\nprintf 'real ssh'; printf ' [%s]' "$@"; echo\n`, { mode: 0o755 });
  // What the scripts need, and no ssh.
  tools = folder("tools");
  for (const name of ["sh", "env"]) symlinkSync(Bun.which(name) ?? "", `${tools}/${name}`);
  symlinkSync(bssh, `${tools}/bssh`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function run(words: readonly string[], path: readonly string[], added: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], {
    env: { PATH: [...path, tools].join(":"), HOME: root, ...added },
    stdin: "ignore",
    timeout: 20_000,
  });
  return { status: exitCode, out: stdout.toString(), err: stderr.toString() };
}

const SELVES: Readonly<Record<string, (path: string) => void>> = {
  "a symbolic link": (path) => symlinkSync(bssh, path),
  "a link to a link": (path) => {
    symlinkSync(bssh, `${path}-1`);
    symlinkSync("ssh-1", path);
  },
  "a hard link": (path) => linkSync(bssh, path),
  "a copy": (path) => copyFileSync(bssh, path),
};

describe("named ssh, first on PATH,", () => {
  for (const [name, make] of Object.entries(SELVES)) {
    test(`${name} of bssh is the wrapper and runs the real one`, () => {
      const before = folder(`self ${name}`);
      make(`${before}/ssh`);
      for (const program of [`${before}/ssh`, "ssh", bssh]) {
        // A command's name is a host here.
        expect(run(["/bin/sh", "-c", '"$@"', "sh", program, "-v", "web1", "status"], [before, real])).toEqual({
          status: 0,
          out: "real ssh [-v] [web1] [status]\n",
          err: "",
        });
      }
      expect(run([`${before}/ssh`, "status"], [before, real]).out).toBe("real ssh [status]\n");
      expect(run([`${before}/ssh`, "--", "status"], [before, before, "", before, real]).out).toBe(
        "real ssh [--] [status]\n",
      );
    });
    test(`${name} of bssh alone is said to be alone`, () => {
      const before = folder(`alone ${name}`);
      make(`${before}/ssh`);
      for (const program of [`${before}/ssh`, bssh]) {
        expect(run([program, "web1"], [before, before])).toEqual({ status: 255, out: "", err: NONE });
      }
      expect(run([bssh, "web1"], [real], { BSSH_SSH: `${before}/ssh` })).toEqual({
        status: 255,
        out: "",
        err: "bssh: BSSH_SSH does not name a program that is ssh; set it to the path of the real ssh\n",
      });
    });
  }
});

test("an alias in a shell doesn't reach into bssh", () => {
  const script = `alias ssh=bssh\nssh web1\nf() { bssh "$@"; }\nf web2\n`;
  expect(run(["/bin/sh", "-c", script], [real]).out).toBe("real ssh [web1]\nreal ssh [web2]\n");
});

describe("a script named ssh", () => {
  test("that runs the real one is ssh", () => {
    const before = folder("good script");
    writeFileSync(`${before}/ssh`, `#!/bin/sh\nexec ${real}/ssh -4 "$@"\n`, { mode: 0o755 });
    expect(run([bssh, "web1"], [before, real])).toEqual({ status: 0, out: "real ssh [-4] [web1]\n", err: "" });
  });
  for (const [name, line] of Object.entries({
    "runs bssh": `exec bssh "$@"`,
    "runs bssh as a child": `bssh "$@"\nexit $?`,
    "runs ssh, which is itself": `exec ssh "$@"`,
    "runs bssh with more words": `exec bssh -v "$@"`,
  })) {
    test(`that ${name} ends with a sentence`, () => {
      const before = folder(`script ${name}`);
      // With `exec ssh` it is the link that leads back.
      if (line.includes("exec ssh")) symlinkSync(bssh, `${folder(`link ${name}`)}/ssh`);
      writeFileSync(`${before}/ssh`, `#!/bin/sh\n${line.replace("exec ssh", `exec "${root}/link ${name}/ssh"`)}\n`, {
        mode: 0o755,
      });
      expect(run([bssh, "web1"], [before, real])).toEqual({
        status: 255,
        out: "",
        err: `bssh: ${before}/ssh runs bssh again; name the real ssh with BSSH_SSH\n`,
      });
      expect(run([bssh, "web1"], [before, real], { BSSH_SSH: `${real}/ssh` }).out).toStartWith("real ssh ");
    });
  }
  test("that runs bssh doesn't make asking ssh -V or -G go on for ever", () => {
    const before = folder("asked script");
    writeFileSync(`${before}/ssh`, `#!/bin/sh\nexec bssh "$@"\n`, { mode: 0o755 });
    const config = join(root, "config.toml");
    writeFileSync(config, `domain_regex = 'ours'\n`);
    for (const words of [["-P", "x", "web1"], ["other"], ["-V"]]) {
      const { status, err } = run([bssh, ...words], [before, real], { BSSH_CONFIG: config });
      expect(status).toBe(255);
      expect(err.trimEnd().split("\n").length).toBe(1);
    }
  });
});

test("BLESS_COMPLETE, as a bssh further up sets it, leaves only the last step", () => {
  const config = join(root, "broken.toml");
  writeFileSync(config, "this is no config");
  const added = { BLESS_COMPLETE: "1", BSSH_CONFIG: config };
  expect(run([bssh, "web1"], [real], added)).toEqual({ status: 0, out: "real ssh [web1]\n", err: "" });
});
