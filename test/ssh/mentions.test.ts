// promise: a keyword that is in force for any host is among those said to be mentioned, or nothing is said
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, relative } from "node:path";
import { mayMention, mentionedKeywords } from "../../src/ssh/mentions.ts";
import { libcSystem } from "../../src/system/libc.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { askSsh } from "../argv/ssh-oracle.ts";
import { makeRandom } from "../wire/support.ts";
import { generate } from "./config-generator.ts";

const CONFIGS = 600;
const system = process.platform === "linux" ? libcSystem("libc.so.6") : nodeSystem();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-mentions-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function mentioned(text: string, home = folder): string[] | null {
  const userConfig = join(folder, "config");
  writeFileSync(userConfig, text);
  const keywords = mentionedKeywords(system, { home, userConfig, withSystemConfig: false });
  return keywords === null ? null : [...keywords].sort();
}

test(`${CONFIGS} random configurations: what ssh -G shows to be configured is mentioned`, async () => {
  const random = makeRandom("ssh_config");
  // ssh takes the home from the password database.
  const home = userInfo().homedir;
  const reach = relative(`${home}/.ssh`, folder);
  const configs = Array.from({ length: CONFIGS }, (_, number) => generate(random, folder, reach, number));
  const settings = (output: string) => output.split("\n").filter((line) => /^(?!host )[a-z0-9]+ /.test(line));
  const bare = Bun.spawnSync(["ssh", "-G", "-F", "none", "web1"], { stdin: "ignore" }).stdout.toString();
  const standard = new Set(settings(bare));
  const counts = { told: 0, untold: 0, refused: 0, settings: 0 };
  const wrong: string[] = [];
  await askSsh(
    configs.map(({ path }) => ["-G", "-F", path, "web1"]),
    folder,
    (index, { status, output }) => {
      const config = configs[index];
      if (config === undefined) return;
      if (status !== 0) {
        counts.refused += 1;
        return;
      }
      const files = { home, userConfig: config.path, withSystemConfig: false };
      const keywords = mentionedKeywords(system, files);
      if (keywords === null) {
        counts.untold += 1;
        return;
      }
      counts.told += 1;
      for (const line of settings(output)) {
        const [key = "", value = ""] = line.split(" ");
        // The name typed is HostName where none is configured.
        if (standard.has(line) || (key === "hostname" && value === "web1")) continue;
        counts.settings += 1;
        if (!mayMention(system, files, key)) wrong.push(`no search finds ${line}\n${config.text}`);
        if (!keywords.has(key) && !keywords.has(`${key}2`)) wrong.push(`${line}\n${config.text}`);
      }
    },
  );
  console.log(JSON.stringify(counts));
  expect(wrong.slice(0, 3).join("\n======\n")).toBe("");
  expect(counts.told).toBeGreaterThan(200);
  expect(counts.settings).toBeGreaterThan(200);
}, 60_000);

describe("mentionedKeywords", () => {
  test("names the keywords of every block in lower case, comments left out", () => {
    expect(mentioned("")).toEqual([]);
    expect(mentioned("# ProxyJump x\n  #ProxyJump x\n\n\t\n")).toEqual([]);
    expect(mentioned("PORT 22\r\n\tUser=bob\r\n  ForwardAgent = yes")).toEqual(["forwardagent", "port", "user"]);
    expect(mentioned("Host a\n  ProxyJump x\nMatch final\n  BindAddress y\n")).toEqual([
      "bindaddress",
      "host",
      "match",
      "proxyjump",
    ]);
    expect(mentioned("ProxyCommand ssh -W %h:%p gate # Port 3\n")).toEqual(["proxycommand"]);
  });

  test("follows Include from the home, from ~/.ssh and by globs, in quotes too", () => {
    mkdirSync(join(folder, ".ssh/more of it"), { recursive: true });
    writeFileSync(join(folder, ".ssh/one"), "Include more\\ of\\ it/*\nPort 1\n");
    writeFileSync(join(folder, ".ssh/more of it/a"), "ProxyJump x\n");
    writeFileSync(join(folder, ".ssh/more of it/b"), "Tunnel yes\n");
    expect(mentioned("Include one\n")).toEqual(["include", "port", "proxyjump", "tunnel"]);
    expect(mentioned('Include "~/.ssh/more of it/a" nowhere/*\n')).toEqual(["include", "proxyjump"]);
    expect(mentioned(`Host x\n  include = ${folder}/.ssh/one\n`)).toEqual([
      "host",
      "include",
      "port",
      "proxyjump",
      "tunnel",
    ]);
  });

  test("says nothing where it can't be told", () => {
    const loop = join(folder, ".ssh/loop");
    mkdirSync(join(folder, ".ssh"), { recursive: true });
    writeFileSync(loop, "Include loop\n");
    for (const text of [
      '"Port" 22\n',
      'Po"rt" 22\n',
      "=Port 22\n",
      "Include %d/x\n",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: ssh's own notation
      "Include ${HOME}/x\n",
      "Include ~bob/x\n",
      "Include 'x\n",
      "Include\n",
      "Include größe\n",
      "Include loop\n",
      // A folder can be opened and not read.
      `Include ${folder}\n`,
      'HostName a";id"\n',
      "HostName a'b\n",
      "HostName $(id)\n",
    ]) {
      expect(`${text}${JSON.stringify(mentioned(text))}`).toBe(`${text}null`);
    }
  });

  test("reads the system's file unless -F was typed, and nothing for -F none", () => {
    const files = new Map([["/etc/ssh/ssh_config", "Include ssh_config.d/*.conf\nSendEnv LANG\n"]]);
    files.set("/etc/ssh/ssh_config.d/a.conf", "BindInterface eth0\n");
    files.set("/home/alice/.ssh/config", "User bob\n");
    const scene = {
      ...system,
      read: (path: string) => (files.has(path) ? new TextEncoder().encode(files.get(path)) : null),
      glob: (pattern: string) => [...files.keys()].filter((path) => path.startsWith(pattern.replace(/\*.*/, ""))),
    };
    const home = "/home/alice";
    const ask = (userConfig: string | null, withSystemConfig: boolean) =>
      [...(mentionedKeywords(scene, { home, userConfig, withSystemConfig }) ?? ["untold"])].sort();
    expect(ask(`${home}/.ssh/config`, true)).toEqual(["bindinterface", "include", "sendenv", "user"]);
    expect(ask(`${home}/.ssh/config`, false)).toEqual(["user"]);
    expect(ask(null, false)).toEqual([]);
  });

  test("a file that may not be read leaves everything untold", () => {
    const scene = {
      ...system,
      read: () => {
        throw new Error("EACCES");
      },
    };
    expect(mentionedKeywords(scene, { home: "/h", userConfig: "/h/.ssh/config", withSystemConfig: false })).toBe(null);
  });
});

test("a search finds a keyword in any file that is read, and says no only when none has it", () => {
  const may = (text: string) => {
    const userConfig = join(folder, "config");
    writeFileSync(userConfig, text);
    return mayMention(system, { home: folder, userConfig, withSystemConfig: false }, "proxyjump");
  };
  writeFileSync(join(folder, "jumps"), "Host web*\n  ProxyJump bastion\n");
  expect(may("Host web*\n  User alice\n")).toBe(false);
  expect(may("Host web*\n  PROXYJUMP bastion\n")).toBe(true);
  expect(may(`Include ${folder}/jumps\n`)).toBe(true);
  expect(may(`Include ${folder}/none\n`)).toBe(false);
  expect(may("Include %d/x\n")).toBe(true);
  expect(may('Host web*\n  Proxy"Jump" bastion\n')).toBe(true);
});
