// promise: bssh connects in ssh's place only where ssh would connect in the plainest way
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DIALER_RULES, dialerWords } from "../../src/ssh/dialer.ts";
import { call, gaps, keywordsOf, lowerCaseTexts, NO_LONGER_READ } from "./rules-support.ts";

const NOTHING: ReadonlySet<string> = new Set();
const program = "/usr/local/bin/bssh";
const words = (...typed: string[]) => dialerWords({ call: call(...typed), mentioned: NOTHING, program });
const WORDS = ["-o", "ProxyUseFdpass=yes", "-o", "ProxyCommand=/usr/local/bin/bssh proxy -- '%h' %p"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-dialer-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the words", () => {
  test("are given where nothing speaks against them", () => {
    for (const typed of [
      ["web1"],
      ["-p", "2200", "-l", "bob", "-i", "key", "web1", "echo", "-4"],
      ["-tA", "-L", "80:h:80", "alice@web1", "-NTf"],
      ["-o", "StrictHostKeyChecking=no", "-oUser=bob", "web1", "-D1080", "-J"],
      ["-xoForwardAgent=no", "-oHostName=web1.example.com", "-s", "--", "web1", "sftp"],
      ["--", "web1", "-v"],
      ["web1", "--", "-6", "-J", "gate"],
    ]) {
      expect(words(...typed), typed.join(" ")).toEqual(typed.at(-1) === "-J" ? [] : WORDS);
    }
    const mentioned = new Set([
      "host",
      "match",
      "include",
      "sendenv",
      "hashknownhosts",
      "gssapiauthentication",
      "hostname",
    ]);
    expect(dialerWords({ call: call("web1"), mentioned, program })).toEqual(WORDS);
  });

  test("are not given where ssh_config can't be told", () => {
    expect(dialerWords({ call: call("web1"), mentioned: null, program })).toEqual([]);
  });

  test("are not given for an option that the table does not know", () => {
    expect(words("-o", "NewOption=yes", "web1")).toEqual([]);
    expect(dialerWords({ call: call("web1"), mentioned: new Set(["newoption"]), program })).toEqual([]);
    for (const typed of ["-Z", "-Px", "-P", "-%"]) expect(words(typed, "web1"), typed).toEqual([]);
  });

  test("are not given for a host name that the shell might take for more", () => {
    for (const name of ['"a\'b"', "\"a'$(id)'\"", "a;id", "a b", "$(id)", "ü"]) {
      expect(words("-o", `HostName=${name}`, "web1"), name).toEqual([]);
    }
    expect(words("-oHostName=%h.example.com", "web1")).toEqual(WORDS);
    expect(words("-oHostName=fe80::1%eth0", "web1")).toEqual(WORDS);
  });
});

describe("the table", () => {
  test.each(Object.entries(DIALER_RULES.against))("%s, typed or in ssh_config, speaks against: %s", (keyword) => {
    expect(words("-o", `${keyword}=1`, "web1")).toEqual([]);
    expect(words("web1", `-o${keyword.toUpperCase()} 1`)).toEqual([]);
    expect(dialerWords({ call: call("web1"), mentioned: new Set([keyword]), program })).toEqual([]);
  });

  test.each(Object.entries(DIALER_RULES.againstLetters))("-%s speaks against: %s", (letter) => {
    expect(words(`-${letter}`, "web1", "web2")).toEqual([]);
    expect(words("web1", `-T${letter}`, "web2")).toEqual([]);
  });

  test("names every keyword that this ssh reads, each once", async () => {
    const keywords = await keywordsOf(lowerCaseTexts(), folder);
    expect(keywords.length).toBeGreaterThan(90);
    const { unknown, twice } = gaps(DIALER_RULES, keywords);
    expect(unknown.filter((keyword) => !NO_LONGER_READ.includes(keyword))).toEqual([]);
    expect(twice).toEqual([]);
  });
});

describe("the program's path", () => {
  const names = [
    "bssh",
    "b ssh",
    "b'ssh",
    'b"s"sh',
    "b%h%ssh",
    "b$HOME",
    "b\\s\\\\sh",
    "b#;&|<>(){}*?!~^`=[]ssh",
    "bßh",
  ];
  const shells = ["sh", "dash", "bash", "zsh", "fish", "tcsh", "ksh"].flatMap((name) => Bun.which(name) ?? []);

  test.each(names)("%s is run by ssh as it is, by every shell on this machine", (name) => {
    const place = join(folder, "bin");
    mkdirSync(place, { recursive: true });
    const path = join(place, name);
    const record = join(folder, "record");
    writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${record}'\n`);
    chmodSync(path, 0o700);
    for (const shell of shells) {
      const inserted = dialerWords({ call: call("web1"), mentioned: NOTHING, program: path });
      expect(inserted).not.toEqual([]);
      const env = { PATH: process.env["PATH"] ?? "", SHELL: shell, HOME: folder };
      Bun.spawnSync(["ssh", "-F", "none", ...inserted, "-p", "2200", "web1.example.com"], { env, stdin: "ignore" });
      const ran = existsSync(record) ? readFileSync(record, "utf8") : "nothing";
      rmSync(record, { force: true });
      expect(ran, shell).toBe("proxy\n--\nweb1.example.com\n2200\n");
    }
  });

  test("that can't be written for a shell gives no words", () => {
    for (const path of ["/b\nssh", "/b\tssh", "bssh", "", "/b\uFFFDssh"]) {
      expect(dialerWords({ call: call("web1"), mentioned: NOTHING, program: path })).toEqual([]);
    }
  });
});
