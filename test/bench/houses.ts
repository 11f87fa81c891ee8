// Homes of bssh that differ in a setting. Each has a config and a state of its own, so that none finds another's kept config;
// key and certificate are the same for all.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type House = {
  readonly path: string;
  /** Variables that lead into it. */
  readonly set: Readonly<Record<string, string>>;
  close(): void;
};

/** A path no longer than a socket in it may have; TMPDIR may be anything. */
const SHORT = "/tmp/bssh-b-";

/**
 * `lines` come in front of the sandbox's config. A certificate is issued, whereby the config is kept and the folder of shared
 * connections made; it is a new one for all houses.
 */
export function makeHouse(bssh: string, lines: readonly string[] = []): House {
  const path = mkdtempSync(SHORT);
  mkdirSync(join(path, "home"), { mode: 0o700 });
  const config = join(path, "config.toml");
  writeFileSync(config, [...lines, readFileSync(process.env["BSSH_CONFIG"] ?? "", "utf8")].join("\n"), { mode: 0o600 });
  const house = {
    path,
    set: { BSSH_CONFIG: config, BSSH_HOME: join(path, "home") },
    close: () => rmSync(path, { recursive: true, force: true }),
  };
  try {
    runIn(house, [bssh, "login", "--force"]);
  } catch (error) {
    house.close();
    throw error;
  }
  return house;
}

/** Runs a program in the house; throws with its own words when it fails. */
export function runIn(house: House, words: readonly string[], set: Readonly<Record<string, string>> = {}): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], {
    env: { ...process.env, ...house.set, ...set },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`${words.slice(0, 3).join(" ")} … ended with ${exitCode}: ${stderr}`);
  return stdout.toString();
}

/** The sandbox's ssh_config behind so many blocks of other hosts, as a company's has them; its path. */
export function makeLongSshConfig(house: House, blocks: number): string {
  const block = (at: number) =>
    `Host app${at} app${at}.example.com\n  HostName 10.0.${at >> 8}.${at & 255}\n  User deploy\n  Port 2222\n`;
  const path = join(house.path, "users_ssh_config");
  const own = readFileSync(process.env["BSSH_SSH_CONFIG"] ?? "", "utf8");
  writeFileSync(path, [...Array.from({ length: blocks }, (_, at) => block(at)), own].join("\n"), { mode: 0o600 });
  return path;
}

/** Lets `bssh setup` write into a copy of the sandbox's ssh_config; its path. */
export function setUp(bssh: string, house: House): string {
  const path = join(house.path, "users_ssh_config");
  writeFileSync(path, readFileSync(process.env["BSSH_SSH_CONFIG"] ?? "", "utf8"), { mode: 0o600 });
  runIn(house, [bssh, "setup"], { BSSH_SSH_CONFIG: path });
  return path;
}
