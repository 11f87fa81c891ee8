import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { leftAfter, listProcesses, makeGround, openWorkshop, runBssh, until, type Workshop } from "./support.ts";

let shop: Workshop;
let ground: string;
beforeAll(() => {
  shop = openWorkshop();
  ground = makeGround(shop);
});
afterAll(() => shop.close());

const run = (words: readonly string[], environment: Record<string, string> = {}) =>
  runBssh(shop, ["sandbox", ...words], { TMPDIR: ground, ...environment });

describe("COMMAND", () => {
  test("gives its exit status to the sandbox, and its output is its own", async () => {
    const { status, out, err } = await run(["--", "sh", "-c", "echo to stdout; echo to stderr >&2; exit 7"]);
    expect([status, out, err]).toEqual([7, "to stdout\n", "to stderr\n"]);
    expect(await leftAfter(5, ground)).toEqual([]);
  });

  test("that a signal ended counts as 128 and the signal", async () => {
    expect((await run(["--", "sh", "-c", "kill -TERM $$"])).status).toBe(143);
  });

  test("gets its words as they were given", async () => {
    const words = ["a  b", "", "'\"$HOME`*", "-n", "--", "new\nline", "é"];
    const { out } = await run(["--", "sh", "-c", 'for word; do printf "%s|" "$word"; done', "sh", ...words]);
    expect(out).toBe(`${words.join("|")}|`);
  });

  test("reads the caller's stdin and starts in the caller's folder", async () => {
    const child = Bun.spawn([shop.bssh, "sandbox", "--", "sh", "-c", "cat; pwd"], {
      env: { ...process.env, TMPDIR: ground },
      cwd: shop.folder,
      stdin: Buffer.from("typed\n"),
      stdout: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe(`typed\n${shop.folder}\n`);
  });

  test("that is no program is refused before anything else, with status 127", async () => {
    const { status, err } = await run(["--", "no-such-program-here"]);
    expect([status, err]).toEqual([
      127,
      "bssh: there is no program no-such-program-here to run in the sandbox; check its name and PATH\n",
    ]);
    expect(await leftAfter(5, ground)).toEqual([]);
  });
});

describe("COMMAND's environment", () => {
  test("has all that bssh and other AWS clients need, and nothing of the caller's own set-up", async () => {
    const { out } = await run(["--", "env"], {
      AWS_PROFILE: "work",
      AWS_SESSION_TOKEN: "foreign",
      AWS_CA_BUNDLE: "/foreign",
      BLESS_COMPLETE: "1",
      BLESSQUIET: "1",
      BSSH_FOREIGN: "1",
      XDG_CONFIG_HOME: "/foreign",
      SSH_AUTH_SOCK: "/foreign",
      SSH_AGENT_PID: "1",
      NO_PROXY: "example.com",
      KEPT: "as it was",
    });
    const found = new Map(out.split("\n").map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]));
    const root = found.get("BSSH_SANDBOX") ?? "";
    expect(root.startsWith(`${ground}/bssh-`)).toBe(true);
    expect(out).not.toContain("foreign");
    expect([...found.keys()].filter((name) => /^(AWS|BLESS|BSSH|XDG_.*_HOME|SSH_A)/.test(name)).sort()).toEqual([
      "AWS_ACCESS_KEY_ID",
      "AWS_DEFAULT_REGION",
      "AWS_EC2_METADATA_DISABLED",
      "AWS_ENDPOINT_URL",
      "AWS_REGION",
      "AWS_SECRET_ACCESS_KEY",
      "BSSH_CONFIG",
      "BSSH_HOME",
      "BSSH_SANDBOX",
      "BSSH_SANDBOX_HOSTS",
      "BSSH_SANDBOX_HOST_ENV",
      "BSSH_SANDBOX_LOG",
      "BSSH_SANDBOX_PROCESS",
      "BSSH_SSH_CONFIG",
      "SSH_AUTH_SOCK",
    ]);
    for (const name of ["BSSH_CONFIG", "BSSH_HOME", "BSSH_SSH_CONFIG", "BSSH_SANDBOX_LOG", "HOME", "SSH_AUTH_SOCK"]) {
      expect(found.get(name)?.startsWith(`${root}/`)).toBe(true);
    }
    expect(found.get("AWS_ENDPOINT_URL")).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(found.get("BSSH_SANDBOX_HOSTS")).toBe(
      "web1.sandbox.test web2.sandbox.test db1.sandbox.test bastion.sandbox.test",
    );
    expect(found.get("PATH")?.startsWith(`${root}/bin:`)).toBe(true);
    expect(found.get("NO_PROXY")).toBe("example.com,127.0.0.1,localhost");
    expect(found.get("KEPT")).toBe("as it was");
  });

  test("leads to private files, an empty agent, and a config for the sandbox's hosts", async () => {
    const script = `umask 022
      find "$BSSH_SANDBOX" -type d ! -perm 700; find "$HOME" "$BSSH_HOME" -type f ! -perm 600
      ssh-add -l; readlink "$BSSH_SANDBOX/bin/bssh"; for name in ssh scp sftp; do command -v $name; done; wc -c <"$BSSH_SANDBOX_LOG"`;
    const { out } = await run(["--", "sh", "-c", script]);
    expect(out.replaceAll(/\/.*\/bssh-\w{12}(?=\/)/g, "ROOT").replaceAll(/^ +/gm, "")).toBe(
      `The agent has no identities.\n${shop.bssh}\nROOT/bin/ssh\nROOT/bin/scp\nROOT/bin/sftp\n0\n`,
    );
  });

  test("follows --user, --hosts, --cert-seconds and --ask", async () => {
    const words = ["--user", "bob", "--hosts=one.example,two", "--cert-seconds", "7200", "--ask"];
    const { out } = await run([
      ...words,
      "--",
      "sh",
      "-c",
      'echo $BSSH_SANDBOX_HOSTS; cat "$BSSH_CONFIG" $HOME/.aws/config',
    ]);
    expect(out).toStartWith("one.example two\n");
    expect(out).toContain("domain_regex = '(?:one\\.example|two|127\\.0\\.0\\.1)\\Z'");
    expect(out).toContain("certificate_max_seconds = 7800");
    expect(out).toContain(":mfa/bob\n");
    expect(out).not.toContain("mfa_command");
  });

  test("passes over a TMPDIR that is too long for sockets, or has letters that mean something to ssh", async () => {
    const odd = join(ground, "a folder with % and '");
    mkdirSync(odd);
    const { out } = await run(["--", "sh", "-c", 'echo "$BSSH_SANDBOX"'], { TMPDIR: odd });
    expect(out).toMatch(/^\/tmp\/bssh-\w+\n$/);
    expect(existsSync(out.trim())).toBe(false);
    expect(readdirSync(odd)).toEqual([]);
    Bun.spawnSync(["rmdir", odd]);
  });
});

test("ssh inside is the caller's real one, never a bssh under its name", async () => {
  const decoys = join(shop.folder, "decoys");
  mkdirSync(decoys);
  symlinkSync(shop.bssh, join(decoys, "ssh"));
  const PATH = `${decoys}:${process.env["PATH"]}`;
  const { out, status } = await run(["--", "sh", "-c", 'cat "$BSSH_SANDBOX/bin/ssh"; ssh -V'], { PATH });
  expect(status).toBe(0);
  expect(out).not.toContain(decoys);
});

describe("bssh sandbox mfa", () => {
  test("prints the code of the device, six digits", async () => {
    expect((await run(["--", "bssh", "sandbox", "mfa"])).out).toMatch(/^\d{6}\n$/);
  });

  test("waits for the next code when the current one is used up", async () => {
    const { out, err } = await run([
      "--fast-clock",
      "--",
      "sh",
      "-c",
      "bssh certificate && bssh sandbox mfa && rm $HOME/.ssh/blessid* && bssh certificate && wc -l <$BSSH_SANDBOX_LOG",
    ]);
    expect(err).toBe("");
    expect(out).toMatch(/^\d{6}\n\s*8\n$/);
  });

  test("is what the config's mfa_command runs, from any folder and without PATH", async () => {
    const script =
      'line=$(sed -n "s/^mfa_command = \\"\\(.*\\)\\"$/\\1/p" "$BSSH_CONFIG"); cd /; PATH= /bin/sh -c "$line"';
    expect((await run(["--", "sh", "-c", script])).out).toMatch(/^\d{6}\n$/);
  });

  test("outside of a sandbox, or in one that has ended, says so", async () => {
    const outside = await runBssh(shop, ["sandbox", "mfa"], { BSSH_SANDBOX: "" });
    expect([outside.status, outside.err]).toEqual([
      1,
      "bssh: no sandbox is in force here; run this inside bssh sandbox -- COMMAND…\n",
    ]);
    const ended = await runBssh(shop, ["sandbox", "mfa"], { BSSH_SANDBOX: "/tmp/bssh-gone" });
    expect([ended.status, ended.err]).toEqual([
      1,
      "bssh: the sandbox in /tmp/bssh-gone has ended; start another one: bssh sandbox\n",
    ]);
  });
});

describe("words that are not understood", () => {
  for (const [words, sentence] of [
    [["--aks"], "bssh sandbox has no option --aks; did you mean --ask?"],
    [["ls"], "bssh sandbox does not know ls; write a command to run behind --, as in bssh sandbox -- COMMAND"],
    [["mfaa"], "bssh sandbox does not know mfaa; did you mean bssh sandbox mfa?"],
    [["mfa", "123456"], "bssh sandbox mfa takes no further words; see bssh sandbox --help"],
    [["--"], "no command follows the --; see bssh sandbox --help"],
    [["--hosts", "a,,b", "--", "true"], "--hosts: an empty word is no host name; see bssh sandbox --help"],
    [["--hosts", "a;b", "--", "true"], "--hosts: a;b is no host name; see bssh sandbox --help"],
    [["--user", "a b", "--", "true"], "--user a b is no name of an IAM user; see bssh sandbox --help"],
    [
      ["--cert-seconds", "0", "--", "true"],
      "--cert-seconds wants a whole number of seconds from 1 to 31536000; see bssh sandbox --help",
    ],
  ] as const) {
    test(`${words.join(" ")}: one line and status 64`, async () => {
      const { status, out, err } = await run(words);
      expect([status, out, err]).toEqual([64, "", `bssh: ${sentence}\n`]);
    });
  }
});

test("two sandboxes side by side don't know of each other", async () => {
  const meet = join(shop.folder, "meet");
  mkdirSync(meet);
  const script = `echo "$AWS_ENDPOINT_URL $BSSH_SANDBOX $(sed -n 's/ *Port //p' "$BSSH_SSH_CONFIG" | sort -u)" >"$0/$1"
    while [ $(ls "$0" | wc -l) -lt 2 ]; do sleep 0.02; done; bssh sandbox mfa; bssh certificate && ssh -i $HOME/.ssh/blessid web1.sandbox.test "exit $2"`;
  const [one, two] = await Promise.all(
    ["3", "4"].map((status) => run(["--", "sh", "-c", script, meet, status, status])),
  );
  expect([one?.status, two?.status]).toEqual([3, 4]);
  expect(one?.out).not.toBe(two?.out);
  const [first = [], second = []] = ["3", "4"].map((name) => readFileSync(join(meet, name), "utf8").trim().split(" "));
  expect(first.length).toBe(3);
  expect(first.filter((word) => second.includes(word))).toEqual([]);
  expect(await leftAfter(5, ground)).toEqual([]);
});

test("without a COMMAND it says how to come in, stays until Ctrl-C, and leaves nothing", async () => {
  const child = Bun.spawn([shop.bssh, "sandbox"], {
    env: { ...process.env, TMPDIR: ground, AWS_PROFILE: "work" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let out = "";
  const reading = (async () => {
    for await (const bytes of child.stdout) out += Buffer.from(bytes).toString();
  })();
  await until("the guide", () => out.includes("BSSH_SANDBOX_LOG  "));
  expect(out).not.toMatch(/SECRET/);
  const lines = out.split("\n").filter((line) => /^ {2}(export|unset) /.test(line));
  const file = /^ {2}\. (.*)$/m.exec(out)?.[1] ?? "";
  // From another terminal, by either way; a process that was started there is not the sandbox's to end.
  for (const way of [lines.join("\n"), `. ${file}`]) {
    const script = `AWS_PROFILE=work; export AWS_PROFILE\n${way}\necho "$AWS_PROFILE"; bssh sandbox mfa; ssh -G web1.sandbox.test | grep '^hostname'`;
    const { stdout } = Bun.spawnSync(["sh", "-c", script], { env: { ...process.env } });
    expect(stdout.toString()).toMatch(/^\n\d{6}\nhostname 127\.0\.0\.1\n$/);
  }
  const bystander = Bun.spawn(["sh", "-c", `. ${file}\nexec sleep 3600`], { stdin: "ignore" });
  await until("the bystander", () =>
    listProcesses().some(({ id, words }) => id === bystander.pid && words.startsWith("sleep")),
  );
  child.kill("SIGINT");
  await Promise.all([child.exited, reading]);
  expect(child.exitCode).toBe(0);
  expect(bystander.exitCode).toBe(null);
  bystander.kill();
  await bystander.exited;
  expect(await leftAfter(5, ground)).toEqual([]);
});

test("without sshd it names the package", async () => {
  const { findSshd } = await import("../../src/sandbox/sshd.ts");
  const empty = join(shop.folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "not-sshd"), "");
  expect(() => findSshd(empty, [])).toThrow(/there is no sshd on this machine/);
});
