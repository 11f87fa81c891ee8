// What of `bssh proxy` stays beside a login's ssh: its processes, and the memory that is theirs alone.
import { readFileSync } from "node:fs";
import type { Scene } from "./starts.ts";

export type Resident = {
  /** Processes of ours below ssh while the session lasts. */
  readonly processes: number;
  /** Their Private_Dirty with what is swapped out, kB. */
  readonly memory: number;
};

/** With pipes, and with the socket handed over (ProxyUseFdpass). */
export async function residents(scene: Scene, key: string): Promise<{ pipes: Resident; socket: Resident }> {
  return { pipes: await resident(scene, key, "no"), socket: await resident(scene, key, "yes") };
}

async function resident({ bssh, host }: Scene, key: string, passes: "yes" | "no"): Promise<Resident> {
  const options = [`ProxyCommand=${bssh} proxy -- %h %p`, `ProxyUseFdpass=${passes}`];
  const ssh = Bun.spawn(["ssh", "-i", key, ...options.flatMap((option) => ["-o", option]), host, "echo here; cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const { value } = await ssh.stdout.getReader().read();
    if (new TextDecoder().decode(value) !== "here\n") throw new Error("the login through the proxy failed");
    await Bun.sleep(500);
    const children = readFileSync(`/proc/${ssh.pid}/task/${ssh.pid}/children`, "utf8").trim().split(" ");
    const living = children.filter((id) => id !== "");
    const memory = living.reduce((sum, id) => sum + ownMemory(Number(id)), 0);
    return { processes: living.length, memory };
  } finally {
    ssh.stdin.end();
    await ssh.exited;
  }
}

/** Private_Dirty and what of it is swapped out, kB. Pages of a program that was just written count until they are on the disk. */
export function ownMemory(id: number): number {
  const text = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
  const kilobytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN);
  return kilobytes("Private_Dirty") + kilobytes("Swap");
}
