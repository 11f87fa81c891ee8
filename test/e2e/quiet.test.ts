// promise: where nothing has to be fetched, nobody is asked: no socket, no child, no file but those that decide
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Home, makeHome } from "./ours.ts";

const bssh = resolve(import.meta.dir, "../../dist/bssh");
let ours: Home;
let bare: Home;
let asked: string;

beforeAll(async () => {
  ours = await makeHome("web");
  bare = await makeHome("web", 0);
  asked = join(bare.folder, "asked");
  // Whoever asked AWS or the person would be seen: this one tells, and the credentials are there.
  const config = bare.environment["BSSH_CONFIG"] ?? "";
  writeFileSync(config, `mfa_command = 'touch ${asked}; echo 123456'\n${readFileSync(config, "utf8")}`);
  for (const { folder } of [ours, bare]) {
    mkdirSync(join(folder, ".aws"));
    writeFileSync(
      join(folder, ".aws", "credentials"),
      "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n",
    );
    for (const name of ["id_rsa", "id_ed25519", "config"]) writeFileSync(join(folder, ".ssh", name), "");
  }
});
afterAll(() => {
  ours.remove();
  bare.remove();
});

type Traced = {
  readonly status: number;
  readonly stderr: string;
  /** Calls up to the one by which it became ssh, one a line. */
  readonly calls: string[];
  /** Files of the home that were opened or looked at, by their place in it. */
  readonly files: string[];
};

/** Runs bssh under strace with /bin/true for ssh, and looks at what it did before it became that. */
function trace(home: Home, words: readonly string[], added: Record<string, string> = {}): Traced {
  const out = join(home.folder, "trace");
  const { exitCode, stderr } = Bun.spawnSync(
    ["strace", "-f", "-qq", "-s", "300", "-o", out, "-e", "trace=network,process,file", bssh, ...words],
    { env: { ...home.environment, BSSH_SSH: "/bin/true", ...added }, stdin: "ignore" },
  );
  const all = readFileSync(out, "utf8").split("\n");
  const pid = all[0]?.split(" ", 1)[0] ?? "";
  const end = all.findIndex((line) => line.startsWith(`${pid} `) && line.includes('execve("/bin/true", ["ssh"'));
  const calls = all.slice(1, end < 0 ? undefined : end);
  const files = new Set<string>();
  for (const line of calls) {
    for (const [, path = ""] of line.matchAll(/"([^"]*)"/g)) {
      if (path.startsWith(`${home.folder}/`)) files.add(path.slice(home.folder.length + 1));
    }
  }
  return { status: exitCode, stderr: stderr.toString(), calls, files: [...files].sort() };
}

const sockets = ({ calls }: Traced) =>
  calls.filter((line) => /\b(socket|connect|sendto|sendmsg|bind|getaddrinfo)\(/.test(line));
/** Threads are the runtime's own; a child has no CLONE_THREAD. */
const children = ({ calls }: Traced) =>
  calls.filter(
    (line) => /\bv?fork\(|\bexecve\(/.test(line) || (/\bclone3?\(/.test(line) && !line.includes("CLONE_THREAD")),
  );

test("strace shows sockets and children where there are some", () => {
  const traced = trace(bare, ["web1"], { AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_REGION: "eu-west-1" });
  expect(traced.stderr).toStartWith("bssh: ");
  expect(children(trace(ours, ["other"])).length).toBeGreaterThan(0);
});

describe("a host of ours with a valid certificate", () => {
  for (const words of [
    ["web1"],
    ["-p", "22", "alice@web1", "uptime"],
    ["-F", "none", "web1"],
    ["-i", "SANDBOX/.ssh/blessid", "web1"],
  ]) {
    test(`${words.join(" ")}: no socket, no child, and only the files that decide`, () => {
      const traced = trace(
        ours,
        words.map((word) => word.replace("SANDBOX", ours.folder)),
      );
      expect({ status: traced.status, stderr: traced.stderr }).toEqual({ status: 0, stderr: "" });
      expect(sockets(traced)).toEqual([]);
      expect(children(traced)).toEqual([]);
      const known = [
        ".config/bssh/config.toml",
        ".local/state/bssh/clock-skew",
        ".local/state/bssh/config.json",
        ".ssh/blessid",
        ".ssh/blessid-cert.pub",
        ".ssh/config",
        ...["dsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "rsa", "xmss"].map((name) => `.ssh/id_${name}`),
      ];
      expect(traced.files.filter((path) => !known.includes(path))).toEqual([]);
      expect(traced.files).toContain(".ssh/blessid-cert.pub");
    });
  }
});

describe("a host of others", () => {
  test("has ssh asked for its HostName, and no file opened but the config, and the one that keeps it", () => {
    const traced = trace(ours, ["other"]);
    expect({ status: traced.status, stderr: traced.stderr }).toEqual({ status: 0, stderr: "" });
    expect(sockets(traced).filter((line) => !line.includes("socketpair"))).toEqual([]);
    expect(children(traced).filter((line) => line.includes("execve(")).length).toBe(1);
    expect(traced.files).toEqual([".config/bssh/config.toml", ".local/state/bssh/config.json"]);
  });
  test("isn't even that without a domain_regex", async () => {
    const nobody = await makeHome("x", 0);
    writeFileSync(nobody.environment["BSSH_CONFIG"] ?? "", "required = true\n");
    const traced = trace(nobody, ["web1"]);
    expect({ status: traced.status, stderr: traced.stderr }).toEqual({ status: 0, stderr: "" });
    expect([...sockets(traced), ...children(traced)]).toEqual([]);
    expect(traced.files).toEqual([".config/bssh/config.toml", ".local/state/bssh/config.json"]);
    nobody.remove();
  });
});

describe("words that log in nowhere", () => {
  for (const words of [
    ["-V"],
    ["-Q", "cipher"],
    ["-G", "web1"],
    ["-O", "check", "web1"],
    ["web1", "-O", "exit"],
    ["-vGp", "22", "web1"],
    [],
    ["-p"],
  ]) {
    test(`"${words.join(" ")}" go straight through: no config, no certificate, no question`, () => {
      const before = readdirSync(bare.folder, { recursive: true }).sort();
      const traced = trace(bare, words);
      expect({ status: traced.status, stderr: traced.stderr }).toEqual({ status: 0, stderr: "" });
      expect([...sockets(traced), ...children(traced)]).toEqual([]);
      expect(traced.files).toEqual([]);
      expect(existsSync(asked)).toBe(false);
      expect(readdirSync(bare.folder, { recursive: true }).sort()).toEqual(before);
    });
  }
});

test("BLESS_COMPLETE makes it as quiet", () => {
  const traced = trace(bare, ["web1"], { BLESS_COMPLETE: "1" });
  expect(traced.stderr).toBe("");
  expect([...sockets(traced), ...children(traced), ...traced.files]).toEqual([]);
});
