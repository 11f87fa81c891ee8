import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one test file, with the test's own bssh in it; anybody may read it. */
export type Workshop = { readonly folder: string; readonly bssh: string; readonly close: () => void };

export function openWorkshop(): Workshop {
  const base = /^\/[\w/.-]{1,30}$/.test(tmpdir()) ? tmpdir() : "/tmp";
  const folder = mkdtempSync(join(base, "bssh-t-"));
  chmodSync(folder, 0o755);
  const bssh = join(folder, "bssh");
  const source = join(import.meta.dir, "program.ts");
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "build", "--compile", source, `--outfile=${bssh}`], {
    stdout: "ignore",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`the test's bssh was not built: ${stderr.toString()}`);
  return { folder, bssh, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A folder that sandboxes lie in (their TMPDIR), empty before and after. */
export function makeGround({ folder }: Workshop): string {
  const ground = mkdtempSync(join(folder, "g-"));
  chmodSync(ground, 0o777);
  return ground;
}

export type Ran = { readonly status: number; readonly out: string; readonly err: string };

/** Runs the test's bssh to its end, by default with an empty stdin. */
export async function runBssh(
  { bssh }: Workshop,
  words: readonly string[],
  environment: Record<string, string> = {},
  before: readonly string[] = [],
): Promise<Ran> {
  const child = Bun.spawn([...before, bssh, ...words], {
    env: { ...process.env, ...environment },
    cwd: "/",
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  return { status: child.exitCode ?? -1, out, err };
}

export type Process = { readonly id: number; readonly parent: number; readonly born: string; readonly words: string };

/** Every process that is no zombie, with its command line and (where the system shows it) its environment. */
export function listProcesses(): Process[] {
  if (!existsSync("/proc/self/stat")) return listByPs();
  const found: Process[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readOr(`/proc/${name}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields.length < 20 || fields[0] === "Z") continue;
    const words = readOr(`/proc/${name}/cmdline`) + readOr(`/proc/${name}/environ`);
    found.push({
      id: Number(name),
      parent: Number(fields[1]),
      born: fields[19] ?? "",
      words: words.replaceAll("\0", " "),
    });
  }
  return found;
}

function listByPs(): Process[] {
  const { stdout } = Bun.spawnSync(["ps", "-A", "-E", "-ww", "-o", "pid=,ppid=,stat=,lstart=,command="]);
  const line = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s(.*)$/gm;
  return [...stdout.toString().matchAll(line)]
    .filter(([, , , state]) => state?.startsWith("Z") === false)
    .map(([, id, parent, , born = "", words = ""]) => ({ id: Number(id), parent: Number(parent), born, words }));
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** A process and everything that descends from it now. */
export function treeOf(id: number): Process[] {
  const all = listProcesses();
  const tree = all.filter((item) => item.id === id);
  for (const item of tree) tree.push(...all.filter(({ parent }) => parent === item.id));
  return tree;
}

/** What is left of sandboxes on this ground: folders, processes that name it, and those of `before` that still live. */
export function leftovers(ground: string, before: readonly Process[] = []): string[] {
  const alive = listProcesses();
  return [
    ...readdirSync(ground).map((name) => `file ${name}`),
    ...alive
      .filter(
        ({ id, born, words }) => words.includes(ground) || before.some((item) => item.id === id && item.born === born),
      )
      .filter(({ id }) => id !== process.pid)
      .map(({ id, words }) => `process ${id} ${words.slice(0, 200)}`),
  ];
}

/** Waits until nothing is left, at most `seconds`; what is left then. */
export async function leftAfter(seconds: number, ground: string, before: readonly Process[] = []): Promise<string[]> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const left = leftovers(ground, before);
    if (left.length === 0 || Date.now() > until) return left;
    await Bun.sleep(20);
  }
}

/** Waits for a condition, at most 20 seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(10);
  }
}

/** Whether something listens on a port of 127.0.0.1. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
