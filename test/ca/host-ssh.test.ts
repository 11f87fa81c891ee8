import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHostPolicy } from "../../src/ca/host-policy.ts";
import { findSshd } from "../../src/sandbox/sshd.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes } from "../../src/wire/signature.ts";
import { sshKeygen } from "../wire/support.ts";
import { ACCOUNT, HOST_A, makeHostWorld, proofText } from "./host-world.ts";

describe("ssh and sshd", () => {
  const folder = mkdtempSync(join(tmpdir(), "bssh-host-"));
  const needsRunFolder = process.getuid?.() === 0 && !existsSync("/run/sshd");
  const ca = generateKeyPairSync("ed25519").privateKey;
  const caLine = formatPublicKey({ type: "ssh-ed25519", blob: publicBlob(ca), comment: "" });
  const name = "web1.hosts.example.com";
  const me = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();

  beforeAll(async () => {
    if (needsRunFolder) mkdirSync("/run/sshd", { mode: 0o755 });
    for (const key of ["host", "user"]) sshKeygen(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, key)]);
    const line = readFileSync(join(folder, "host.pub"), "utf8").trim();
    const policy = { rules: [{ account: ACCOUNT, role: "web-server", session: HOST_A, names: [name] }] };
    const now = Date.now();
    const { ask } = makeHostWorld(
      { policy: parseHostPolicy(JSON.stringify(policy)) },
      { signer: { publicBlob: publicBlob(ca), sign: (bytes) => signBytes(ca, bytes) }, now: () => now },
    );
    const proof = proofText({ publicKey: parsePublicKey(line).blob, at: now });
    const answer = await ask({ public_key_to_sign: line, caller_identity: proof });
    if (!("certificate" in answer)) throw new Error(answer.errorMessage);
    writeFileSync(join(folder, "host-cert.pub"), `${answer.certificate}\n`);
    writeFileSync(join(folder, "known_hosts"), `@cert-authority *.hosts.example.com ${caLine}\n`);
    const pam = process.getuid?.() === 0 && existsSync("/etc/pam.d/sshd") ? "yes" : "no";
    const config = [
      `HostKey ${folder}/host`,
      `HostCertificate ${folder}/host-cert.pub`,
      `AuthorizedKeysFile ${folder}/user.pub`,
      "PermitRootLogin yes",
      "StrictModes no",
      "PidFile none",
      `UsePAM ${pam}`,
    ];
    writeFileSync(join(folder, "config"), `${config.join("\n")}\n`);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    if (needsRunFolder) rmdirSync("/run/sshd");
  });

  function login(alias: string, knownHosts = "known_hosts"): { status: number; said: string } {
    const sshd = findSshd(process.env["PATH"] ?? "");
    const options = {
      ProxyCommand: `${sshd} -i -f ${folder}/config`,
      HostKeyAlias: alias,
      UserKnownHostsFile: join(folder, knownHosts),
      GlobalKnownHostsFile: "none",
      StrictHostKeyChecking: "yes",
      IdentitiesOnly: "yes",
      IdentityAgent: "none",
      IdentityFile: join(folder, "user"),
      BatchMode: "yes",
    };
    const words = Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`]);
    const ssh = Bun.spawnSync(["ssh", "-F", "none", ...words, `${me}@server`, "echo", "in"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    return { status: ssh.exitCode, said: `${ssh.stdout}${ssh.stderr}` };
  }

  test("let in without a question by the name that the certificate has", () => {
    expect(login(name)).toMatchObject({ status: 0, said: expect.stringContaining("in\n") });
  });

  test.each(["web2.hosts.example.com", "hosts.example.com", "web1.example.org"])("do not by the name %s", (alias) => {
    const { status, said } = login(alias);
    expect(status).toBe(255);
    expect(said).toContain("Host key verification failed");
  });

  test("do not when the CA is not known", () => {
    expect(login(name, "empty")).toMatchObject({
      status: 255,
      said: expect.stringContaining("Host key verification failed"),
    });
  });
});
