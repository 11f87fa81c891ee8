import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certify } from "../../src/host/certify.ts";
import { readHostKeys } from "../../src/host/keys.ts";
import { isDue } from "../../src/host/life.ts";
import { authority, fakeSshd, makeAuthority, makeServer, NOW, partsFor, type TestServer } from "./support.ts";

let server = null as TestServer | null;
afterEach(() => {
  server?.remove();
  server = null;
});

describe("a certificate", () => {
  const day = 86_400_000;
  test("is renewed after two thirds of its life, and not before", async () => {
    const made = makeServer();
    server = made;
    await certify(partsFor(made, fakeSshd(() => null).run), made.keys);
    const [key] = made.keys;
    if (key === undefined) throw new Error("no keys");
    const due = (days: number, wishes = {}) =>
      isDue(key, { names: [], caKeys: [authority.line], now: NOW + days * day, ...wishes });
    expect([0, 240, 244, 364, 400].map((days) => due(days))).toEqual([false, false, true, true, true]);
    expect(due(0, { names: ["web1.corp.example"] })).toBe(false);
    expect(due(0, { names: ["web1.corp.example", "www.corp.example"] })).toBe(true);
    expect(due(0, { names: ["www.corp.example"] })).toBe(true);
    expect(due(0, { caKeys: [makeAuthority().line] })).toBe(true);
    const other = { ...key, publicKey: made.keys[1]?.publicKey ?? key.publicKey };
    expect(isDue(other, { names: [], caKeys: [authority.line], now: NOW })).toBe(true);
    writeFileSync(key.certificate, "garbage");
    expect(due(0)).toBe(true);
  });
});

describe("sshd's keys", () => {
  test("that can't be certified are left out with the reason, and those that aren't there in silence", () => {
    server = makeServer();
    const { folder, facts } = server;
    const write = (name: string, text: string | null) => {
      writeFileSync(join(folder, name), "");
      if (text !== null) writeFileSync(join(folder, `${name}.pub`), text);
      return join(folder, name);
    };
    const weak = `ssh-rsa ${Buffer.concat([Buffer.from("\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01\0\0\0\x81\0", "latin1"), Buffer.alloc(128, 0xc1)]).toString("base64")}`;
    const paths = [
      write("bare", null),
      write("weak", weak),
      write("dsa", "ssh-dss AAAAB3NzaC1kc3M="),
      write("with space", readFileSync(`${facts.hostKeys[0]}.pub`, "utf8")),
      join(folder, "absent"),
      ...facts.hostKeys,
      write("second", readFileSync(`${facts.hostKeys[0]}.pub`, "utf8")),
    ];
    const { keys, notes } = readHostKeys(paths);
    expect(keys.map(({ path }) => path)).toEqual([...facts.hostKeys]);
    expect(notes.map((note) => note.slice(folder.length + 1))).toEqual([
      `bare gets no certificate: there is no ${folder}/bare.pub (ssh-keygen -y makes it)`,
      "weak gets no certificate: RSA keys need 2048 bits",
      `dsa gets no certificate: ${folder}/dsa.pub holds no public key that can be certified`,
      "with space gets no certificate: its path has characters that sshd_config wants in quotes",
    ]);
  });
});
