// The cold path: a key, and nothing else. Every run has caches and a config of its own; the key is the same.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type Cold = {
  /** Path of the bssh that is measured. */
  readonly bssh: string;
  readonly host: string;
  /** A folder that the runs may fill. */
  readonly folder: string;
  readonly config: string;
  /** Private key; its certificate is taken away before every run. */
  readonly key: string;
};

/** The environment of one run: no cache, no kept config, no certificate, and `mfa_command` prints the code given. */
function coldStart(cold: Cold, run: number, code: string): Record<string, string> {
  const home = join(cold.folder, `run-${run}`);
  mkdirSync(home, { mode: 0o700 });
  const config = readFileSync(cold.config, "utf8").replace(/^mfa_command = .*$/m, `mfa_command = "echo ${code}"`);
  writeFileSync(join(home, "config.toml"), config, { mode: 0o600 });
  for (const name of [`${cold.key}-cert.pub`, `${cold.key}-cert`]) rmSync(name, { force: true });
  const environment = { ...(process.env as Record<string, string>), BSSH_HOME: home, BSSH_SSH: "/bin/true" };
  return { ...environment, BSSH_CONFIG: join(home, "config.toml") };
}

/** Milliseconds from the call of posix_spawn until an endpoint of our own has the first byte meant for STS. */
export async function firstBytes(cold: Cold, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = -1; run < runs; run++) {
    const arrived = Promise.withResolvers<number>();
    const endpoint = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => arrived.resolve(performance.now()), error() {} },
    });
    const environment = coldStart(cold, 1000 + run, "000000");
    const set = { ...environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${endpoint.port}` };
    const from = performance.now();
    const child = Bun.spawn([cold.bssh, cold.host, "true"], {
      env: set,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const at = await Promise.race([arrived.promise, sleep(10_000, null, { ref: false })]);
    child.kill("SIGKILL");
    await child.exited;
    endpoint.stop(true);
    if (at === null) throw new Error("nothing was sent to STS within ten seconds");
    if (run >= 0) times.push(at - from);
  }
  return times;
}

/** Milliseconds of the whole chain: from the call of posix_spawn to the end of true(1), which is in ssh's place. */
export function wholeChains(cold: Cold, runs: number): number[] {
  const times: number[] = [];
  for (let run = -1; run < runs; run++) {
    const code = Bun.spawnSync([cold.bssh, "sandbox", "mfa"], { stdin: "ignore", stderr: "inherit" }).stdout;
    const environment = coldStart(cold, 2000 + run, code.toString().trim());
    const from = performance.now();
    const { exitCode, stderr } = Bun.spawnSync([cold.bssh, cold.host, "true"], {
      env: environment,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const took = performance.now() - from;
    if (exitCode !== 0 || stderr.length > 0) throw new Error(`no certificate was got: ${stderr.toString()}`);
    if (run >= 0) times.push(took);
  }
  return times;
}
