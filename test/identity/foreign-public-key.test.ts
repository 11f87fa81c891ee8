import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readForeignPublicKey } from "../../src/identity/foreign-public-key.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-foreign-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A key's own line without its comment, and the same key in another form. */
function converted(type: string, form: string): { line: string; text: string } {
  const path = join(folder, `${type}-${form}`);
  Bun.spawnSync(["ssh-keygen", "-q", "-t", type, "-N", "", "-f", path]);
  const text = Bun.spawnSync(["ssh-keygen", "-e", "-m", form, "-f", `${path}.pub`]).stdout.toString();
  return { line: readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" "), text };
}

for (const [type, form] of [
  ["rsa", "RFC4716"],
  ["rsa", "PKCS8"],
  ["rsa", "PEM"],
  ["ed25519", "RFC4716"],
  ["ecdsa", "RFC4716"],
  ["ecdsa", "PKCS8"],
] as const) {
  test(`readForeignPublicKey() reads ${type} in the form ${form} as ssh-keygen writes it`, () => {
    const { line, text } = converted(type, form);
    expect(text).toStartWith("----");
    expect(readForeignPublicKey(text)).toBe(line);
  });
}

test("readForeignPublicKey() gives null for anything else", () => {
  for (const text of [
    "",
    "hello",
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "x".repeat(100_000),
  ]) {
    expect(readForeignPublicKey(text)).toBeNull();
  }
});
