import { expect, test } from "bun:test";
import { concat, encodeBase64, mpint, string, text, WireError } from "../../src/wire/bytes.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { authorities } from "./support.ts";

const line = authorities.get("ed25519") ?? "";
const point = (size: number): Uint8Array => concat(Uint8Array.of(4), new Uint8Array(2 * size));

function lineOf(type: string, ...fields: Uint8Array[]): string {
  return `${type} ${encodeBase64(concat(text(type), ...fields))}`;
}

test("every kind of public key that ssh-keygen makes comes back as it was written", () => {
  expect(authorities.size).toBe(5);
  for (const [name, written] of authorities) {
    const key = parsePublicKey(`${written}\n`);
    expect(key.comment).toBe(name);
    expect(formatPublicKey(key)).toBe(written);
  }
});

test("security keys are read", () => {
  const ed25519 = lineOf("sk-ssh-ed25519@openssh.com", string(new Uint8Array(32)), text("ssh:"));
  const ecdsa = lineOf("sk-ecdsa-sha2-nistp256@openssh.com", text("nistp256"), string(point(32)), text("ssh:"));
  expect(parsePublicKey(ed25519).type).toBe("sk-ssh-ed25519@openssh.com");
  expect(parsePublicKey(ecdsa).type).toBe("sk-ecdsa-sha2-nistp256@openssh.com");
});

test("a comment may hold spaces, and what it holds is kept to one line when it is written", () => {
  const key = parsePublicKey(`  ${line.replace(/ ed25519$/, "")} \t alice at  home  \r\n`);
  expect(key.comment).toBe("alice at  home");
  expect(formatPublicKey({ ...key, comment: "a\nssh-rsa AAAA\u0085" })).toBe(
    `${line.replace(/ ed25519$/, "")} a ssh-rsa AAAA`,
  );
  expect(formatPublicKey({ ...key, comment: "" })).toBe(line.replace(/ ed25519$/, ""));
});

test("a private key in the place of a public one is recognised", () => {
  expect(() => parsePublicKey("-----BEGIN OPENSSH PRIVATE KEY-----\nxyz\n")).toThrow("a private key where");
});

test("what is not exactly one key is refused with WireError", () => {
  const wrong = [
    "",
    "ssh-ed25519",
    `${line}\n${line}`,
    `ssh-rsa ${line.split(" ")[1]}`,
    line.replace("ssh-ed25519", "ssh-dss"),
    lineOf("ssh-dss", mpint(Uint8Array.of(1))),
    lineOf("ssh-ed25519", string(new Uint8Array(31))),
    lineOf("ssh-ed25519", string(new Uint8Array(32)), text("more")),
    lineOf("ssh-rsa", mpint(Uint8Array.of(3))),
    lineOf("ssh-rsa", mpint(Uint8Array.of(3)), mpint(Uint8Array.of())),
    lineOf("ecdsa-sha2-nistp256", text("nistp384"), string(point(32))),
    lineOf("ecdsa-sha2-nistp256", text("nistp256"), string(point(48))),
    lineOf("ecdsa-sha2-nistp256", text("nistp256"), string(concat(Uint8Array.of(2), new Uint8Array(32)))),
    `${line} ${"x".repeat(20_000)}`,
    `ssh-ed25519 ${" ".repeat(100_000)}`,
  ];
  for (const text of wrong) expect(() => parsePublicKey(text)).toThrow(WireError);
});
