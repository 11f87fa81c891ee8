// promise: whether the user's configuration names an identity file is never got wrong: either it is known, or ssh is asked
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join, relative } from "node:path";
import { defaultIdentities, namesIdentity, triedDefaults } from "../../src/ssh/defaults.ts";
import { libcSystem } from "../../src/system/libc.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { askSsh } from "../argv/ssh-oracle.ts";
import { makeRandom } from "../wire/support.ts";
import { generate } from "./config-generator.ts";

const CONFIGS = 2000;
const system = process.platform === "linux" ? libcSystem("libc.so.6") : nodeSystem();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-defaults-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ask(text: string, host = "web1", home = "/home/alice"): boolean | null {
  const userConfig = join(folder, "config");
  writeFileSync(userConfig, text);
  return namesIdentity(system, { home, userConfig, withSystemConfig: false, host });
}

test(`${CONFIGS} random configurations: what is said for certain is what ssh -G says`, async () => {
  const random = makeRandom("ssh_config");
  // ssh takes the home from the password database.
  const home = userInfo().homedir;
  const reach = relative(`${home}/.ssh`, folder);
  const configs = Array.from({ length: CONFIGS }, (_, number) => generate(random, folder, reach, number));
  const words = configs.map(({ path, host }) => ["-G", "-F", path, host]);
  const bare = Bun.spawnSync(["ssh", "-G", "-F", "none", "web1"], { stdin: "ignore" }).stdout.toString();
  const identities = (output: string) =>
    output
      .split("\n")
      .filter((line) => line.startsWith("identityfile "))
      .join("\n");
  const defaults = identities(bare);
  const counts = { named: 0, unnamed: 0, unsure: 0, refused: 0 };
  const wrong: string[] = [];
  await askSsh(words, folder, (index, { status, output }) => {
    const config = configs[index];
    if (config === undefined) return;
    if (status !== 0) {
      counts.refused += 1;
      return;
    }
    const scene = { home, userConfig: config.path, withSystemConfig: false, host: config.host };
    const said = namesIdentity(system, scene);
    const isNamed = identities(output) !== defaults;
    if (said === null) counts.unsure += 1;
    else if (said !== isNamed) wrong.push(`${config.host}: said ${said}\n${config.text}`);
    else if (said) counts.named += 1;
    else counts.unnamed += 1;
  });
  console.log(JSON.stringify(counts));
  expect(wrong.slice(0, 3).join("\n======\n")).toBe("");
  expect(counts.named + counts.unnamed).toBeGreaterThan(1000);
  expect(Math.min(counts.named, counts.unnamed)).toBeGreaterThan(200);
}, 120_000);

describe("namesIdentity", () => {
  test("knows the everyday configurations without asking ssh", () => {
    expect(ask("")).toBe(false);
    expect(ask("Host *\n  ForwardAgent yes\n")).toBe(false);
    expect(ask("IdentityFile ~/.ssh/own\n")).toBe(true);
    expect(ask("Host github.com\n  IdentityFile ~/.ssh/github\nHost *\n  User bob\n")).toBe(false);
    expect(ask("Host web*\n  IdentityFile ~/.ssh/own\n")).toBe(true);
    expect(ask("Host web* !web1\n  IdentityFile ~/.ssh/own\n")).toBe(false);
    expect(ask('Match host db exec "x"\n  IdentityFile ~/.ssh/own\n')).toBe(null);
    expect(ask("Match host db\n  User bob\nMatch all\n  IdentityFile x\n")).toBe(true);
    expect(ask("Match final\n  User bob\nHost real\n  IdentityFile x\n")).toBe(null);
    expect(ask("CanonicalizeHostname yes\nHost real\n  IdentityFile x\n")).toBe(null);
    expect(ask("CanonicalizeHostname no\nHost real\n  IdentityFile x\n")).toBe(false);
    expect(ask("IdentityFile none\n")).toBe(true);
    expect(ask('Host "my host"\n  IdentityFile x\n')).toBe(false);
    expect(ask("Include %d/x\n")).toBe(null);
    expect(ask("Include ~bob/x\n")).toBe(null);
  });

  test("follows Include from the user's own folder, and from the system's", () => {
    const home = join(folder, "home");
    mkdirSync(join(home, ".ssh/conf.d"), { recursive: true });
    writeFileSync(join(home, ".ssh/conf.d/10-own.conf"), "Host web1\n  IdentityFile x\n");
    expect(ask("Include conf.d/*.conf\n", "web1", home)).toBe(true);
    expect(ask("Include ~/.ssh/conf.d/*\n", "web1", home)).toBe(true);
    expect(ask("Include conf.d/*.conf\n", "web2", home)).toBe(false);
    expect(ask("Host web2\nInclude conf.d/*.conf\n", "web1", home)).toBe(false);
    expect(ask("Include conf.d/*.nothing\n", "web1", home)).toBe(false);
  });

  test("a circle of includes ends", () => {
    writeFileSync(join(folder, "circle"), `Include ${folder}/circle\n`);
    expect(ask(`Include ${folder}/circle\n`)).toBe(null);
    writeFileSync(join(folder, "bush"), `Include ${folder}/bush ${folder}/bush\n`.repeat(20));
    expect(ask(`Include ${folder}/bush\n`)).toBe(null);
  });

  test("what can't be read is left to ssh; what isn't there names nothing", () => {
    const scene = { home: "/home/alice", withSystemConfig: false, host: "web1" };
    expect(namesIdentity(system, { ...scene, userConfig: folder })).toBe(null);
    expect(namesIdentity(system, { ...scene, userConfig: "/nowhere/config" })).toBe(false);
    expect(namesIdentity(system, { ...scene, userConfig: null })).toBe(false);
  });

  test("the system's configuration counts when no file is named", () => {
    const files = new Map([
      ["/etc/ssh/ssh_config", "Host *\n  Include ssh_config.d/*.conf\n"],
      ["/etc/ssh/a", "IdentityFile x\n"],
    ]);
    const fake = {
      ...system,
      read: (path: string) => (files.has(path) ? new TextEncoder().encode(files.get(path)) : null),
      glob: (pattern: string) => (pattern === "/etc/ssh/ssh_config.d/*.conf" ? ["/etc/ssh/a"] : []),
    };
    const scene = { home: "/home/alice", userConfig: "/home/alice/.ssh/config", host: "web1" };
    expect(namesIdentity(fake, { ...scene, withSystemConfig: true })).toBe(true);
    expect(namesIdentity(fake, { ...scene, withSystemConfig: false })).toBe(false);
    files.set("/home/alice/.ssh/config", "Match final\n");
    files.set("/etc/ssh/a", "Host real\nIdentityFile x\n");
    expect(namesIdentity(fake, { ...scene, withSystemConfig: true })).toBe(null);
  });
});

test("the default identities that are there come in ssh's order, which is that of ssh -G", () => {
  const home = join(folder, "with keys");
  mkdirSync(join(home, ".ssh"), { recursive: true });
  const bare = Bun.spawnSync(["ssh", "-G", "-F", "none", "web1"], { stdin: "ignore" }).stdout.toString();
  const names = [...bare.matchAll(/^identityfile ~\/\.ssh\/(.*)$/gm)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(4);
  for (const name of [...names, "id_other", "own"]) writeFileSync(join(home, ".ssh", name), "");
  const present = names.map((name) => `${home}/.ssh/${name}`);
  expect(defaultIdentities(system, home)).toEqual(present);
  expect(defaultIdentities(system, dirname(home))).toEqual([]);
  const tried = names.map((name) => `~/.ssh/${name}`);
  expect(triedDefaults(present, tried)).toEqual(present);
  expect(triedDefaults(present, ["~/.ssh/id_ed25519"])).toEqual([`${home}/.ssh/id_ed25519`]);
  expect(triedDefaults(present, [...tried, "~/.ssh/own"])).toEqual([]);
  expect(triedDefaults(present, ["/own"])).toEqual([]);
  expect(triedDefaults(present, ["none"])).toEqual([]);
  expect(triedDefaults(present, [])).toEqual([]);
});
