// promise: what bssh setup writes works with every shell, whatever paths and host names hold, and a name is never a command
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setUpSshConfig } from "../../src/setup/ssh-config.ts";
import { askG, makeGround, orderIn, writeRecorder } from "./support.ts";

const SHELLS = ["bash", "zsh", "fish", "dash", "tcsh"].map((name) => Bun.which(name) ?? name);
const ground = makeGround();
afterAll(() => ground.remove());

const ODD = [
  "a b",
  "o'brien",
  'say "hi"',
  "100%h",
  "back\\slash",
  "$HOME",
  "wow!",
  "$(id);`id`",
  "ü #~*?[x]",
  "tab\there",
];

describe.each(SHELLS)("with SHELL=%s", (shell) => {
  test.each(ODD)("a home called %j: the paths of bssh, config, key and our file hold", (name) => {
    const home = join(ground.folder, shell.replaceAll("/", "_"), name);
    mkdirSync(home, { recursive: true });
    const recorder = writeRecorder(join(home, "bin"));
    const order = orderIn(home, { program: recorder.path });
    setUpSshConfig({ ...order, environment: { ...order.environment, SHELL: shell } });
    expect(recorder.words()).toEqual(["match", "--", "bssh-setup.invalid"]);
    const asked = askG(order.paths.sshConfig, ["web1"], { SHELL: shell });
    expect({ status: asked.status, err: asked.err }).toEqual({ status: 0, err: "" });
    expect(recorder.words()).toEqual(["match", "--", "web1"]);
    // ssh -G shows the value before it puts what `%%` stands for in its place.
    expect(asked.values("identityfile")).toEqual([order.identity.key.replaceAll("%", "%%")]);
    expect(asked.values("certificatefile")).toEqual([order.identity.certificate.replaceAll("%", "%%")]);
  });

  describe("a host name", () => {
    let config: string;
    let recorder: ReturnType<typeof writeRecorder>;
    const pwned = join(ground.folder, "pwned");
    beforeAll(() => {
      const home = join(ground.folder, "plain", shell.replaceAll("/", "_"));
      recorder = writeRecorder(join(home, "bin"));
      config = orderIn(home).paths.sshConfig;
      setUpSshConfig(orderIn(home, { program: recorder.path }));
      recorder.words();
    });

    test.each(["-x", "a#b", "*", "[a-z]", "~root", "%h", "fe80::1%eth0", "wüb", "a=b", "{a,b}"])(
      "%s is one word of data",
      (name) => {
        const { status, err } = askG(config, ["--", name], { SHELL: shell });
        const words = recorder.words();
        // ssh itself refuses some of them.
        if (status === 0) expect({ err, words }).toEqual({ err: "", words: ["match", "--", name] });
        else expect(words).toBeNull();
      },
    );

    test("with a ! is not asked about: tcsh has a meaning for it", () => {
      expect(askG(config, ["a!b"], { SHELL: shell })).toMatchObject({ status: 0, err: "" });
      expect(recorder.words()).toBeNull();
    });

    const run = `touch '${pwned}'`;
    const bare = `touch\${IFS}${pwned}`;
    const HOSTILE = [
      `"a;${run}"`,
      `'a;${run}'`,
      `"a';${run};'"`,
      `"a'$(${bare})'"`,
      `"$(${bare})"`,
      `"\`${bare}\`"`,
      `"a\n${run}\n"`,
      `"a'\n${run}\n'"`,
      `"a\\\\"`,
      `"a\\\\';${run};'"`,
      `"a!!"`,
      `"-oProxyCommand=${bare}"`,
    ];
    for (const passes of [[], ["-o", "CanonicalizeHostname=yes"]]) {
      test.each(HOSTILE)(`-o HostName=%s ${passes.join(" ")} is never a command`, (value) => {
        // Where ssh reads its config again the name it found goes to the shell, and tcsh takes a line break for an end of quotes.
        const name = passes.length > 0 && shell.endsWith("tcsh") ? value.replaceAll("\n", "") : value;
        askG(config, [...passes, "-o", `HostName=${name}`, "web1"], { SHELL: shell });
        expect(recorder.words()?.slice(0, 2)).toEqual(["match", "--"]);
        expect(existsSync(pwned)).toBe(false);
      });
    }
  });

  test("bssh that is gone, that fails and that dies of a signal is a plain no", () => {
    const home = join(ground.folder, "gone", shell.replaceAll("/", "_"));
    const order = orderIn(home);
    setUpSshConfig(order);
    const { status, err, values } = askG(order.paths.sshConfig, ["web1"], { SHELL: shell });
    expect({ status, err, ours: values("certificatefile") }).toEqual({ status: 0, err: "", ours: [] });
    for (const end of ["exit 1", "exit 127", "kill -9 $$", "kill -TERM $$", "kill -SEGV $$"]) {
      writeRecorder(join(home, "bin"));
      Bun.write(order.program, `#!/bin/sh\n${end}\n`);
      const again = askG(order.paths.sshConfig, ["web1"], { SHELL: shell });
      expect({ end, status: again.status, ours: again.values("certificatefile") }).toEqual({
        end,
        status: 0,
        ours: [],
      });
    }
  });
});
