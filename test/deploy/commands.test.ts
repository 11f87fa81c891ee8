import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import { unzipSync } from "fflate";
import { build } from "../../src/commands/ca/build.ts";
import { init } from "../../src/commands/ca/init.ts";
import { makeZip } from "../../src/commands/ca/zip.ts";
import { loadConfig } from "../../src/config/load.ts";
import { Failure } from "../../src/failure.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";

const ACCOUNTS = [
  "--users-account",
  "123456789012",
  "--ca-account",
  "210987654321",
  "--regions",
  "eu-west-1,us-east-1",
];

type Folder = { readonly at: (name: string) => string; readonly run: Run };
type Run = (
  command: "init" | "build",
  ...words: string[]
) => Promise<{ readonly lines: string[]; readonly failure: string }>;

async function inFolder(use: (folder: Folder) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bssh-ca-"));
  const at = (name: string) => join(folder, name);
  // Stands for the function's own code.
  writeFileSync(at("code.zip"), makeZip(new Map([["index.mjs", new TextEncoder().encode("export {};\n")]])));
  const run: Run = async (command, ...words) => {
    const lines: string[] = [];
    const call = {
      words:
        command === "init"
          ? [at("ca"), ...words]
          : ["--config", at("ca"), "--code", at("code.zip"), "--out", at("out.zip"), ...words],
      environment: { PATH: process.env["PATH"], HOME: folder },
      system: nodeSystem(),
      readText: (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : null),
      program: "bssh",
      out: (line: string) => lines.push(line),
    };
    try {
      expect(await (command === "init" ? init : build)(call)).toBe(0);
      return { lines, failure: "" };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { lines, failure: error.sentence };
    }
  };
  try {
    await use({ at, run });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const read = (path: string) => readFileSync(path, "utf8");
const edit = (path: string, change: (text: string) => string) => writeFileSync(path, change(read(path)));

describe("bssh ca init", () => {
  test("makes a folder that bssh ca build takes as it is, for every kind of people", async () => {
    for (const people of ["iam", "identity-center", "both"]) {
      await inFolder(async ({ at, run }) => {
        expect((await run("init", ...ACCOUNTS, "--people", people)).failure).toBe("");
        const built = await run("build");
        expect(built.failure).toBe("");
        expect(built.lines.join("\n")).toContain("left to the function's environment");
        const files = unzipSync(new Uint8Array(readFileSync(at("out.zip"))));
        expect(Object.keys(files).sort()).toEqual(["bless_deploy.cfg", "hosts.json", "index.mjs", "revocations.json"]);
      });
    }
  });
  test("writes a config for people that bssh reads, with the templates' own names", async () => {
    await inFolder(async ({ at, run }) => {
      const words = [
        "--domain",
        "example.com",
        "--prefix",
        "ssh-ca",
        "--service",
        "ssh-production",
        "--people",
        "both",
      ];
      const { lines, failure } = await run("init", ...ACCOUNTS, ...words);
      expect(failure).toBe("");
      const { settings } = loadConfig({ BSSH_CONFIG: at("ca/config.toml"), HOME: at("") }, read0);
      expect(settings).toMatchObject({
        function: "ssh-ca",
        functionVersion: "PROD",
        role: "ssh-ca-user",
        roleAccount: "210987654321",
        kmsauthService: "ssh-production",
        identityProof: "auto",
      });
      expect(settings.regions.map(({ awsRegion, kmsauthKey }) => [awsRegion, kmsauthKey])).toEqual([
        ["eu-west-1", "alias/ssh-ca-kmsauth"],
        ["us-east-1", "alias/ssh-ca-kmsauth"],
      ]);
      const server = loadConfig({ BSSH_CONFIG: at("ca/server.toml"), HOME: at("") }, read0).settings;
      expect(server).toMatchObject({
        hostFunction: "210987654321:function:ssh-ca-host",
        hostFunctionVersion: "PROD",
        kmsauthService: "ssh-production",
      });
      expect(server.regions.map(({ awsRegion }) => awsRegion)).toEqual(["eu-west-1", "us-east-1"]);
      const said = lines.join("\n");
      for (const value of ["Prefix=ssh-ca", "KmsauthService=ssh-production", "MainRegion=eu-west-1", "People=both"]) {
        expect(said).toContain(value);
      }
      expect(read(at("ca/identity-center.json"))).toContain("arn:aws:iam::210987654321:role/ssh-ca-user");
    });
  });
  test("writes over nothing, and leaves nothing when it can't go on", async () => {
    await inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS);
      writeFileSync(at("ca/bless_deploy.cfg"), "mine\n");
      const before = readdirSync(at("ca"));
      expect((await run("init", ...ACCOUNTS)).failure).toContain("is there already");
      expect(read(at("ca/bless_deploy.cfg"))).toBe("mine\n");
      expect(readdirSync(at("ca"))).toEqual(before);
      rmSync(at("ca"), { recursive: true });
      writeFileSync(at("ca"), "a file\n");
      expect((await run("init", ...ACCOUNTS)).failure).not.toBe("");
      expect(read(at("ca"))).toBe("a file\n");
    });
  });
  test("has ssh-keygen make a key without AWS's credentials, and leaves nothing when that is ended", async () => {
    await inFolder(async ({ at }) => {
      const bin = at("bin");
      mkdirSync(bin);
      writeFileSync(
        join(bin, "ssh-keygen"),
        `#!/bin/sh\nenv >'${at("environment")}'; : >'${at("asking")}'; exec sleep 60\n`,
      );
      chmodSync(join(bin, "ssh-keygen"), 0o755);
      const words = ["ca", "init", at("new/deep/ca"), ...ACCOUNTS, "--key", "file"];
      const child = Bun.spawn([process.execPath, resolve(import.meta.dir, "../../src/main.ts"), ...words], {
        env: { HOME: at(""), PATH: `${bin}:${process.env["PATH"]}`, AWS_SECRET_ACCESS_KEY: "secret", AWS_PROFILE: "x" },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
        detached: true,
      });
      for (let tries = 0; !existsSync(at("asking")) && tries < 2000; tries++) await Bun.sleep(5);
      process.kill(-child.pid, "SIGINT");
      expect(await child.exited).not.toBe(0);
      expect([existsSync(at("asking")), existsSync(at("new"))]).toEqual([true, false]);
      expect(read(at("environment"))).not.toMatch(/AWS|secret/);
    });
  });
  test("is told what it needs, and refuses what no template takes", async () => {
    await inFolder(async ({ at, run }) => {
      for (const [words, said] of [
        [[], "wants --users-account, --ca-account, --regions"],
        [[...ACCOUNTS.slice(0, 4), "--regions", "eu-west-1,"], "--regions: an empty word"],
        [[...ACCOUNTS.slice(0, 4), "--regions", "europe"], "--regions: europe is no AWS region"],
        [["--users-account", "12", ...ACCOUNTS.slice(2)], "--users-account cannot be 12"],
        [[...ACCOUNTS, "--key", "paper"], "--key is none of kms, file, encrypted"],
        [[...ACCOUNTS, "--prefix", "Bless"], "--prefix cannot be Bless"],
        [[...ACCOUNTS, "--domain", "x'y"], "--domain cannot be"],
      ] as const) {
        expect((await run("init", ...words)).failure).toContain(said);
      }
      expect(existsSync(at("ca"))).toBe(false);
    });
  });
});

describe("what bssh ca init leaves to be filled in", () => {
  /** The file with every line that is an option and no explanation. */
  const uncommented = (text: string) =>
    text.replace(/^#(?! )/gm, "").replaceAll("ecdsa-sha2-nistp256 AAAA…", authority);
  const blob = publicBlob(generateKeyPairSync("ed25519").publicKey);
  const authority = formatPublicKey({ type: "ssh-ed25519", blob, comment: "" });

  test("is taken by bssh once it is, for people and for servers, and certificates last half an hour", () =>
    inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS);
      for (const name of ["config.toml", "server.toml"]) {
        edit(at(`ca/${name}`), uncommented);
        const { settings } = loadConfig({ BSSH_CONFIG: at(`ca/${name}`), HOME: at("") }, read0);
        expect([name, settings.hostPatterns, settings.hostCaKeys.length]).toEqual([name, ["*.example.com"], 1]);
      }
      expect(read(at("ca/bless_deploy.cfg"))).toContain("\ncertificate_validity_after_seconds = 1800\n");
    }));

  test("is of the regions' own partition, and no region stands there twice", () =>
    inFolder(async ({ at, run }) => {
      const words = ["--users-account", "123456789012", "--ca-account", "210987654321", "--people", "both"];
      expect((await run("init", ...words, "--regions", "eu-west-1,eu-west-1")).failure).toContain(
        "names eu-west-1 twice",
      );
      const { lines } = await run("init", ...words, "--regions", "cn-north-1");
      expect(read(at("ca/identity-center.json"))).toContain('"arn:aws-cn:iam::210987654321:role/bless-user"');
      expect(lines.join("\n")).toContain("KmsauthKeyArn=arn:aws-cn:kms:cn-north-1:123456789012:key/…");
      expect(lines.join("\n")).not.toContain("without ca_key");
    }));
});

describe("bssh ca build", () => {
  test("gives the same bytes for the same files", async () => {
    await inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS);
      await run("build");
      const first = readFileSync(at("out.zip"));
      for (const name of readdirSync(at("ca"))) edit(at(`ca/${name}`), (text) => text);
      await run("build");
      expect(readFileSync(at("out.zip")).equals(first)).toBe(true);
    });
  });
  test("refuses what the CA would not read, says why, and leaves the zip that was there", async () => {
    await inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS);
      writeFileSync(at("out.zip"), "what was there\n");
      const options = (line: string) => (text: string) => text.replace("[Bssh]", `[Bssh]\n${line}`);
      for (const [file, change, said] of [
        ["bless_deploy.cfg", options("hosts_policy = x.json"), "hosts_policy"],
        ["bless_deploy.cfg", options("bind_public_key = sometimes"), "bind_public_key"],
        ["bless_deploy.cfg", options("trusted_ca_keys = more.pub"), "names more.pub, which is not there"],
        ["bless_deploy.cfg", () => "no section\n", "no [SECTION]"],
        ["hosts.json", () => '{"rules": [{}]}', "hosts.json: the host policy's rule 1"],
        ["revocations.json", () => "[]", "revocations.json: the list of revocations is not"],
      ] as const) {
        const before = read(at(`ca/${file}`));
        edit(at(`ca/${file}`), change);
        expect((await run("build")).failure).toContain(said);
        writeFileSync(at(`ca/${file}`), before);
        expect(read(at("out.zip"))).toBe("what was there\n");
      }
      expect((await run("build")).failure).toContain("is there and no zip");
      rmSync(at("out.zip"));
      edit(at("ca/bless_deploy.cfg"), (text) => text.replace("use_kmsauth = True", "use_kmsauth = False"));
      expect((await run("build")).lines.join("\n")).toContain("people get nothing from it");
    });
  });
  test("takes trusted keys and BLESS's own key along, and no key without a passphrase", async () => {
    await inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS, "--key", "encrypted");
      expect((await run("build")).failure).toContain("default_password");
      edit(at("ca/bless_deploy.cfg"), (text) =>
        text
          .replace("[Bless CA]", "[Bless CA]\neu-west-1_password = AAAA\nus-east-1_password = AAAA")
          .replace("#trusted_ca_keys =", "trusted_ca_keys = more.pub"),
      );
      const keygen = (file: string, passphrase: string) =>
        Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", at(file)]).exitCode;
      expect(keygen("ca/more", "x")).toBe(0);
      expect((await run("build")).failure).toContain("names ca_key, which is not there");
      expect(keygen("ca/ca_key", "")).toBe(0);
      expect((await run("build")).failure).toContain("ca_key has no passphrase");
      rmSync(at("ca/ca_key"));
      expect(keygen("ca/ca_key", "secret words")).toBe(0);
      expect((await run("build")).failure).toBe("");
      const files = unzipSync(new Uint8Array(readFileSync(at("out.zip"))));
      expect(Object.keys(files)).toContain("ca_key");
      expect(Object.keys(files)).toContain("more.pub");
      edit(at("ca/more.pub"), () => "ssh-ed25519 AAAA\n");
      expect((await run("build")).failure).toContain("more.pub: key 1 is no public key");
    });
  });
  test("takes no key without a passphrase, however it comes", async () => {
    await inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS, "--key", "encrypted");
      const config = read(at("ca/bless_deploy.cfg")).replace(
        "[Bless CA]",
        "[Bless CA]\neu-west-1_password = AAAA\nus-east-1_password = AAAA",
      );
      const keygen = (name: string, format: string, passphrase: string) => {
        const words = ["-q", "-t", "rsa", "-b", "2048", "-m", format, "-N", passphrase, "-f", at(name)];
        expect(Bun.spawnSync(["ssh-keygen", ...words]).exitCode).toBe(0);
        return readFileSync(at(name));
      };
      const bzip2 = (bytes: Uint8Array) => Bun.spawnSync(["bzip2", "-c"], { stdin: bytes }).stdout;
      const packings = [
        ["none", (bytes: Uint8Array) => bytes],
        ["zlib", (bytes: Uint8Array) => deflateSync(bytes)],
        ["bz2", bzip2],
      ] as const;
      const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
      for (const format of ["RFC4716", "PEM", "PKCS8"]) {
        const plain = keygen(`plain-${format}`, format, "");
        const locked = keygen(`locked-${format}`, format, "secret words");
        for (const [compression, pack] of packings) {
          const packed = (text: string) =>
            text.replace("[Bless CA]", `[Bless CA]\nca_private_key_compression = ${compression}`);
          const inText = (key: Uint8Array) =>
            packed(config)
              .replace(/^ca_private_key_file = .*$/m, "")
              .replace("[Bless CA]", `[Bless CA]\nca_private_key = ${base64(pack(key))}`);
          writeFileSync(at("ca/bless_deploy.cfg"), inText(plain));
          expect((await run("build")).failure).toContain("ca_private_key in bless_deploy.cfg has no passphrase");
          writeFileSync(at("ca/bless_deploy.cfg"), inText(Buffer.concat([locked, plain])));
          expect((await run("build")).failure).toContain("has no passphrase");
          writeFileSync(at("ca/bless_deploy.cfg"), packed(config));
          writeFileSync(at("ca/ca_key"), pack(plain));
          expect((await run("build")).failure).toContain("the private key in ca_key has no passphrase");
          expect(existsSync(at("out.zip"))).toBe(false);
          writeFileSync(at("out.zip"), "");
          chmodSync(at("out.zip"), 0o644);
          writeFileSync(at("ca/bless_deploy.cfg"), inText(locked));
          expect((await run("build")).failure).toBe("");
          expect(statSync(at("out.zip")).mode & 0o777).toBe(0o600);
          rmSync(at("out.zip"));
        }
        writeFileSync(at("ca/ca_key"), locked);
        writeFileSync(at("ca/bless_deploy.cfg"), `# ${base64(plain)}\n${config}`);
        expect((await run("build")).failure).toContain("the private key in bless_deploy.cfg has no passphrase");
        writeFileSync(
          at("ca/bless_deploy.cfg"),
          config.replace("[Bless CA]", "[Bless CA]\nca_private_key_compression = zlib"),
        );
        expect((await run("build")).failure).toContain("ca_key is not packed with zlib");
      }
      writeFileSync(at("ca/bless_deploy.cfg"), config);
      expect((await run("build")).failure).toBe("");
      expect(statSync(at("out.zip")).mode & 0o777).toBe(0o600);
    });
  });
  test("refuses another's zip", async () => {
    await inFolder(async ({ at, run }) => {
      await run("init", ...ACCOUNTS);
      writeFileSync(at("code.zip"), "no zip");
      expect((await run("build")).failure).toContain("cannot be read");
      writeFileSync(at("code.zip"), makeZip(new Map([["x.mjs", new Uint8Array(1)]])));
      expect((await run("build")).failure).toContain("has no index.mjs");
    });
  });
});

test("the templates and policies that bssh ca init gives are those of docs/deploy", async () => {
  await inFolder(async ({ at, run }) => {
    await run("init", ...ACCOUNTS);
    const docs = resolve(import.meta.dir, "../../docs/deploy");
    for (const name of ["template.yaml", "template-users.yaml"])
      expect(read(at(`ca/${name}`))).toBe(read(join(docs, name)));
  });
});

function read0(path: string): string | null {
  return existsSync(path) ? read(path) : null;
}
