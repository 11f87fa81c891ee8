// promise: a certificate that was signed by hand is checked, stored and used as it is until it ends, with nothing but a key and
// without any network
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
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
import { certify } from "../../src/certify.ts";
import type { CommandCall } from "../../src/commands/call.ts";
import { importCertificate } from "../../src/commands/import.ts";
import { login } from "../../src/commands/login.ts";
import { status } from "../../src/commands/status.ts";
import { Failure } from "../../src/failure.ts";
import { nodeSystem } from "../../src/system/node.ts";
import { concat, encodeBase64, encodeText, string } from "../../src/wire/bytes.ts";

const ground = mkdtempSync(join(tmpdir(), "bssh-import-"));
const agents: Bun.Subprocess[] = [];
afterAll(() => {
  for (const agent of agents) agent.kill("SIGKILL");
  rmSync(ground, { recursive: true, force: true });
});
const at = (...names: string[]) => join(ground, ...names);

function run(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(stderr.toString());
}
const makeKey = (path: string, ...words: string[]) =>
  run("ssh-keygen", "-q", ...(words.length > 0 ? words : ["-t", "ed25519"]), "-N", "", "-C", "test", "-f", path);
makeKey(at("ca"));
makeKey(at("other-ca"));
makeKey(at("rsa-ca"), "-t", "rsa", "-b", "2048");
const lineOf = (path: string) => readFileSync(path, "utf8").trim().split(" ").slice(0, 2).join(" ");

const system = nodeSystem();
let count = 0;
let home = "";
let key = "";
let said: string[] = [];
let environment: Record<string, string> = {};
beforeEach(() => {
  count += 1;
  home = at(`home-${count}`);
  key = join(home, ".ssh", "blessid");
  mkdirSync(join(home, ".ssh"), { recursive: true });
  makeKey(key);
  said = [];
  environment = { HOME: home, BSSH_HOME: join(home, "bssh"), PATH: process.env["PATH"] ?? "", AWS_REGION: "xx" };
});

const readText = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : null);
function call(words: readonly string[]): CommandCall {
  return { words, environment, system, readText, program: "bssh", out: (line) => said.push(line) };
}

function configure(...lines: string[]): void {
  mkdirSync(join(home, "bssh"), { recursive: true });
  writeFileSync(join(home, "bssh", "config.toml"), `domain_regex = 'web1\\Z'\n${lines.join("\n")}\n`);
}

let signed = 0;
/** Signs with ssh-keygen; gives the certificate's file, which is not beside the key. */
function sign(words: readonly string[] = [], by = "ca", subject = key): string {
  signed += 1;
  const path = at(`subject-${signed}`);
  writeFileSync(`${path}.pub`, readFileSync(`${subject}.pub`));
  const usual = words.includes("-V") ? [] : ["-V", "-5m:+8h"];
  const named = words.includes("-n") || words.includes("-h") ? [] : ["-n", "alice"];
  run("ssh-keygen", "-q", "-s", at(by), "-I", "by hand", ...named, ...usual, ...words, `${path}.pub`);
  return `${path}-cert.pub`;
}

async function refusal(words: readonly string[]): Promise<string> {
  try {
    await importCertificate(call(words));
  } catch (error) {
    if (error instanceof Failure) return error.sentence;
    throw error;
  }
  return "none";
}

const stored = () => readText(`${key}-cert.pub`)?.trim() ?? null;
const seen = () => certify({ system, environment, host: "web1", mayFetch: true });
async function statusNow(): Promise<Record<string, unknown> & { certificate: Record<string, unknown> | null }> {
  said = [];
  await status(call(["--json"]));
  return JSON.parse(said.at(-1) ?? "");
}

describe("a certificate that was signed by hand", () => {
  test("is stored for its key and used without asking anybody, also with no config at all", async () => {
    const file = sign();
    expect(await importCertificate(call([file]))).toBe(0);
    expect(said[0]).toMatch(/^stored .*blessid-cert\.pub: for alice, until \d{4}-.*Z$/);
    expect(said[1]).toBe(`its key is ${key}`);
    expect(said[2]).toContain("there is no config, so no host is known as yours");
    expect(stored()).toBe(readFileSync(file, "utf8").trim());
    run("ssh-keygen", "-L", "-f", `${key}-cert.pub`);
    configure();
    expect(await seen()).toMatchObject({ ours: true, fresh: true, fetched: false, failure: null });
    expect(await statusNow()).toMatchObject({ state: "valid", certificate: { byHand: true, keyId: "by hand" } });
    said = [];
    await status(call([]));
    expect(said[1]).toMatch(/^ {2}by hand {5}break glass, until \d{4}-.*Z$/);
  });

  test("is shown by status where there is no config", async () => {
    await importCertificate(call([sign()]));
    said = [];
    expect(await status(call([]))).toBe(3);
    expect(said).toHaveLength(2);
    expect(said[1]).toStartWith("certificate   by hand (break glass, until ");
  });

  test("serves to its end with other principals, from other addresses and past two thirds of its life; nothing renews it", async () => {
    configure('remote_user = ["alice"]', 'fixed_ip = "192.0.2.7"');
    await importCertificate(
      call([sign(["-n", "emergency,root", "-V", "-5h:+10m", "-O", "source-address=10.0.0.0/8"])]),
    );
    const before = stored();
    expect(await seen()).toMatchObject({ fresh: true, fetched: false, failure: null });
    expect(await login(call([]))).toBe(0);
    expect(await login(call(["--background"]))).toBe(0);
    expect(stored()).toBe(before);
    expect(readdirSync(join(home, "bssh", "state")).filter((name) => name.startsWith("renewal-"))).toEqual([]);
    // The same, stored by whoever else, is not believed.
    const marks = join(home, "bssh", "state", "imported.json");
    for (const damage of ["[]", "{", "null", '[{"certificate":1}]']) {
      writeFileSync(marks, damage);
      expect(await login(call(["--background"])), damage).toBe(1);
      expect((await statusNow())["problem"]).toBe("other principals");
    }
  });

  test("done twice is done once; what was valid before is kept beside it", async () => {
    configure();
    const first = readFileSync(sign(), "utf8");
    writeFileSync(`${key}-cert.pub`, first);
    const file = sign();
    await importCertificate(call([file]));
    expect(readFileSync(`${key}-cert.pub.old`, "utf8")).toBe(first);
    const log = readText(join(home, "bssh", "state", "issued.jsonl"));
    const { mtimeMs } = statSync(`${key}-cert.pub`);
    said = [];
    await importCertificate(call([file]));
    expect(said[0]).toContain("is this certificate already: for alice, until ");
    expect(statSync(`${key}-cert.pub`).mtimeMs).toBe(mtimeMs);
    expect(readText(join(home, "bssh", "state", "issued.jsonl"))).toBe(log);
  });

  test("is logged, and marked in private files", async () => {
    await importCertificate(call([sign(["-z", "42"])]));
    const state = join(home, "bssh", "state");
    for (const name of ["issued.jsonl", "imported.json"]) expect(statSync(join(state, name)).mode & 0o777).toBe(0o600);
    const line = JSON.parse(readText(join(state, "issued.jsonl")) ?? "");
    expect(line).toMatchObject({
      serial: "42",
      keyId: "by hand",
      requestId: null,
      region: null,
      principals: ["alice"],
    });
    expect(line.publicKey).toStartWith("SHA256:");
  });

  test("is found the key for: the one named, the configured one, or one in ~/.ssh", async () => {
    const other = join(home, ".ssh", "id_work");
    makeKey(other);
    configure();
    await importCertificate(call([sign([], "ca", other)]));
    expect(said).toContain(`its key is ${other}`);
    expect(said.at(-1)).toBe(`bssh takes it with -i ${other}, or always when that is identity_file in the config`);
    expect(existsSync(`${other}-cert.pub`)).toBe(true);
    const far = join(home, "far");
    makeKey(far);
    const file = sign([], "ca", far);
    expect(await refusal([file])).toMatch(
      /^the certificate is for the key SHA256:.*, which is neither .*blessid nor in ~/,
    );
    expect(await refusal(["--identity", key, file])).toStartWith(
      `the certificate is for another key than ${key} (for SHA256:`,
    );
    expect(await refusal(["--identity", `${far}er`, file])).toBe(
      `there is no key ${far}er; name another with --identity`,
    );
    for (const name of [far, `${far}.pub`, "~/far"]) await importCertificate(call(["--identity", name, file]));
    expect(existsSync(`${far}-cert.pub`)).toBe(true);
  });

  test("is taken for a key that an agent alone holds, and given to the agent", async () => {
    const socket = at(`agent-${count}`);
    agents.push(Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }));
    const add = (...words: string[]) =>
      Bun.spawnSync(["ssh-add", ...words], { env: { SSH_AUTH_SOCK: socket }, stdout: "pipe", stderr: "ignore" });
    while (add("-l").exitCode === 2) await Bun.sleep(10);
    environment = { ...environment, SSH_AUTH_SOCK: socket };
    const plain = sign();
    await importCertificate(call([plain]));
    expect(said).toContain(`its key is ${key}, and the agent holds both`);
    expect(add("-L").stdout.toString()).toContain(lineOf(plain));
    add("-D");
    add("-q", key);
    rmSync(key);
    const file = sign();
    await importCertificate(call([file]));
    expect(stored()).toBe(readFileSync(file, "utf8").trim());
    add("-D");
    expect(await refusal([sign()])).toStartWith(`the private half of ${key}.pub is neither there nor in an agent`);
  });

  test("is taken for a security key's, whose private half on disk only names the token", async () => {
    const part = (bytes: Uint8Array | string) => string(typeof bytes === "string" ? encodeText(bytes) : bytes);
    const blob = concat(part("sk-ssh-ed25519@openssh.com"), part(new Uint8Array(32).fill(7)), part("ssh:"));
    const options = part(concat(part(new Uint8Array(16)), Uint8Array.of(0, 0, 0, 16)));
    const whole = concat(
      ...[encodeText("openssh-key-v1\0"), part("aes256-ctr"), part("bcrypt"), options, Uint8Array.of(0, 0, 0, 1)],
      ...[part(blob), part(new Uint8Array(64))],
    );
    const pem = encodeBase64(whole).replace(/.{70}/g, "$&\n");
    rmSync(key);
    writeFileSync(key, `-----BEGIN OPENSSH PRIVATE KEY-----\n${pem}\n-----END OPENSSH PRIVATE KEY-----\n`, {
      mode: 0o600,
    });
    writeFileSync(`${key}.pub`, `sk-ssh-ed25519@openssh.com ${encodeBase64(blob)} token\n`);
    const file = sign();
    await importCertificate(call([file]));
    expect(said).toContain(`its key is ${key}`);
    expect(stored()).toStartWith("sk-ssh-ed25519-cert-v01@openssh.com ");
    configure();
    expect(await seen()).toMatchObject({ fresh: true, failure: null });
  });

  test("is read though a mail program broke its line, with remarks and line ends of another system", async () => {
    const file = sign();
    const [type = "", base64 = "", comment = ""] = readFileSync(file, "utf8").trim().split(" ");
    const broken = base64.match(/.{1,64}/g)?.join("\r\n") ?? "";
    for (const text of [
      `# from security\r\n\r\n${type} ${base64} ${comment}\r\n`,
      `${type}\n${broken}\n`,
      `${type} ${broken} ${comment}\r\n`,
    ]) {
      writeFileSync(at("mail"), text);
      rmSync(`${key}-cert.pub`, { force: true });
      await importCertificate(call([at("mail")]));
      expect(stored()?.split(" ").slice(0, 2).join(" ")).toBe(`${type} ${base64}`);
    }
  });
});

describe("nothing is stored", () => {
  const cases: readonly [string, () => string, string][] = [
    ["of a host's certificate", () => sign(["-h"]), "this is a host's certificate, not a user's"],
    ["of one that has ended", () => sign(["-V", "-2h:-1h"]), "the certificate ended at "],
    ["of one to come", () => sign(["-V", "+2h:+3h"]), "the certificate is not valid before "],
    ["of one without an end", () => sign(["-V", "always:forever"]), "the certificate has no end"],
    ["of one that runs a command", () => sign(["-O", "force-command=id"]), "the certificate runs a command of its own"],
    [
      "of one with an unknown critical option",
      () => sign(["-O", "critical:x@y=z"]),
      "the certificate has the unknown critical",
    ],
    [
      "of one with an unknown extension",
      () => sign(["-O", "extension:x@y=z"]),
      "the certificate has the unknown extension",
    ],
    [
      "of one signed with SHA-1",
      () => sign(["-t", "ssh-rsa"], "rsa-ca"),
      "the certificate is signed with ssh-rsa, which is SHA-1",
    ],
    ["of a public key", () => `${key}.pub`, `${"KEY"}.pub is a public key and no certificate`],
    ["of a private key", () => key, `${"KEY"} is a private key; give the certificate`],
    ["of a file that isn't there", () => at("nowhere"), `there is no ${at("nowhere")}`],
  ];
  test.each(cases)("%s", async (_, make, sentence) => {
    expect(await refusal([make()])).toStartWith(sentence.replace("KEY", key));
    expect(stored()).toBeNull();
    expect(existsSync(join(home, "bssh"))).toBe(false);
  });

  test("of one without principals", async () => {
    const file = sign(["-n", "x"]);
    const [type = "", base64 = ""] = readFileSync(file, "utf8").split(" ");
    // ssh-keygen -n "" takes none; without -n there are none.
    const bare = at(`bare-${count}`);
    writeFileSync(`${bare}.pub`, readFileSync(`${key}.pub`));
    run("ssh-keygen", "-q", "-s", at("ca"), "-I", "x", "-V", "-5m:+8h", `${bare}.pub`);
    expect(await refusal([`${bare}-cert.pub`])).toStartWith(
      "the certificate names no principal; have it signed again with -n",
    );
    const bytes = Buffer.from(base64, "base64");
    bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
    writeFileSync(at("forged"), `${type} ${bytes.toString("base64")}\n`);
    expect(await refusal([at("forged")])).toStartWith("the certificate's signature is wrong");
    for (const text of ["", "<html>", `${type} AAAA`, `${type} ${base64}\n${type} ${base64}\n`]) {
      writeFileSync(at("forged"), text);
      expect(await refusal([at("forged")]), text.slice(0, 50)).toContain("holds no certificate");
    }
    expect(stored()).toBeNull();
  });

  test("of one whose CA is not among the pinned ones; put there, it is taken", async () => {
    configure(`ca_keys = ["${lineOf(at("other-ca.pub"))}"]`);
    const file = sign();
    expect(await refusal([file])).toBe(
      "the certificate is signed by a key that is not in ca_keys; put the CA's spare key into ca_keys if it is that",
    );
    expect(stored()).toBeNull();
    configure(`ca_keys = ["${lineOf(at("other-ca.pub"))}", "${lineOf(at("ca.pub"))}"]`);
    await importCertificate(call([file]));
    expect(await seen()).toMatchObject({ fresh: true, failure: null });
  });

  test("and what was there stays", async () => {
    const good = sign();
    await importCertificate(call([good]));
    expect(await refusal([sign(["-V", "-2h:-1h"])])).toStartWith("the certificate ended");
    expect(stored()).toBe(readFileSync(good, "utf8").trim());
  });
});

test("no socket is opened, and standard input will do", () => {
  const trace = at("trace");
  const file = sign();
  const words = [process.execPath, resolve(import.meta.dir, "../../src/main.ts"), "import", "-"];
  const traced = Bun.spawnSync(["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", trace, ...words], {
    env: environment,
    stdin: Bun.file(file),
  });
  expect(traced.stderr.toString()).toBe("");
  expect(traced.exitCode).toBe(0);
  expect(traced.stdout.toString()).toStartWith(`stored ${key}-cert.pub: for alice, until `);
  expect(readFileSync(trace, "utf8")).toBe("");
});

describe("of what is named for a certificate, bssh import reads no more than a certificate may have:", () => {
  const NEXT = "; name the certificate's file, or - for standard input";
  const REFUSED: Readonly<Record<string, readonly [path: () => string, says: (path: string) => string]>> = {
    "a folder": [() => home, (path) => `${path} is a folder${NEXT}`],
    "a device without end": [
      () => "/dev/zero",
      (path) => `${path} is too long for a certificate; look at what is in it`,
    ],
    "a file above the limit": [
      () => {
        writeFileSync(join(home, "large"), "x".repeat(2 << 20));
        return join(home, "large");
      },
      (path) => `${path} is too long for a certificate; look at what is in it`,
    ],
    "a pipe that nobody writes into": [
      () => {
        run("mkfifo", join(home, "pipe"));
        return join(home, "pipe");
      },
      (path) => `nothing comes from ${path}${NEXT}`,
    ],
    "a file that is not there": [() => join(home, "none"), (path) => `there is no ${path}${NEXT}`],
  };
  for (const [name, [make, says]] of Object.entries(REFUSED)) {
    test(name, async () => {
      configure();
      const path = make();
      expect(await refusal([path])).toBe(says(path));
    });
  }
  test("from a pipe it takes one that comes late", async () => {
    configure();
    const pipe = join(home, "pipe");
    run("mkfifo", pipe);
    const writer = Bun.spawn(["sh", "-c", 'sleep 0.2; cat "$1" >"$2"', "sh", sign(), pipe], { stdout: "ignore" });
    expect(await refusal([pipe])).toBe("none");
    await writer.exited;
    expect(stored()).not.toBe(null);
  });
});

test("a certificate for longer than a month is refused, unless the config takes such", async () => {
  configure();
  const path = sign(["-V", "-5m:+10000d"]);
  expect(await refusal([path])).toMatch(
    /^the certificate is valid until 20\d\d-.*, which is further off than 31 days; have/,
  );
  expect(stored()).toBe(null);
  expect(await refusal([sign(["-V", "-5m:+31d"])])).toBe("none");
  rmSync(`${key}-cert.pub`);
  configure("certificate_max_seconds = 5184000");
  expect(await refusal([sign(["-V", "-5m:+59d"])])).toBe("none");
});

describe("status of a short certificate", () => {
  test.each([
    ["-60s:+119s", 0],
    ["-90s:+30s", 1],
    ["-1h:+119s", 1],
    ["-1h:+10m", 0],
  ] as const)("with the life %s has status %i", async (life, expected) => {
    configure("renew_margin_seconds = 0");
    const path = sign(["-V", life]);
    writeFileSync(`${key}-cert.pub`, readFileSync(path));
    expect(await status(call([]))).toBe(expected);
  });
  test("that was taken into use by hand and has ended no longer says that it is in force", async () => {
    configure();
    await importCertificate(call([sign()]));
    expect((await statusNow()).certificate).toMatchObject({ byHand: true });
    // Ten hours later by AWS's clock.
    writeFileSync(join(home, "bssh", "state", "clock-skew"), `${10 * 3_600_000}\n`);
    said = [];
    expect(await status(call([]))).toBe(2);
    expect(said.join("\n")).not.toContain("by hand     ");
  });
});
