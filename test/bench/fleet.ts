// Many warm logins at once, beside as many of plain ssh. Both go in parts that take turns, so that what changes on the machine
// meanwhile meets both.
import { availableMemory } from "./measure.ts";
import type { Scene } from "./starts.ts";

export type Fleet = {
  /** Logins of each kind, and how many of them at once. */
  readonly logins: number;
  readonly atOnce: number;
  readonly good: Readonly<Record<"ssh" | "bssh", number>>;
  /** Seconds, all parts together. */
  readonly seconds: Readonly<Record<"ssh" | "bssh", number>>;
};

const PARTS = 5;

/** What one login takes with its two sshd, bytes; no more at once than there is memory for. */
const LOGIN_BYTES = 24 << 20;

/** `logins` of each kind, a multiple of five. */
export async function measureFleet({ bssh, host }: Scene, key: string, logins: number): Promise<Fleet> {
  const part = Math.ceil(logins / PARTS);
  const atOnce = Math.max(1, Math.min(part, Math.floor(availableMemory() / LOGIN_BYTES)));
  const words = { ssh: ["ssh", "-i", key, host, "true"], bssh: [bssh, host, "true"] };
  const good = { ssh: 0, bssh: 0 };
  const seconds = { ssh: 0, bssh: 0 };
  for (let round = 0; round < PARTS; round++) {
    for (const kind of round % 2 === 0 ? (["ssh", "bssh"] as const) : (["bssh", "ssh"] as const)) {
      const from = performance.now();
      good[kind] += await launch(words[kind], part, atOnce);
      seconds[kind] += (performance.now() - from) / 1000;
    }
  }
  return { logins: part * PARTS, atOnce, good, seconds };
}

/** Starts so many, no more than `atOnce` at a time; how many ended with 0. */
async function launch(words: readonly string[], count: number, atOnce: number): Promise<number> {
  let [left, good] = [count, 0];
  const one = async () => {
    while (left > 0) {
      left -= 1;
      const child = Bun.spawn([...words], { stdio: ["ignore", "ignore", "ignore"] });
      if ((await child.exited) === 0) good += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return good;
}
