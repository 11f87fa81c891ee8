// What `bssh proxy` costs beside nc: bytes in each direction through pipes, as ssh gives them, and what an idle one holds.
// By itself: `bun test/bench/proxy.ts BSSH [ROUNDS]`.
import { closeSync } from "node:fs";
import { join } from "node:path";
import { makePipe } from "../proxy/pipes.ts";
import { median, table } from "./measure.ts";
import { ownMemory } from "./resident.ts";

/** Bytes of one run. */
const BYTES = 1 << 30;

type Way = "up" | "down";
type Run = { readonly seconds: number; readonly cpu: number };

/** Medians of one program in one direction. */
export type Throughput = {
  /** MB/s, of 10^6 bytes. */
  readonly speed: number;
  /** Processor time of the proxy for all the bytes, seconds. */
  readonly cpu: number;
};

export type ProxyFigures = {
  readonly rounds: number;
  readonly bytes: number;
  readonly bssh: Readonly<Record<Way, Throughput>>;
  /** Null where nc is not installed (Debian: netcat-openbsd). */
  readonly nc: Readonly<Record<Way, Throughput>> | null;
  /** Private_Dirty of a proxy that waits, kB; with memory that is swapped out counted in. */
  readonly idle: number;
};

/** Measures, each program in turn in every round; the first round doesn't count. */
export async function measureProxy(bssh: string, rounds = 5, bytes = BYTES): Promise<ProxyFigures> {
  const nc = Bun.which("nc");
  const programs = {
    bssh: (port: number) => [bssh, "proxy", "127.0.0.1", String(port)],
    // -N: the end of stdin is told to the server, as bssh tells it.
    ...(nc === null ? {} : { nc: (port: number) => [nc, "-N", "127.0.0.1", String(port)] }),
  };
  const names = Object.keys(programs) as (keyof typeof programs)[];
  const runs = new Map<string, Run[]>();
  for (const way of ["up", "down"] as const) {
    const peer = await openPeer(way === "up" ? "sink" : "source", bytes, (rounds + 1) * names.length);
    try {
      for (let round = 0; round <= rounds; round++) {
        for (const name of round % 2 === 0 ? names : names.toReversed()) {
          const words = programs[name]?.(peer.port) ?? [];
          const took = way === "up" ? await upload(words, bytes) : await download(words, bytes);
          if (round > 0) runs.set(`${name} ${way}`, [...(runs.get(`${name} ${way}`) ?? []), took]);
        }
      }
    } finally {
      peer.close();
    }
  }
  const of = (name: string, way: Way): Throughput => {
    const list = runs.get(`${name} ${way}`) ?? [];
    return {
      speed: bytes / 1e6 / median(list.map(({ seconds }) => seconds)),
      cpu: median(list.map(({ cpu }) => cpu)),
    };
  };
  const both = (name: string) => ({ up: of(name, "up"), down: of(name, "down") });
  return { rounds, bytes, bssh: both("bssh"), nc: nc === null ? null : both("nc"), idle: await idleMemory(bssh) };
}

/** A proxy to be measured: its certificate has been seen to. */
const SETTLED = { ...process.env, BLESS_COMPLETE: "1" };

async function openPeer(what: "sink" | "source", bytes: number, times: number) {
  const words = [process.execPath, join(import.meta.dir, "peer.ts"), what, String(bytes), String(times)];
  const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return { port: Number(new TextDecoder().decode(value)), close: () => child.kill() };
}

async function upload(words: readonly string[], bytes: number): Promise<Run> {
  const [input, output] = [makePipe(), makePipe()];
  const from = performance.now();
  const proxy = Bun.spawn([...words], { env: SETTLED, stdio: [input.reads, output.writes, "inherit"] });
  const source = Bun.spawn(["head", "-c", String(bytes), "/dev/zero"], { stdio: ["ignore", input.writes, "inherit"] });
  for (const end of [input.reads, input.writes, output.writes]) closeSync(end);
  const answer = Bun.spawn(["cat"], { stdio: [output.reads, "pipe", "inherit"] });
  closeSync(output.reads);
  const [length] = await Promise.all([
    new Response(answer.stdout).bytes().then((answered) => answered.length),
    source.exited,
    proxy.exited,
  ]);
  const seconds = (performance.now() - from) / 1000;
  if (length !== 1) throw new Error(`${words[0]}: not all bytes came`);
  return { seconds, cpu: cpuOf(proxy) };
}

async function download(words: readonly string[], bytes: number): Promise<Run> {
  const [input, output] = [makePipe(), makePipe()];
  const from = performance.now();
  const proxy = Bun.spawn([...words], { env: SETTLED, stdio: [input.reads, output.writes, "inherit"] });
  const sink = Bun.spawn(["sh", "-c", `head -c ${bytes} >/dev/null && cat | wc -c`], {
    stdio: [output.reads, "pipe", "inherit"],
  });
  for (const end of [input.reads, output.reads, output.writes]) closeSync(end);
  // nc keeps its output open until its input has ended.
  closeSync(input.writes);
  const [rest] = await Promise.all([new Response(sink.stdout).text(), proxy.exited]);
  const seconds = (performance.now() - from) / 1000;
  if (rest.trim() !== "0") throw new Error(`${words[0]}: other bytes came`);
  return { seconds, cpu: cpuOf(proxy) };
}

function cpuOf(child: Bun.Subprocess): number {
  const used = child.resourceUsage()?.cpuTime.total ?? 0n;
  return Number(used) / 1e6;
}

/** Private memory of a proxy that has connected and waits, in kB. */
async function idleMemory(bssh: string): Promise<number> {
  const peer = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  // Pages of a program just written count as private until they are on the disk.
  await Bun.spawn(["sync", bssh]).exited;
  const [input, output] = [makePipe(), makePipe()];
  const proxy = Bun.spawn([bssh, "proxy", "127.0.0.1", String(peer.port)], {
    env: SETTLED,
    stdio: [input.reads, output.writes, "inherit"],
  });
  try {
    await Bun.sleep(1500);
    return ownMemory(proxy.pid);
  } finally {
    for (const end of [input.reads, input.writes, output.reads, output.writes]) closeSync(end);
    await proxy.exited;
    peer.stop(true);
  }
}

/** Rows for the benchmark's table: what, value, target, and whether it is met. */
export function proxyRows({ bytes, bssh, nc, idle }: ProxyFigures) {
  const size = bytes === BYTES ? "1 GiB" : `${bytes >> 20} MiB`;
  const shown = ({ speed, cpu }: Throughput) => `${speed.toFixed(0)} MB/s, ${cpu.toFixed(2)} s of processor`;
  const way = (name: Way, what: string) => [
    {
      what: `proxy, ${size} ${what}`,
      value: shown(bssh[name]),
      target: nc === null ? "" : `≥ ${nc[name].speed.toFixed(0)} MB/s`,
      good: nc === null ? null : bssh[name].speed >= nc[name].speed,
    },
    {
      what: `nc, ${size} ${what}`,
      value: nc === null ? "not here (package netcat-openbsd)" : shown(nc[name]),
      target: "",
      good: null,
    },
  ];
  const megabytes = idle / 1024;
  return [
    ...way("up", "to the server"),
    ...way("down", "from the server"),
    {
      what: "proxy, idle, memory of its own",
      value: `${megabytes.toFixed(1)} MB`,
      target: "≤ 3.0 MB",
      good: megabytes <= 3,
    },
  ];
}

if (import.meta.main) {
  const [bssh = "dist/bssh", rounds = "5"] = process.argv.slice(2);
  const figures = await measureProxy(bssh, Number(rounds));
  const rows = proxyRows(figures).map(({ what, value, target, good }) => [
    what,
    value,
    target,
    good === null ? "" : good ? "good" : "over",
  ]);
  for (const line of table([["", `median of ${figures.rounds}`, "target", ""], ...rows])) console.log(line);
}
