/** A real sshd of the test's own, on a free port of 127.0.0.1, and ssh to go with it: nothing of the machine's is read. */
import { existsSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { holdRunFolder, RUN_FOLDER } from "../../src/sandbox/run-folder.ts";
import { findSshd, freePort } from "../../src/sandbox/sshd.ts";

export type Server = {
  /** A folder that is gone when the server ends. */
  readonly folder: string;
  readonly port: number;
  /** Everything that sshd has logged. */
  log(): string;
  /** Another login as whoever runs the test: `exit 52`, with these options of ssh. */
  login(words: readonly string[], environment?: Record<string, string>): Promise<{ status: number; err: string }>;
  close(): Promise<void>;
};

/** Runs a command to its end; throws with what it said when it fails. */
export function run(words: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], { stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return stdout.toString();
}

/** Starts it with these lines in sshd_config beside what keeps it apart from the machine's; `lines` may name files in the folder. */
export async function startServer(lines: (folder: string) => readonly string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "bssh-sshd-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) holdRunFolder(folder, "in any case");
  run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "host_key")]);
  const port = await freePort();
  const config = [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    ...lines(folder),
    `HostKey ${folder}/host_key`,
    "AuthorizedKeysFile none",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "LogLevel VERBOSE",
    "MaxStartups 100",
  ];
  writeFileSync(join(folder, "config"), `${config.join("\n")}\n`);
  const logFile = join(folder, "log");
  const child = Bun.spawn([findSshd(process.env["PATH"] ?? ""), "-D", "-e", "-f", join(folder, "config")], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: openSync(logFile, "w", 0o600),
  });
  const log = () => readFileSync(logFile, "utf8");
  for (let tries = 0; !log().includes("Server listening on"); tries++) {
    if (child.exitCode !== null || tries > 1500) throw new Error(`sshd did not start: ${log()}`);
    await Bun.sleep(10);
  }

  async function login(words: readonly string[], environment: Record<string, string> = {}) {
    const options = ["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"];
    const trust = ["-o", `UserKnownHostsFile=${folder}/known_hosts`, "-o", "GlobalKnownHostsFile=none"];
    const plain = ["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"];
    const ssh = Bun.spawn(
      // The first value counts, so that a test's words go before these.
      ["ssh", ...words, ...options, ...trust, ...plain, "-p", `${port}`, "127.0.0.1", "exit 52"],
      { env: { ...process.env, ...environment }, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    const err = await new Response(ssh.stderr).text();
    return { status: await ssh.exited, err };
  }
  async function close(): Promise<void> {
    child.kill();
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
    const mark = `${RUN_FOLDER}/${basename(folder)}`;
    if (!existsSync(mark)) return;
    rmSync(mark);
    // Another sshd may use the folder without a mark in it, as it would the system's.
    const isUsed = Bun.spawnSync(["sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null | grep -q '^sshd'"]).exitCode === 0;
    try {
      if (!isUsed) rmdirSync(RUN_FOLDER);
    } catch {
      // another sshd holds it
    }
  }
  return { folder, port, log, login, close };
}
