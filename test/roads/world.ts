// One sandbox for all roads, with a second sshd of the test's own: a port that trusts the same CA, and one that knows the CA
// not and takes a key of the person's. Between two cells certificate, caches and agent are as the column wants them.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { askCode } from "../../src/sandbox/control.ts";
import { findSshd } from "../../src/sandbox/sshd.ts";
import { freePort, startEcho } from "./ports.ts";
import type { Column, Ways } from "./road.ts";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");
const READY_SECONDS = 20;

/** Where sshds listen: the sandbox's own; the second one as a host of ours, and as somebody else's. */
type Ports = { readonly first: number; readonly inner: number; readonly other: number };

export type World = {
  /** The sandbox's folder. */
  readonly root: string;
  /** Port of a server on 127.0.0.1 that sends back what it gets. */
  readonly echo: number;
  /** Makes the state of a column; returns the environment of its commands and a folder of their own. */
  prepare(column: Column, ways: Ways): Promise<{ environment: Record<string, string>; folder: string }>;
  /** Actions asked of AWS since `prepare`, sorted. */
  actions(): string[];
  /** Questions that `mfa_command` was asked since `prepare`. */
  questions(): number;
  /** Answers every pending question, as a person does in another terminal, until `over`; returns how many. */
  answer(over: Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
};

export async function startWorld(): Promise<World> {
  const shelf = mkdtempSync(join(tmpdir(), "bssh-roads-"));
  // Neither a terminal nor a screen: no dialog comes up.
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...own } = process.env;
  const sandbox = Bun.spawn(
    [bssh, "sandbox", "--ask", "--fast-clock", "--", "sh", "-c", "env -0; printf '\\0.\\0'; cat"],
    {
      env: { ...own, TERM: "dumb", LANG: "C.UTF-8", GIT_CONFIG_NOSYSTEM: "1" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      detached: true,
    },
  );
  const environment = await firstEnvironment(sandbox.stdout);
  const root = environment["BSSH_SANDBOX"] ?? "";
  const home = `${root}/home`;
  const state = `${root}/bssh`;
  const config = environment["BSSH_SSH_CONFIG"] ?? "";
  const run = async (words: readonly string[], more: Record<string, string> = {}) => {
    const child = Bun.spawn([...words], { env: { ...environment, ...more }, stdin: "ignore", stdout: "pipe" });
    if ((await child.exited) !== 0) throw new Error(`${words.join(" ")}: status ${child.exitCode}`);
  };

  const second = await startSecond(root, environment);
  const ports = { first: Number(/^Port (\d+)$/m.exec(second.text)?.[1]), inner: second.inner, other: second.other };
  // Any number of hosts are ours; one config answers by itself, the other leaves the question to the person.
  const counting = `${root}/bin/counting`;
  writeFileSync(counting, `#!/bin/sh\necho >>${root}/questions\nexec bssh sandbox mfa\n`, { mode: 0o700 });
  const asking = readFileSync(`${state}/config.toml`, "utf8").replace(
    /^domain_regex = .*$/m,
    "domain_regex = '(?:.*\\.sandbox\\.test|127\\.0\\.0\\.1)\\Z'",
  );
  writeFileSync(`${state}/asking.toml`, asking);
  writeFileSync(`${state}/config.toml`, `mfa_command = "${counting}"\n${asking}`);
  const base = sshConfig(root, ports);
  writeFileSync(config, base);
  // What a person has on the bastion: no keys, only the agent that came along.
  writeFileSync(`${root}/second/ssh_config`, `IdentityFile none\n${base}`);
  await run(["bssh", "setup"]);
  const setUp = readFileSync(config, "utf8");

  // What a login leaves, to be put back for warm cells.
  await run(["bssh", "login"]);
  const files = () => readdirSync(`${home}/.ssh`).filter((name) => name.startsWith("blessid"));
  for (const name of files()) cpSync(`${home}/.ssh/${name}`, `${shelf}/${name}`, { verbatimSymlinks: true });
  cpSync(`${state}/state/cache`, `${shelf}/cache`, { recursive: true });

  const echo = startEcho();
  let count = 0;
  return {
    root,
    echo: echo.port,
    async prepare(column, ways) {
      await run(["ssh-add", "-qD"]);
      for (const name of files()) if (name !== "blessid") rmSync(`${home}/.ssh/${name}`, { force: true });
      rmSync(`${state}/state/cache`, { recursive: true, force: true });
      if (column === "warm") {
        for (const name of readdirSync(shelf)) {
          const to = name === "cache" ? `${state}/state/cache` : `${home}/.ssh/${name}`;
          cpSync(`${shelf}/${name}`, to, { recursive: true, verbatimSymlinks: true, force: true });
        }
        await run(["ssh-add", "-q", "-t", "600", `${home}/.ssh/blessid`]);
      }
      const withoutAgent = column === "cold without agent";
      const lines = ways.config ?? [];
      const text = `${lines.length > 0 ? `${lines.join("\n")}\nMatch all\n` : ""}${ways.setUp === true ? setUp : base}`;
      writeFileSync(config, `${text}${withoutAgent ? "  IdentityAgent none\n" : ""}`.replaceAll("SANDBOX", root));
      truncateSync(environment["BSSH_SANDBOX_LOG"] ?? "");
      rmSync(`${root}/questions`, { force: true });
      count += 1;
      const folder = `${root}/c${count}`;
      mkdirSync(folder);
      const { SSH_AUTH_SOCK: agent = "", ...rest } = environment;
      return {
        folder,
        environment: {
          ...rest,
          ...(withoutAgent ? {} : { SSH_AUTH_SOCK: agent }),
          ...(column === "no terminal" ? { BSSH_CONFIG: `${state}/asking.toml` } : {}),
        },
      };
    },
    actions: () =>
      readFileSync(environment["BSSH_SANDBOX_LOG"] ?? "", "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { action: string }).action)
        .sort(),
    questions: () => (existsSync(`${root}/questions`) ? readFileSync(`${root}/questions`, "utf8").length : 0),
    async answer(over) {
      let isOver = false;
      let answers = 0;
      void over.then(() => {
        isOver = true;
      });
      while (!isOver) {
        await Bun.sleep(20);
        if (!existsSync(`${state}/state/question.json`)) continue;
        await run(["bssh", "mfa", await askCode(environment)]);
        answers += 1;
      }
      return answers;
    },
    async stop() {
      echo.stop();
      second.process.kill();
      await sandbox.stdin.end();
      await Promise.all([sandbox.exited, second.process.exited]);
      rmSync(shelf, { recursive: true, force: true });
    },
  };
}

async function firstEnvironment(stream: ReadableStream<Uint8Array>): Promise<Record<string, string>> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  while (!text.endsWith("\0.\0")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the sandbox did not start");
    text += decoder.decode(value, { stream: true });
  }
  const pairs = text.split("\0").filter((pair) => pair.includes("="));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

function sshConfig(root: string, { first, inner, other }: Ports): string {
  return [
    `Host inner.sandbox.test node*.sandbox.test\n  Port ${inner}`,
    `Host other.example.test\n  HostName localhost\n  Port ${other}\n  IdentityFile ${root}/second/id\n  IdentitiesOnly yes`,
    `Host short\n  HostName 127.0.0.1\n  Port ${first}`,
    `Host *.sandbox.test\n  HostName 127.0.0.1\n  Port ${first}`,
    "Host *",
    "  HostKeyAlias web1.sandbox.test",
    `  UserKnownHostsFile ${root}/home/.ssh/known_hosts`,
    "  StrictHostKeyChecking yes",
    "  UpdateHostKeys no\n",
  ].join("\n");
}

/** An sshd with two ports; its config is the sandbox's, with `text`, but for them. */
async function startSecond(root: string, environment: Readonly<Record<string, string>>) {
  const folder = `${root}/second`;
  mkdirSync(folder, { mode: 0o700 });
  Bun.spawnSync(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", `${folder}/id`]);
  const [inner, other] = [await freePort(), await freePort()];
  const text = readFileSync(`${root}/sshd/config`, "utf8");
  // Below the first level bash leaves ~/.bashrc unread, which on some machines is neither quick nor silent.
  const settled = text.replace(/^Port .*$/m, `Port ${inner}\nPort ${other}`).replace(/^SetEnv .*$/m, "$& SHLVL=2");
  const more = `Match LocalPort ${other}\n  TrustedUserCAKeys none\n  AuthorizedKeysFile ${folder}/id.pub\n`;
  writeFileSync(`${folder}/config`, `${settled}${more}`);
  const path = environment["PATH"] ?? "";
  const child = Bun.spawn([findSshd(path), "-D", "-E", `${folder}/log`, "-f", `${folder}/config`], {
    env: { PATH: path },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const until = Date.now() + READY_SECONDS * 1000;
  const log = () => (existsSync(`${folder}/log`) ? readFileSync(`${folder}/log`, "utf8") : "");
  while (!log().includes(`port ${inner}`) || !log().includes(`port ${other}`)) {
    if (Date.now() > until || child.exitCode !== null) throw new Error(`the second sshd did not start: ${log()}`);
    await Bun.sleep(5);
  }
  return { process: child, inner, other, text };
}
