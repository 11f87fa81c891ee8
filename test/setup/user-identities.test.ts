// promise: ssh's default keys are named for hosts of ours unless ssh_config names identity files for them
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileDomain } from "../../src/config/domain.ts";
import {
  knownHostsForOurs,
  type NamedKnownHosts,
  namesIdentityForOurs,
  type Reading,
} from "../../src/setup/user-identities.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { readText } from "../../src/system/system.ts";
import { makeGround } from "./support.ts";

const ground = makeGround();
afterAll(() => ground.remove());
const DOMAIN = String.raw`(web|db)\d+\.(prod|test)\.example\.com\Z`;
let count = 0;

const names = (text: string, included: Readonly<Record<string, string>> = {}): boolean =>
  namesIdentityForOurs(reading(text, included));

const knownHosts = (text: string): NamedKnownHosts => knownHostsForOurs(reading(text, {}));

function reading(text: string, included: Readonly<Record<string, string>>): Reading {
  count += 1;
  const home = join(ground.folder, String(count));
  mkdirSync(join(home, ".ssh"), { recursive: true });
  for (const [name, content] of Object.entries({ config: text, ...included })) {
    writeFileSync(join(home, ".ssh", name), content);
  }
  const sshConfig = join(home, ".ssh", "config");
  return {
    system: nodeSystem(),
    readText: (path) => readText(nodeSystem(), path),
    home,
    sshConfig,
    isOurs: compileDomain(DOMAIN),
    domainRegex: DOMAIN,
  };
}

const KEY = "IdentityFile ~/.ssh/mine";

describe("none is named for hosts of ours", () => {
  test.each([
    "",
    "User carol\n",
    `# ${KEY}\n`,
    `Host github.com\n  ${KEY}\n`,
    `Host *.github.com gitlab.com !web1.prod.example.com\n  ${KEY}\n`,
    `Host web1.prod.example.com\n  Port 3\nHost github.com\n${KEY}\n`,
    `Match host github.com,gitlab.com user git\n  ${KEY}\n`,
    `Host work\n  HostName work.example.org\n  ${KEY}\n`,
  ])("%j", (text) => expect(names(text)).toBe(false));

  test("by what a block of another host includes, or by our own file", () => {
    expect(names("Host github.com\n  Include keys\n", { keys: KEY })).toBe(false);
    expect(names("Include own", { own: `# bssh's own: x\nMatch all\n  ${KEY}\n` })).toBe(false);
  });
});

describe("one may be named for hosts of ours", () => {
  test.each([
    `${KEY}\nHost github.com\n  Port 3\n`,
    `Host *\n\tidentityfile = none\n`,
    `Match all\n  "IdentityFile" x\n`,
    `Host web1.prod.example.com\n  ${KEY}\n`,
    `Host github.com *.example.com\n  ${KEY}\n`,
    `Host db*\n  ${KEY}\n`,
    `Match exec true\n  ${KEY}\n`,
    `Match user me originalhost web7.test.example.com\n  ${KEY}\n`,
    `Host work\n  HostName web1.prod.example.com\nHost x work\n  ${KEY}\n`,
    `Host web1\n  HostName %h.prod.example.com\n  ${KEY}\n`,
    `CanonicalDomains test.example.com\nHost web1\n  ${KEY}\n`,
  ])("%j", (text) => expect(names(text)).toBe(true));

  test("by what is included for all hosts, or for one of ours", () => {
    expect(names("Include ~/.ssh/k*\n", { keys: KEY })).toBe(true);
    expect(names("Host db1.test.example.com\n  Include keys\n", { keys: KEY })).toBe(true);
  });
});

test("files that include each other in a circle come to an end", () => {
  expect(names("Include config\nHost github.com\n  Include config config\n")).toBe(false);
});

describe("the GlobalKnownHostsFile of the user's", () => {
  const said = (files: readonly string[], unsaid: readonly string[] = []) => ({ files, unsaid });
  test.each([
    ["", said([])],
    ["GlobalKnownHostsFile /a /b\nGlobalKnownHostsFile /c\n", said(["/a", "/b"])],
    ["Host *\n  GlobalKnownHostsFile /a\n", said(["/a"])],
    ["Match all\n  GlobalKnownHostsFile /a\n", said(["/a"])],
    ["Host github.com\n  GlobalKnownHostsFile /a\n", said([])],
    ["GlobalKnownHostsFile none\n", said([])],
  ] as const)("is said again where it goes for every host of ours: %j", (text, expected) =>
    expect(knownHosts(text)).toEqual(expected),
  );
  test.each([
    ["Host web1.prod.example.com\n  GlobalKnownHostsFile /a\n", said([], ["/a"])],
    [
      "Host web1.prod.example.com\n  GlobalKnownHostsFile /a\nHost *\n  GlobalKnownHostsFile /b\n",
      said(["/b"], ["/a"]),
    ],
    ["GlobalKnownHostsFile ~/a\n", said([], ["~/a"])],
    ["Match exec true\n  GlobalKnownHostsFile /a\n", said([], ["/a"])],
  ] as const)("is told of where it can't be: %j", (text, expected) => expect(knownHosts(text)).toEqual(expected));
});
