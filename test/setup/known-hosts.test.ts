// promise: after bssh setup a host of ours proves itself by its certificate, with StrictHostKeyChecking=yes and an empty
// known_hosts, and the same CA vouches for no other host
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { holdRunFolder, RUN_FOLDER } from "../../src/sandbox/run-folder.ts";
import { findSshd } from "../../src/sandbox/sshd.ts";
import type { Order } from "../../src/setup/order.ts";
import { ownKnownHosts, ownPath } from "../../src/setup/own-path.ts";
import { setUpSshConfig, takeAwaySshConfig } from "../../src/setup/ssh-config.ts";
import { askG, makeGround, orderIn, realSsh, sentence, writeProgram } from "./support.ts";

const ground = makeGround();
const sshd = findSshd(process.env["PATH"] ?? "");
const defaults = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2";
const at = (name: string) => join(ground.folder, name);

function keygen(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["ssh-keygen", "-q", ...words], { stdin: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(stderr.toString());
}
const lineOf = (name: string) =>
  readFileSync(at(`${name}.pub`), "utf8")
    .split(" ")
    .slice(0, 2)
    .join(" ");

beforeAll(() => {
  if (process.getuid?.() === 0) holdRunFolder(ground.folder, "in any case");
  for (const name of ["ca1", "ca2", "stranger", "user"]) keygen("-t", "ed25519", "-N", "", "-f", at(name));
  // One server for each CA: a host key of its own, certified for a name of ours and one of another's.
  for (const ca of ["ca1", "ca2", "stranger"]) {
    keygen("-t", "ed25519", "-N", "", "-f", at(`host-${ca}`));
    keygen("-s", at(ca), "-I", "host", "-h", "-n", "web1.corp.example,web1.example.org", at(`host-${ca}.pub`));
    const lines = [
      `HostKey ${at(`host-${ca}`)}`,
      `HostCertificate ${at(`host-${ca}-cert.pub`)}`,
      `AuthorizedKeysFile ${at("user.pub")}`,
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
    ];
    writeFileSync(at(`sshd-${ca}`), `${lines.join("\n")}\n`);
  }
  writeFileSync(at("empty"), "");
});
afterAll(() => {
  const mark = `${RUN_FOLDER}/${basename(ground.folder)}`;
  if (existsSync(mark)) {
    rmSync(mark);
    const isUsed = Bun.spawnSync(["sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null | grep -q '^sshd'"]).exitCode === 0;
    try {
      if (!isUsed) rmdirSync(RUN_FOLDER);
    } catch {
      // another sandbox holds it
    }
  }
  ground.remove();
});

let order: Order;
let count = 0;
beforeEach(() => {
  count += 1;
  order = orderIn(at(String(count)));
});
const trusting = (...keys: string[]): Order => ({
  ...order,
  hosts: { keys: keys.map(lineOf), patterns: ["*.corp.example", "db?.corp.example"] },
});

/** Logs in to the server with that CA's certificate, as ssh with the user's own config does; 52 is a login. */
async function login(by: Order, host: string, ca: string): Promise<{ status: number; err: string }> {
  const options = {
    ProxyCommand: `${sshd} -i -f ${at(`sshd-${ca}`)}`,
    IdentityFile: at("user"),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: at("empty"),
    StrictHostKeyChecking: "yes",
    BatchMode: "yes",
  };
  const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const child = Bun.spawn([realSsh, "-F", by.paths.sshConfig, ...words, host, "exit 52"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { PATH: process.env["PATH"] ?? "", SHELL: "/bin/sh" },
  });
  const err = await new Response(child.stderr).text();
  return { status: await child.exited, err };
}

describe("a host with a certificate", () => {
  test("is trusted without a question, also while the CA changes its key", async () => {
    const both = trusting("ca1", "ca2");
    const done = setUpSshConfig(both);
    expect(done.known).toBe(ownKnownHosts(order.paths));
    for (const ca of ["ca1", "ca2"]) {
      const { status, err } = await login(both, "web1.corp.example", ca);
      expect(status, err).toBe(52);
    }
  });

  test("of another CA, or of a key that was taken out, is not", async () => {
    setUpSshConfig(trusting("ca1", "ca2"));
    expect((await login(order, "web1.corp.example", "stranger")).status).toBe(255);
    expect(setUpSshConfig(trusting("ca2")).changed).toBe(true);
    const { status, err } = await login(order, "web1.corp.example", "ca1");
    expect(status).toBe(255);
    expect(err).toContain("Host key verification failed");
  });

  test("is not trusted under a name outside the patterns, though the certificate has that name", async () => {
    setUpSshConfig(trusting("ca1"));
    const { status, err } = await login(order, "web1.example.org", "ca1");
    expect(status).toBe(255);
    expect(err).toContain("Host key verification failed");
    // Nor where a line of the user's own has ssh read our file for every host.
    const everywhere = `Host *\n  GlobalKnownHostsFile ${ownKnownHosts(order.paths)}\n`;
    writeFileSync(order.paths.sshConfig, readFileSync(order.paths.sshConfig, "utf8") + everywhere);
    expect((await login(order, "web1.example.org", "ca1")).status).toBe(255);
  });
});

describe("a host with a certificate, behind an alias of the user's,", () => {
  const alias = "Host w1\n  HostName web1.corp.example\nHost other\n  HostName web1.example.org\n";
  const withAlias = (answer: "yes" | "no"): Order => {
    mkdirSync(join(order.paths.sshConfig, ".."), { recursive: true });
    writeFileSync(order.paths.sshConfig, alias);
    const program = writeProgram(at(`${count}-bssh`), answer === "yes" ? "exit 0" : "exit 1");
    return { ...trusting("ca1"), program };
  };

  test("is trusted once bssh match says that it is ours, as under its own name", async () => {
    const aliased = withAlias("yes");
    setUpSshConfig(aliased);
    const { status, err } = await login(aliased, "w1", "ca1");
    expect(status, err).toBe(52);
    expect((await login(aliased, "w1", "stranger")).status).toBe(255);
    // Its own name is outside the patterns, whatever bssh match says.
    expect((await login(aliased, "other", "ca1")).status).toBe(255);
  });

  test("changes nothing for a host of other people's", () => {
    const aliased = withAlias("no");
    const before = askG(aliased.paths.sshConfig, ["w1"]);
    setUpSshConfig(aliased);
    const after = askG(aliased.paths.sshConfig, ["w1"]);
    for (const key of ["globalknownhostsfile", "identityfile", "certificatefile"]) {
      expect(after.values(key)).toEqual(before.values(key));
    }
  });
});

describe("what ssh is told", () => {
  test("is our file beside the system's for the patterns, and nothing for other hosts", () => {
    setUpSshConfig(trusting("ca1"));
    const files = (host: string) => askG(order.paths.sshConfig, [host]).values("globalknownhostsfile");
    for (const host of ["web1.corp.example", "WEB1.corp.example", "a.b.corp.example"]) {
      expect(files(host), host).toEqual([`${ownKnownHosts(order.paths)} ${defaults}`]);
    }
    for (const host of ["web1.example.org", "corp.example", "web1.corp.example.evil.org", "localhost"]) {
      expect(files(host), host).toEqual([defaults]);
    }
    expect(askG(order.paths.sshConfig, ["web1.corp.example"]).values("userknownhostsfile")).toEqual(
      askG("none", ["web1.corp.example"]).values("userknownhostsfile"),
    );
  });

  test("leaves a GlobalKnownHostsFile of the user's to all other hosts", () => {
    mkdirSync(join(order.paths.sshConfig, ".."), { recursive: true });
    writeFileSync(order.paths.sshConfig, "GlobalKnownHostsFile /own/file\n");
    setUpSshConfig(trusting("ca1"));
    const files = (host: string) => askG(order.paths.sshConfig, [host]).values("globalknownhostsfile");
    expect(files("web1.example.org")).toEqual(["/own/file"]);
    expect(files("web1.corp.example")).toEqual([`${ownKnownHosts(order.paths)} ${defaults}`]);
  });

  test("names the user's own GlobalKnownHostsFile behind our file where it is told of it", () => {
    const { hosts, ...rest } = trusting("ca1");
    setUpSshConfig({ ...rest, hosts: { ...hosts, others: ["/own/file", "/own/other file"] } });
    const { values } = askG(order.paths.sshConfig, ["web1.corp.example"]);
    expect(values("globalknownhostsfile")).toEqual([`${ownKnownHosts(order.paths)} /own/file /own/other file`]);
  });

  test("names the file rightly wherever it lies", () => {
    for (const name of ["a b", "per%cent", "$" + "{HOME}", "quo'te"]) {
      const strange = { ...trusting("ca1"), paths: orderIn(at(`${count}-${name}`)).paths };
      const run = () => setUpSshConfig(strange);
      // IdentityFile, which our file names as well, has its own limits; here only the folder of our config is strange.
      run();
      expect(askG(strange.paths.sshConfig, ["web1.corp.example"]).values("globalknownhostsfile"), name).toEqual([
        `${ownKnownHosts(strange.paths)} ${defaults}`,
      ]);
    }
  });
});

describe("our known_hosts", () => {
  test("is written once, taken away when no CA is configured any more, and by undo", () => {
    const path = ownKnownHosts(order.paths);
    expect(setUpSshConfig(trusting("ca1")).changed).toBe(true);
    expect(readFileSync(path, "utf8").split("\n").slice(1)).toEqual([
      `@cert-authority *.corp.example,db?.corp.example ${lineOf("ca1")}`,
      "",
    ]);
    expect(setUpSshConfig(trusting("ca1")).changed).toBe(false);
    expect(setUpSshConfig(order)).toMatchObject({ changed: true, known: null });
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(ownPath(order.paths), "utf8")).not.toContain("KnownHosts");
    setUpSshConfig(trusting("ca1"));
    expect(takeAwaySshConfig(order.paths)).toBe("as it was");
    expect(existsSync(path)).toBe(false);
  });

  test("takes the place of no file that is somebody's own, and undo leaves that", () => {
    const path = ownKnownHosts(order.paths);
    writeFileSync(path, "web1 ssh-ed25519 AAAA\n");
    expect(sentence(() => setUpSshConfig(trusting("ca1")))).toStartWith(
      `${path} is there and not bssh's; move it away`,
    );
    expect(existsSync(ownPath(order.paths))).toBe(false);
    setUpSshConfig(order);
    takeAwaySshConfig(order.paths);
    expect(readFileSync(path, "utf8")).toBe("web1 ssh-ed25519 AAAA\n");
  });

  test("goes again when ssh refuses what was written", () => {
    mkdirSync(join(order.paths.sshConfig, ".."), { recursive: true });
    writeFileSync(order.paths.sshConfig, "NoSuchOption yes\n");
    expect(sentence(() => setUpSshConfig(trusting("ca1")))).toContain("ssh refuses");
    expect(existsSync(ownKnownHosts(order.paths))).toBe(false);
    expect(existsSync(ownPath(order.paths))).toBe(false);
  });
});
