// promise: whatever the paths of key and certificate are called, ssh understands them as they are
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../src/failure.ts";
import { becomeSsh, identityWords } from "../../src/ssh/become.ts";
import type { System } from "../../src/system/system.ts";
import { sshKeygen } from "../wire/support.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bssh-become-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What real ssh makes of the words: as `-G` prints them, and as `-v` says that it opened them. */
function ask(words: readonly string[]): {
  certificates: string[];
  identities: string[];
  opened: string[];
  warnings: string;
} {
  const run = (more: readonly string[]) => {
    const { stdout, stderr } = Bun.spawnSync(["ssh", "-F", "none", "-T", ...words, ...more, "web1"], {
      stdin: "ignore",
    });
    return { out: stdout.toString(), error: stderr.toString() };
  };
  const { out, error } = run(["-G"]);
  const values = (key: string) =>
    [...out.matchAll(new RegExp(`^${key} (.*(?:\\n\\S*[^a-z \\n].*)*)$`, "gm"))].map(([, value = ""]) => value);
  const verbose = run(["-v", "-o", "ProxyCommand=false", "-o", "IdentityAgent=none"]).error;
  const opened = [...verbose.matchAll(/^debug1: (?:identity|certificate) file (.*) type (\d+)/gm)].map(
    ([, path = ""]) => readLog(path),
  );
  return {
    certificates: values("certificatefile"),
    identities: values("identityfile"),
    opened,
    warnings: error,
  };
}

/** ssh's log writes what is no plain ASCII as vis(3) does. */
function readLog(text: string): string {
  const bytes = Buffer.from(
    text.replace(/\\(\\|[0-7]{3})/g, (_, code) =>
      code === "\\" ? code : String.fromCharCode(Number.parseInt(code, 8)),
    ),
    "latin1",
  );
  return bytes.toString("utf8");
}

const FOLDERS = [
  "plain",
  "with space",
  " leading and trailing ",
  "two  spaces",
  "per%cent",
  "%h %d %% %",
  'double"quote',
  "single'quote",
  "back\\slash",
  'back\\"both\\',
  "$HOME",
  "$(id) `id`",
  "dollar$",
  "#hash",
  "semi;colon,comma=equals",
  "tilde~",
  "ümläut ✓",
  "[brackets]{braces}*?",
  "tab\there",
];

describe("identityWords", () => {
  for (const name of FOLDERS) {
    test(`a folder called ${JSON.stringify(name)} is understood`, () => {
      const folder = join(root, `${FOLDERS.indexOf(name)}`, name, "ssh");
      mkdirSync(folder, { recursive: true });
      const key = join(folder, "blessid");
      const other = join(folder, "id_rsa");
      expect(sshKeygen(["-q", "-t", "ed25519", "-N", "", "-f", key]).status).toBe(0);
      expect(sshKeygen(["-q", "-t", "ed25519", "-N", "", "-f", other]).status).toBe(0);
      const ca = join(root, "ca");
      sshKeygen(["-q", "-t", "ed25519", "-N", "", "-f", ca], "n\n");
      expect(sshKeygen(["-q", "-s", ca, "-I", "x", "-n", "alice", `${key}.pub`]).status).toBe(0);
      const certificate = `${key}-cert.pub`;

      const answer = ask(identityWords({ certificate, key, defaults: [other] }));
      const said = (path: string) => path.replaceAll("%", "%%");
      expect(answer.certificates).toEqual([said(certificate)]);
      expect(answer.identities.at(0)?.replaceAll("%%", "%")).toBe(key);
      expect(answer.identities.at(1)?.replaceAll("%%", "%")).toBe(other);
      expect(answer.identities.length).toBe(2);
      expect(answer.warnings).toBe("");
      expect(answer.opened).toEqual(expect.arrayContaining([key, other, certificate]));
    });
  }

  test("a plain path is said plainly", () => {
    const certificate = "/home/alice/.ssh/blessid-cert.pub";
    expect(
      identityWords({ certificate, key: "/home/alice/.ssh/blessid", defaults: ["/home/alice/.ssh/id_rsa"] }),
    ).toEqual([
      "-o",
      `CertificateFile=${certificate}`,
      "-i",
      "/home/alice/.ssh/blessid",
      "-o",
      "IdentityFile=/home/alice/.ssh/id_rsa",
    ]);
    expect(identityWords({ certificate, key: null, defaults: [] })).toEqual(["-o", `CertificateFile=${certificate}`]);
    expect(identityWords({ certificate: null, key: null, defaults: [] })).toEqual([]);
  });

  test("what ssh would take for a variable is not said: ssh would end with an error, or open another file", () => {
    for (const name of ["HOME", "NOWHERE"].map((variable) => ["$", `{${variable}}`].join(""))) {
      const words = identityWords({
        certificate: `/tmp/${name}/c`,
        key: `/tmp/${name}/k`,
        defaults: [`/tmp/${name}/d`],
      });
      expect(words).toEqual([]);
    }
  });
});

describe("becomeSsh", () => {
  const failing = (number: number): System =>
    ({ become: () => number }) satisfies Pick<System, "become"> as unknown as System;
  const sentence = (number: number) => {
    try {
      becomeSsh(failing(number), { path: "/usr/bin/ssh", script: false }, {}, { inserted: [], hop: null, skip: 0 });
    } catch (error) {
      if (error instanceof Failure && error.status === 255) return error.sentence;
      throw error;
    }
  };
  test("says why the system refused", () => {
    expect(sentence(7)).toBe(
      "could not become /usr/bin/ssh (the command line and environment are too long); run it by hand to see more",
    );
    expect(sentence(8)).toBe("could not become /usr/bin/ssh (errno 8); run it by hand to see more");
  });
});
