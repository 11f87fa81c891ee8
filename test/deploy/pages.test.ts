import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { OPTIONS } from "../../src/ca/deploy-options.ts";
import { parseHostPolicy } from "../../src/ca/host-policy.ts";
import { CA_WORDS } from "../../src/commands/ca.ts";
import { HOST_WORDS } from "../../src/commands/host.ts";
import { COMMANDS } from "../../src/commands/table.ts";
import { expectedTables, writtenTables } from "./options-table.ts";

const docs = resolve(import.meta.dir, "../../docs");
const PAGES = ["ca.md", "deploy/README.md"];
const page = (name: string) => readFileSync(join(docs, name), "utf8");

test("docs/ca.md has the options as they are; test/deploy/options-table.ts puts them there", () => {
  expect(writtenTables()).toBe(expectedTables());
});

test("what the pages link to is there", () => {
  for (const name of PAGES) {
    const folder = join(docs, name, "..");
    for (const [, path = ""] of page(name).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect([name, path, existsSync(join(folder, path))]).toEqual([name, path, true]);
    }
  }
});

test("every command and option of bssh that the pages name is one", async () => {
  for (const name of PAGES) {
    const called = page(name).matchAll(
      /\bbssh (ca|host|doctor|config|import|login|request|status|setup|sandbox)\b([^\n`;|]*)/g,
    );
    for (const [line, command = "", rest = ""] of called) {
      const words = { ca: CA_WORDS, host: HOST_WORDS }[command as "ca" | "host"];
      const [, word = ""] = /^ ([a-z-]+)/.exec(rest) ?? [];
      if (words !== undefined && word !== "") expect([line, Object.hasOwn(words, word)]).toEqual([line, true]);
      const entry = words === undefined || word === "" ? COMMANDS[command] : words[word];
      const help = `${entry?.usage} ${(await entry?.open())?.help}`;
      for (const [option] of rest.matchAll(/(?<= )--[a-z-]+/g))
        expect([line, help.includes(option)]).toEqual([line, true]);
    }
  }
});

test("every option of bless_deploy.cfg that the pages name is one", () => {
  const known = new Set(OPTIONS.map(({ name }) => name));
  const OURS =
    /^(ca_kms_key|trusted_ca_keys|bind_public_key|\w+_validity_\w+|kmsauth_\w+|caller_identity_\w+|shortest_\w+|host_\w+|instance_identity_\w+|allow_unproven|log_requests|use_kmsauth|ca_private_key\w*|username_\w+|remote_usernames_\w+|max_validity\w*)$/;
  for (const name of PAGES) {
    const text = page(name).replace(writtenTables(), "");
    for (const [, word = ""] of text.matchAll(/`([a-z_]+)`/g)) {
      if (OURS.test(word) && !NOT_OPTIONS.includes(word)) expect([word, known.has(word)]).toEqual([word, true]);
    }
  }
});

/** Fields of a request, and settings of people's config. */
const NOT_OPTIONS = [
  "kmsauth_token",
  "instance_identity_document",
  "instance_identity_signature",
  "kmsauth_service",
  "kmsauth_key",
];

test("the example of hosts.json is one that the CA takes", () => {
  const [example = ""] = /^ {4}\{\n[\s\S]*?^ {4}\}$/m.exec(page("deploy/README.md")) ?? [];
  expect(parseHostPolicy(example).rules.length).toBe(2);
});

test("every parameter of the templates that the page gives is one", () => {
  const templates = ["template.yaml", "template-users.yaml"].map((name) => page(`deploy/${name}`)).join("\n");
  for (const [, name = ""] of page("deploy/README.md").matchAll(/(?<!-o )\b([A-Z][A-Za-z]+)=[^'=]/g)) {
    expect([name, templates.includes(`\n  ${name}:\n    Type:`)]).toEqual([name, true]);
  }
});

test("every file of policies/ is told of in the page", () => {
  for (const name of readdirSync(join(docs, "deploy/policies"))) expect(page("deploy/README.md")).toContain(name);
});
