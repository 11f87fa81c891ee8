// Logins with real ssh and sshd through the agent's entries alone. `sshd -i` serves one connection, as the ProxyCommand.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { loadAgent } from "../../src/agent/load.ts";
import { holdRunFolder, RUN_FOLDER } from "../../src/sandbox/run-folder.ts";
import { findSshd } from "../../src/sandbox/sshd.ts";
import { type Agent, openWorkbench, orderFor } from "./support.ts";

const bench = openWorkbench();
const ca = bench.makeKey("ca");
const config = bench.path("sshd_config");
const sshd = findSshd(process.env["PATH"] ?? "");

beforeAll(() => {
  if (process.getuid?.() === 0) holdRunFolder(bench.folder, "in any case");
  const host = bench.makeKey("host");
  writeFileSync(bench.path("principals"), "alice\n");
  const lines = [
    `HostKey ${host.path}`,
    `TrustedUserCAKeys ${ca.path}.pub`,
    `AuthorizedPrincipalsFile ${bench.path("principals")}`,
    "AuthorizedKeysFile none",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "MaxAuthTries 3",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
});
afterAll(() => {
  const mark = `${RUN_FOLDER}/${basename(bench.folder)}`;
  if (existsSync(mark)) {
    rmSync(mark);
    // Another sshd may use the folder without a mark in it, as it would the system's.
    const isUsed = Bun.spawnSync(["sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null | grep -q '^sshd'"]).exitCode === 0;
    try {
      if (!isUsed) rmdirSync(RUN_FOLDER);
    } catch {
      // another sandbox holds it
    }
  }
  bench.close();
});

async function login(agent: Agent, words: readonly string[] = []): Promise<{ status: number; err: string }> {
  const options = {
    ProxyCommand: `${sshd} -i -f ${config}`,
    IdentityAgent: agent.socket,
    IdentityFile: "none",
    UserKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "no",
    BatchMode: "yes",
  };
  const child = Bun.spawn(
    [
      ...["ssh", "-v", "-F", "none", ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`])],
      ...[...words, "server", "exit 52"],
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  const err = await new Response(child.stderr).text();
  return { status: await child.exited, err };
}

describe("a login through the agent's entry alone", () => {
  for (const [name, ...words] of [
    ["ed25519", "-t", "ed25519"],
    ["rsa", "-t", "rsa", "-b", "2048"],
    ["ecdsa", "-t", "ecdsa", "-b", "521"],
  ] as const) {
    test(`succeeds at the first try, and after a renewal too: ${name}`, async () => {
      const agent = await bench.startAgent();
      const identity = bench.makeKey(name, words);
      for (let renewal = 0; renewal < 2; renewal++) {
        const order = orderFor(agent.socket, identity, bench.certify(ca, identity));
        expect(await loadAgent(order)).toEqual({ loaded: true, removed: renewal });
        const { status, err } = await login(agent);
        expect(status, err).toBe(52);
        expect(err.match(/Offering public key/g)).toHaveLength(1);
      }
    });
  }

  test("fails without the certificate, as it should here", async () => {
    const agent = await bench.startAgent();
    agent.sshAdd("-q", bench.makeKey("plain").path);
    expect((await login(agent)).status).toBe(255);
  });
});
