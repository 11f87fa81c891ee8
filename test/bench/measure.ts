// How the benchmark measures: every kind in turn, round after round, and the median of each kind.
import { readFileSync } from "node:fs";
import { freemem } from "node:os";

/** A program to be run to its end, again and again. */
export type Kind = {
  readonly name: string;
  readonly words: readonly string[];
  /** Variables on top of the environment. */
  readonly set?: Readonly<Record<string, string>>;
};

/**
 * Milliseconds from the call of posix_spawn to the end of the process, for every kind in every round. The order of the
 * kinds turns by one with each round, so that no kind always follows the same one; the first rounds, which warm the
 * page cache, don't count. Throws when a run ends with another status than 0.
 */
export function interleave(kinds: readonly Kind[], rounds: number, warmUp = 3): Map<string, number[]> {
  const times = new Map<string, number[]>(kinds.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < kinds.length; turn++) {
      const kind = kinds[(turn + round + warmUp) % kinds.length];
      if (kind === undefined) continue;
      const took = timeOf(kind);
      if (round >= 0) times.get(kind.name)?.push(took);
    }
  }
  return times;
}

function timeOf({ name, words, set }: Kind): number {
  const environment = { ...process.env, ...set };
  const from = performance.now();
  const { exitCode } = Bun.spawnSync([...words], {
    env: environment,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const took = performance.now() - from;
  if (exitCode !== 0) throw new Error(`${name} ended with status ${exitCode}`);
  return took;
}

/** The middle value; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const [below = Number.NaN, above = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? above : (below + above) / 2;
}

/**
 * How much longer one takes than the other: 1 and the median of the differences within a round by the other's median. What
 * disturbs the machine for a second disturbs both of a round.
 */
export function ratio(values: readonly number[], base: readonly number[]): number {
  return 1 + median(values.map((value, round) => value - (base[round] ?? Number.NaN))) / median(base);
}

/** Bytes of memory that programs can still have. */
export function availableMemory(): number {
  try {
    return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) * 1024;
  } catch {
    return freemem();
  }
}

/** Text columns, the first aligned to the left and the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (known, row) => row.map((cell, at) => Math.max(known[at] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
