// promise: a key is made once and is one that ssh takes; a person's own key is read in every form and never changed
import { afterAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type IdentityFiles, identityFiles } from "../../src/identity/files.ts";
import { ensureKey } from "../../src/identity/keypair.ts";
import { storeCertificate } from "../../src/identity/store.ts";
import { parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { sshKeygen } from "../wire/support.ts";
import {
  certificateLine,
  freshFolder,
  makeIdentity,
  removeFolders,
  sentenceOf,
  strangeKey,
  system,
  text,
} from "./support.ts";

afterAll(removeFolders);

const nobodyAsks = () => {
  throw new Error("a passphrase was asked for");
};
const newFiles = (name = "blessid") => identityFiles(join(freshFolder(), name));
const keyOf = (line: string) => line.split(" ").slice(0, 2).join(" ");

/** A key that ssh-keygen made. */
function keygen(words: readonly string[], passphrase = "", name = "own key"): IdentityFiles {
  const files = newFiles(name);
  const { status, stderr } = sshKeygen(["-q", ...words, "-N", passphrase, "-f", files.key]);
  if (status !== 0) throw new Error(stderr);
  return files;
}

/** An ensureKey with a person who answers; how often they were asked. */
async function answering(
  files: IdentityFiles,
  answers: readonly (string | null)[],
): Promise<{ line: string; asked: number }> {
  let asked = 0;
  const line = await ensureKey(system, files, "ed25519", async (path, again) => {
    expect([path, again]).toEqual([files.key, asked > 0]);
    return answers[asked++] ?? null;
  });
  return { line, asked };
}

describe("a key that is made", () => {
  for (const [type, name, size] of [
    ["ed25519", "ssh-ed25519", "256"],
    ["rsa", "ssh-rsa", "4096"],
  ] as const) {
    test(`as ${type} is one that ssh-keygen takes`, async () => {
      const files = identityFiles(join(freshFolder(), "not there yet", "blessid"));
      const line = await ensureKey(system, files, type, nobodyAsks);
      expect(line).toStartWith(`${name} `);
      expect(text(files.publicKey)).toBe(`${line}\n`);
      expect(statSync(files.key).mode & 0o777).toBe(0o600);
      expect(keyOf(sshKeygen(["-y", "-P", "", "-f", files.key]).stdout)).toBe(keyOf(line));
      expect(sshKeygen(["-l", "-f", files.key]).stdout).toStartWith(`${size} SHA256:`);
      expect(await ensureKey(system, files, type, nobodyAsks)).toBe(line);
      expect(readdirSync(dirname(files.key)).sort()).toEqual(["blessid", "blessid.pub"]);
    });
  }
  test("signs what ssh-keygen verifies", async () => {
    const files = newFiles();
    const line = await ensureKey(system, files, "ed25519", nobodyAsks);
    const message = join(dirname(files.key), "message");
    writeFileSync(message, "to be signed");
    writeFileSync(`${message}.allowed`, `alice ${line}\n`);
    expect(sshKeygen(["-Y", "sign", "-f", files.key, "-n", "file", message]).status).toBe(0);
    const words = ["-Y", "verify", "-f", `${message}.allowed`, "-I", "alice", "-n", "file", "-s", `${message}.sig`];
    expect(sshKeygen(words, "to be signed").status).toBe(0);
  });
  test("doesn't find a certificate of a key before it", async () => {
    const files = newFiles();
    storeCertificate(files, await certificateLine(strangeKey()));
    await ensureKey(system, files, "ed25519", nobodyAsks);
    expect(existsSync(files.certificate)).toBe(false);
    expect(readdirSync(dirname(files.key)).sort()).toEqual(["blessid", "blessid.pub"]);
  });
});

test("of twenty processes that make the key at once one does, and all go on with it", async () => {
  const files = newFiles();
  const script = resolve(import.meta.dir, "ensuring.ts");
  const children = Array.from({ length: 20 }, () =>
    Bun.spawn([process.execPath, script, files.key], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }),
  );
  // Each says that it is there and waits for the word.
  const readers = children.map((child) => child.stdout.getReader());
  for (const reader of readers) await reader.read();
  for (const child of children) child.stdin.end();
  const lines = await Promise.all(readers.map(async (reader) => new TextDecoder().decode((await reader.read()).value)));
  const real = keyOf(sshKeygen(["-y", "-P", "", "-f", files.key]).stdout);
  expect(new Set(lines.map(keyOf))).toEqual(new Set([real]));
  expect(keyOf(text(files.publicKey))).toBe(real);
  expect(readdirSync(dirname(files.key)).sort()).toEqual(["blessid", "blessid.pub"]);
});

describe("KEY.pub", () => {
  test("is kept with its comment while it is the key's", async () => {
    const files = keygen(["-t", "ed25519", "-C", "alice@home"]);
    const before = text(files.publicKey);
    expect(await ensureKey(system, files, "rsa", nobodyAsks)).toBe(before.trim());
    expect(text(files.publicKey)).toBe(before);
  });
  for (const [name, spoil] of Object.entries<(path: string) => void>({
    "is missing": (path) => rmSync(path),
    "is of another key": (path) => writeFileSync(path, text(makeIdentity().files.publicKey)),
    "is rubbish": (path) => writeFileSync(path, "rubbish\n"),
    "is empty": (path) => writeFileSync(path, ""),
    "is a certificate": (path) => writeFileSync(path, "ssh-ed25519-cert-v01@openssh.com AAAA\n"),
  })) {
    for (const passphrase of ["", "secret words"]) {
      test(`is made again when it ${name}${passphrase === "" ? "" : ", of an encrypted key without its passphrase"}`, async () => {
        const files = keygen(["-t", "ed25519"], passphrase);
        const key = text(files.key);
        const before = keyOf(text(files.publicKey));
        spoil(files.publicKey);
        expect(keyOf(await ensureKey(system, files, "ed25519", nobodyAsks))).toBe(before);
        expect(keyOf(text(files.publicKey))).toBe(before);
        expect(text(files.key)).toBe(key);
      });
    }
  }
});

describe("a person's own key", () => {
  for (const words of [
    ["-t", "ecdsa"],
    ["-t", "ecdsa", "-b", "521"],
    ["-t", "rsa", "-b", "2048"],
    ["-t", "ed25519"],
  ]) {
    for (const [format, more] of [
      ["OpenSSH", []],
      ["PEM", ["-m", "PEM"]],
      ["PKCS8", ["-m", "PKCS8"]],
    ] as const) {
      test(`of ${words.slice(1).join(" ")} in ${format} form is read without asking`, async () => {
        const files = keygen([...words, ...more]);
        const key = text(files.key);
        const before = keyOf(text(files.publicKey));
        rmSync(files.publicKey);
        expect(keyOf(await ensureKey(system, files, "ed25519", nobodyAsks))).toBe(before);
        expect(text(files.key)).toBe(key);
      });
    }
  }
  for (const cipher of ["des-ede3-cbc", "aes-128-cbc", "aes-256-cbc"]) {
    test(`of ed25519 in PKCS8 form encrypted with ${cipher} is read with its passphrase`, async () => {
      const files = newFiles();
      const { privateKey } = generateKeyPairSync("ed25519");
      writeFileSync(files.key, privateKey.export({ format: "pem", type: "pkcs8", cipher, passphrase: "right words" }));
      const { line, asked } = await answering(files, ["wrong", "right words"]);
      expect(Buffer.from(parsePublicKey(line).blob)).toEqual(Buffer.from(publicBlob(privateKey)));
      expect(asked).toBe(2);
    });
  }
  test("of ed25519 in node's PKCS8 form is read", async () => {
    const files = newFiles();
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(files.key, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    const line = await ensureKey(system, files, "ed25519", nobodyAsks);
    expect(Buffer.from(parsePublicKey(line).blob)).toEqual(Buffer.from(publicBlob(privateKey)));
  });
});

describe("an encrypted key of the old forms", () => {
  for (const format of ["PEM", "PKCS8"]) {
    const make = () => {
      const files = keygen(["-t", "rsa", "-b", "2048", "-m", format], "right words");
      return { files, before: keyOf(text(files.publicKey)) };
    };
    test(`(${format}) with KEY.pub beside it needs no passphrase`, async () => {
      const { files, before } = make();
      expect(keyOf(await ensureKey(system, files, "ed25519", nobodyAsks))).toBe(before);
    });
    test(`(${format}) without KEY.pub asks, and asks again after wrong ones`, async () => {
      const { files, before } = make();
      rmSync(files.publicKey);
      const { line, asked } = await answering(files, ["wrong", "", "right words"]);
      expect(keyOf(line)).toBe(before);
      expect(asked).toBe(3);
      expect(keyOf(text(files.publicKey))).toBe(before);
    });
    test(`(${format}) is given up after three wrong ones, with a sentence`, async () => {
      const { files } = make();
      rmSync(files.publicKey);
      const next = `make one: ssh-keygen -y -f '${files.key}' > '${files.key}.pub'`;
      const wrong = `no passphrase that was given opens the key ${files.key}, which has no public half beside it`;
      expect(await sentenceOf(() => answering(files, ["a", "b", "c", "right words"]))).toBe(`${wrong}; ${next}`);
      const nobody = `the key ${files.key} is encrypted and has no public half beside it, and nobody can be asked`;
      expect(await sentenceOf(() => answering(files, [null, "right words"]))).toBe(`${nobody}; ${next}`);
      expect(existsSync(files.publicKey)).toBe(false);
    });
    test(`(${format}) survives fifty wrong passphrases, none of which kills the process or gets out`, async () => {
      const { files } = make();
      rmSync(files.publicKey);
      const { stdout, stderr, exitCode } = Bun.spawnSync(
        [process.execPath, resolve(import.meta.dir, "ensuring.ts"), files.key, "--wrong"],
        { stdin: "ignore" },
      );
      expect(stderr.toString()).toBe("");
      expect(stdout.toString()).toBe("ready\n51 failures\n");
      expect(exitCode).toBe(0);
    }, 60_000);
  }
});

describe("what is no key is said in a sentence and left as it is:", () => {
  const rubbish: Readonly<Record<string, string>> = {
    "an empty file": "",
    "a sentence": "this is no key\n",
    "a certificate": "ssh-ed25519-cert-v01@openssh.com AAAA\n",
    "a public key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPtUJbwcRBeDnmDZHBuQw3RcSFYPMFHzDjhqrCLVHEHO x\n",
    "a cut OpenSSH key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9u\n",
    "an OpenSSH key of rubbish": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "a PEM key of rubbish": "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    "a PKCS8 key of rubbish": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "an X.509 certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  };
  for (const [name, content] of Object.entries(rubbish)) {
    test(name, async () => {
      const files = newFiles();
      writeFileSync(files.key, content, { mode: 0o600 });
      expect(await sentenceOf(() => ensureKey(system, files, "ed25519", nobodyAsks))).toBe(
        `${files.key} is not a private key that bssh can read; name another with identity_file, or move it away to have one made`,
      );
      expect(text(files.key)).toBe(content);
      expect(existsSync(files.publicKey)).toBe(false);
    });
  }
  test("a folder", async () => {
    const files = newFiles();
    mkdirSync(files.key);
    expect(await sentenceOf(() => ensureKey(system, files, "ed25519", nobodyAsks))).toBe(
      `could not read the key ${files.key} (EISDIR); check its owner and mode`,
    );
  });
});
