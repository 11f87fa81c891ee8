// promise: the name typed decides where it can; ssh is asked where it can't, and asked once
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCall } from "../../src/argv/parse.ts";
import { grammarFor } from "../../src/argv/ssh-options.ts";
import { storeCertificate } from "../../src/identity/store.ts";
import type { Ssh } from "../../src/ssh/find.ts";
import { identityOf, judge, judgeCertificate, makeScene, openConfig, type Scene, wordsFor } from "../../src/story.ts";
import { certificateLine, makeIdentity, removeFolders, system } from "../identity/support.ts";

afterAll(removeFolders);

const OURS = String.raw`(web\d+|.*\.ours\.example)$`;
let folder: string;
let asked: string;
let ssh: Ssh;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-story-"));
  asked = join(folder, "asked");
  const path = join(folder, "ssh");
  // Notes what it was asked, and asks the real one.
  writeFileSync(path, `#!/bin/sh\necho "$*" >>'${asked}'\nexec ${Bun.which("ssh")} "$@"\n`);
  chmodSync(path, 0o755);
  ssh = { path, script: true };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function sceneOf(
  words: readonly string[],
  more: { config?: string; environment?: Record<string, string> } = {},
): Promise<Scene> {
  rmSync(asked, { force: true });
  const text = more.config === "" ? "" : `domain_regex = '${OURS}'\n${more.config ?? ""}`;
  const environment = { HOME: folder, PATH: process.env["PATH"], ...more.environment };
  const isUsers = (path: string) => path.startsWith(folder) && path.endsWith("/config.toml");
  const config = await openConfig(environment, (path) => (isUsers(path) ? text : null));
  return makeScene({ system, environment, ssh, call: parseCall(words, grammarFor(null)), config });
}

const timesAsked = () => (existsSync(asked) ? readFileSync(asked, "utf8").trimEnd().split("\n").length : 0);

function sshConfig(text: string): string {
  const path = join(folder, "ssh_config");
  writeFileSync(path, text);
  return path;
}

const ALIASES = `
Host short
  HostName web7
Host SHORT
  HostName web8
Host foreign
  HostName db.elsewhere.example
Host behind
  HostName db.elsewhere.example
  ProxyJump alice@web3:2222
Host far
  HostName db.elsewhere.example
  ProxyJump first.elsewhere.example,ssh://bob@gate:22
Host gate
  HostName gate.ours.example
Host six
  HostName db.elsewhere.example
  ProxyJump [2001:db8::1]:22
Host web9
  HostName db.elsewhere.example
`;

type Case = readonly [words: string, ours: boolean, destination: boolean, asked: number, reason: string];

const CASES: readonly Case[] = [
  ["web1", true, true, 0, "the name typed, web1, matches domain_regex"],
  ["alice@web1 uptime", true, true, 0, "the name typed, web1, matches domain_regex"],
  ["-p 22 ssh://alice@web1:2222", true, true, 0, "the name typed, web1, matches domain_regex"],
  ["a.ours.example", true, true, 0, "the name typed, a.ours.example, matches domain_regex"],
  ["-F CONFIG web9", true, true, 0, "the name typed, web9, matches domain_regex"],
  ["-F CONFIG short", true, true, 1, "its HostName web7 matches domain_regex"],
  ["-F CONFIG SHORT", true, true, 1, "its HostName web8 matches domain_regex"],
  ["-F CONFIG foreign", false, false, 1, "no name matches domain_regex"],
  ["-F CONFIG -o HostName=web4 foreign", true, true, 1, "its HostName web4 matches domain_regex"],
  ["-F none short", false, false, 1, "no name matches domain_regex"],
  ["-F none -J web3 db", true, false, 1, "its jump host web3 matches domain_regex"],
  ["-F none -J x.example,alice@web3:22 db", true, false, 1, "its jump host web3 matches domain_regex"],
  ["-F none -o ProxyJump=web3 db", true, false, 1, "its jump host web3 matches domain_regex"],
  ["-F CONFIG -J gate db", true, false, 2, "its jump host gate matches domain_regex"],
  ["-F CONFIG -J first,second db", false, false, 3, "no name matches domain_regex"],
  ["-F CONFIG behind", true, false, 1, "its jump host web3 matches domain_regex"],
  ["-F CONFIG -J none behind", false, false, 1, "no name matches domain_regex"],
  ["-F CONFIG far", true, false, 3, "its jump host gate matches domain_regex"],
  ["-F CONFIG six", false, false, 2, "no name matches domain_regex"],
  ["-F none 127.0.0.1", false, false, 1, "no name matches domain_regex"],
  ["-F none ::1", false, false, 1, "no name matches domain_regex"],
  ["-F /nowhere/config db", false, false, 1, "no name matches domain_regex"],
];

describe("judge", () => {
  for (const [line, ours, destination, times, reason] of CASES) {
    test(`${line}: ${reason}; ssh is asked ${times} times`, async () => {
      const words = line.replace("CONFIG", sshConfig(ALIASES)).split(" ");
      expect(judge(await sceneOf(words))).toEqual({ ours, destination, reason });
      expect(timesAsked()).toBe(times);
    });
  }

  test("without a domain_regex nobody is asked", async () => {
    expect(judge(await sceneOf(["db"], { config: "" }))).toEqual({
      ours: false,
      destination: false,
      reason: "no domain_regex is configured",
    });
    expect(timesAsked()).toBe(0);
  });

  test("a Match exec of ours does nothing while ssh is asked", async () => {
    const seen = join(folder, "seen");
    const path = sshConfig(`Match exec "echo x$BLESS_COMPLETE >>'${seen}'"\n  HostName web5\n`);
    expect(judge(await sceneOf(["-F", path, "db"])).ours).toBe(true);
    expect(readFileSync(seen, "utf8")).toBe("x1\n");
  });

  test("names that are made to confuse are names", async () => {
    for (const name of ["x;id", "$(id)", "-oProxyCommand=id", "a b", "", "x".repeat(2000)]) {
      expect(judge(await sceneOf(["-F", "none", "--", name]))).toMatchObject({ ours: false });
    }
  });
});

describe("identityOf", () => {
  const identity = makeIdentity("typed");
  const typed = identity.files.key;
  const configured = `identity_file = '/configured/key'\n`;
  const keyOf = async (words: readonly string[], environment: Record<string, string> = {}) =>
    identityOf(await sceneOf([...words, "web1"], { config: configured, environment })).key;

  test("is the configured one", async () => expect(await keyOf([])).toBe("/configured/key"));
  test("is the first -i that is there", async () => {
    expect(await keyOf(["-i", "/nowhere/key", "-i", typed, "-i", "/also/nowhere"])).toBe(typed);
    expect(await keyOf(["-i", "/nowhere/key"])).toBe("/configured/key");
  });
  test("is the private half when the public one or the certificate is named", async () => {
    expect(await keyOf(["-i", `${typed}.pub`])).toBe(typed);
    expect(await keyOf(["-i", `${typed}-cert.pub`])).toBe(typed);
  });
  test("is what BLESS_IDENTITYFILE names, whatever is typed", async () => {
    expect(await keyOf(["-i", typed], { BLESS_IDENTITYFILE: "/from/environment" })).toBe("/from/environment");
  });
  test("knows the home by its sign", async () => {
    mkdirSync(join(folder, ".ssh"), { recursive: true });
    writeFileSync(join(folder, ".ssh", "own"), "");
    expect(await keyOf(["-i", "~/.ssh/own"])).toBe(`${folder}/.ssh/own`);
  });
});

describe("wordsFor", () => {
  const home = () => join(folder, ".ssh");
  const added = async (words: readonly string[]) => {
    const scene = await sceneOf([...words], { config: "identity_file = '/configured/key'\n" });
    return (await wordsFor(scene, identityOf(scene))).join(" ");
  };
  const BLESSED = "-o CertificateFile=/configured/key-cert.pub -i /configured/key";

  beforeAll(() => {
    mkdirSync(home(), { recursive: true });
    for (const name of ["id_rsa", "id_ed25519"]) writeFileSync(join(home(), name), "");
  });
  const defaults = () => ` -o IdentityFile=${home()}/id_rsa -o IdentityFile=${home()}/id_ed25519`;

  test("names the certificate, the key, and the default keys whose chance would be lost", async () => {
    expect(await added(["-F", "none", "web1"])).toBe(BLESSED + defaults());
    expect(await added(["-F", sshConfig("Host db\n  IdentityFile /x\n"), "web1"])).toBe(BLESSED + defaults());
    expect(timesAsked()).toBe(0);
  });
  test("leaves the defaults out where ssh would have left them out", async () => {
    expect(await added(["-F", sshConfig("Host web*\n  IdentityFile /x\n"), "web1"])).toBe(BLESSED);
    expect(await added(["-F", "none", "-o", "IdentityFile=/x", "web1"])).toBe(BLESSED);
    expect(await added(["-F", "none", "-i", "/x", "web1"])).toBe(BLESSED);
    expect(timesAsked()).toBe(0);
  });
  test("asks ssh where only ssh knows", async () => {
    expect(await added(["-F", sshConfig("Match host web1\n  IdentityFile /x\n"), "web1"])).toBe(BLESSED);
    expect(timesAsked()).toBe(1);
    expect(await added(["-F", sshConfig("Match host db\n  IdentityFile /x\n"), "web1"])).toBe(BLESSED + defaults());
    expect(timesAsked()).toBe(1);
    const canonical = ["-o", "CanonicalizeHostname=always", "-o", "CanonicalDomains=invalid"];
    expect(await added(["-F", sshConfig("Host db\n  IdentityFile /x\n"), ...canonical, "web1"])).toBe(
      BLESSED + defaults(),
    );
    expect(timesAsked()).toBe(1);
  });
  test("names one default key alone when ssh tries that alone", async () => {
    const path = sshConfig("Match host web1\n  IdentityFile ~/.ssh/id_ed25519\n");
    expect(await added(["-F", path, "web1"])).toBe(`${BLESSED} -o IdentityFile=${home()}/id_ed25519`);
  });
  test("doesn't name the key again that was typed", async () => {
    const { files } = makeIdentity("typed");
    expect(await added(["-F", "none", "-i", files.key, "web1"])).toBe(`-o CertificateFile=${files.certificate}`);
    expect(await added(["-F", "none", "-i", `${files.key}.pub`, "web1"])).toBe(
      `-o CertificateFile=${files.certificate}`,
    );
  });
});

describe("judgeCertificate", () => {
  const state = (skew: string | null, home: string) => {
    mkdirSync(join(home, "state"), { recursive: true });
    rmSync(join(home, "state", "clock-skew"), { force: true });
    if (skew !== null) writeFileSync(join(home, "state", "clock-skew"), skew);
  };
  test("goes by AWS's clock, not this machine's", async () => {
    const { files, publicKey } = makeIdentity();
    const now = BigInt(Math.floor(Date.now() / 1000));
    // Signed by a CA whose clock is ten minutes ahead of ours, and good for five.
    storeCertificate(files, await certificateLine(publicKey, { validAfter: now + 580n, validBefore: now + 900n }));
    const scene = await sceneOf(["web1"], {
      config: `identity_file = '${files.key}'\nrenew_margin_seconds = 30\n`,
      environment: { BSSH_HOME: folder },
    });
    state(null, folder);
    expect(judgeCertificate(scene, files)).toBe("not yet valid");
    state("600000\n", folder);
    expect(judgeCertificate(scene, files)).toBe(null);
    state("900000\n", folder);
    expect(judgeCertificate(scene, files)).toBe("expired");
    state("rubbish", folder);
    expect(judgeCertificate(scene, files)).toBe("not yet valid");
  });
});
