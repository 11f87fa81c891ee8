import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

export type Traced = {
  /** System calls of all threads up to the execve that becomes ssh. */
  readonly calls: number;
  readonly sockets: number;
  /** Processes started; threads don't count. */
  readonly children: number;
  readonly threads: number;
  /** Functions that the runtime's compiler took the time for: none, when no code runs long. */
  readonly compiled: number;
};

/** What a warm login does before it becomes ssh, by strace(1); null when that isn't there or may not trace. */
export function traceLogin(bssh: string, host: string, folder: string): Traced | null {
  if (Bun.which("strace") === null) return null;
  const file = join(folder, "trace");
  const environment = { ...process.env, BSSH_SSH: "/bin/true" };
  const run = (words: readonly string[], set: Record<string, string> = {}) =>
    Bun.spawnSync([...words], { env: { ...environment, ...set }, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if (run(["strace", "-f", "-o", file, bssh, host, "true"]).exitCode !== 0) return null;
  const lines = readFileSync(file, "latin1").split("\n");
  rmSync(file);
  const becomes = lines.findLastIndex((line) => /^\d+ +execve\(/.test(line));
  if (becomes < 1) return null;
  const before = lines.slice(1, becomes);
  const count = (pattern: RegExp) => before.filter((line) => pattern.test(line)).length;
  const isThread = /CLONE_THREAD/;
  const starts = before.filter((line) => /^\d+ +(clone3?|v?fork)\(/.test(line));
  // Development aid of JavaScriptCore; the variable is obeyed by every Bun executable.
  const report = run([bssh, host, "true"], { BUN_JSC_reportCompileTimes: "1" }).stderr.toString();
  return {
    calls: count(/^\d+ +\w+\(/),
    sockets: count(/^\d+ +(socket|connect)\(/),
    children: starts.filter((line) => !isThread.test(line)).length,
    threads: starts.filter((line) => isThread.test(line)).length,
    compiled: report.split("\n").filter((line) => line.startsWith("Optimized ")).length,
  };
}
