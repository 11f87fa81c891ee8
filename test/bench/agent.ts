// What an ssh-agent costs: one that serves, and one that takes the connection and then says nothing.
import { readFileSync } from "node:fs";
import { loadAgent } from "../../src/agent/load.ts";
import { interleave, median } from "./measure.ts";
import type { Scene } from "./starts.ts";

/** Medians in milliseconds. */
export type AgentFigures = {
  /** Key and certificate by protocol, the older entries taken out. */
  readonly load: number;
  /** The same by ssh-add, beside it. */
  readonly sshAdd: number;
  /** How much longer `bssh login --force` takes with an agent that hangs than with none. */
  readonly hung: number;
};

export async function measureAgent({ bssh, folder }: Scene, key: string, rounds: number): Promise<AgentFigures> {
  const socket = process.env["SSH_AUTH_SOCK"] ?? "";
  const [load, sshAdd]: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    const from = performance.now();
    const order = { socket, key: readFileSync(key, "utf8"), path: key, confirm: false, now: Date.now() };
    const result = await loadAgent({ ...order, certificate: readFileSync(`${key}-cert.pub`, "utf8").trimEnd() });
    const between = performance.now();
    if (!result.loaded) throw new Error(`the agent: ${result.trouble}`);
    const { exitCode } = Bun.spawnSync(["ssh-add", "-q", "-t", "600", key], { stdio: ["ignore", "ignore", "ignore"] });
    if (exitCode !== 0) throw new Error(`ssh-add ended with ${exitCode}`);
    if (round < 0) continue;
    load.push(between - from);
    sshAdd.push(performance.now() - between);
  }
  return { load: median(load), sshAdd: median(sshAdd), hung: costOfHung(bssh, folder, Math.min(5, rounds)) };
}

function costOfHung(bssh: string, folder: string, rounds: number): number {
  const socket = `${folder}/hung`;
  // The kernel takes the connections, and nobody ever answers.
  const agent = Bun.listen({ unix: socket, socket: { data() {} } });
  try {
    const login = (name: string, path: string) => ({
      name,
      words: [bssh, "login", "--force"],
      set: { SSH_AUTH_SOCK: path },
    });
    const times = interleave([login("none", ""), login("hung", socket)], rounds, Math.min(1, rounds - 1));
    return median(times.get("hung") ?? []) - median(times.get("none") ?? []);
  } finally {
    agent.stop(true);
  }
}
