import { describe, expect, test } from "bun:test";
import { helpOf } from "../../src/commands/help.ts";
import { OPTIONS as ENROLL } from "../../src/commands/host/enroll.ts";
import { OPTIONS as RENEW } from "../../src/commands/host/renew.ts";
import { OPTIONS as STATUS } from "../../src/commands/host/status.ts";
import { HOST_WORDS, host, help as hostHelp } from "../../src/commands/host.ts";
import { system } from "../identity/system.ts";

const OPTIONS: Readonly<Record<string, object>> = { enroll: ENROLL, renew: RENEW, status: STATUS };

/** What `bssh host` with these words prints, and its status or its failure's sentence. */
async function run(...words: string[]): Promise<{ out: string[]; said: string | number }> {
  const out: string[] = [];
  const call = {
    words,
    environment: { HOME: "/nowhere", PATH: "/nowhere" },
    system,
    readText: () => null,
    program: "/usr/local/bin/bssh",
    out: (line: string) => void out.push(line),
  };
  try {
    return { out, said: await host(call) };
  } catch (error) {
    return { out, said: (error as { sentence: string }).sentence };
  }
}

describe("the words of bssh host", () => {
  test.each(Object.keys(HOST_WORDS))(
    "%s documents every option that it reads, and no other, with an example",
    async (name) => {
      const entry = HOST_WORDS[name];
      if (entry === undefined) throw new Error(`${name} is gone`);
      const text = helpOf(`host ${name}`, entry, (await entry.open()).help);
      const documented = new Set([...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, option]) => option ?? ""));
      expect([...documented].sort()).toEqual(Object.keys(OPTIONS[name] ?? {}).sort());
      expect(text).toContain(`\n  $ bssh host ${name}`);
      expect((await run(name, "--help")).out).toEqual([text]);
      expect(hostHelp).toContain(`  ${name} `);
    },
  );

  test("are suggested when one is mistyped", async () => {
    expect((await run("enrol")).said).toBe("bssh host has no word enrol; did you mean bssh host enroll?");
    expect((await run()).said).toBe("bssh host wants a word: enroll, renew, status; see bssh host --help");
    expect((await run("renew", "now")).said).toContain("takes no words beside its options");
    expect((await run("renew", "--fource")).said).toContain("did you mean --force?");
  });

  test("want an sshd, its config, and names that are one host's", async () => {
    expect((await run("enroll", "--names", "*.example.com")).said).toContain(
      "--names has a name that holds other characters",
    );
    expect((await run("enroll", "--sshd", "/nowhere/sshd")).said).toBe(
      "/nowhere/sshd is no program; name sshd with --sshd",
    );
    expect((await run("enroll", "--sshd", "/bin/sh", "--sshd-config", "/nowhere/sshd_config")).said).toBe(
      "there is no /nowhere/sshd_config; name sshd's config with --sshd-config",
    );
  });
});
