import { readdirSync, readFileSync } from "node:fs";

/** Processes that have `text` in their words or, where the system shows it, in their environment, a line each; not this one. */
export function processesOf(text: string): string[] {
  let ids: string[];
  try {
    ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    ids = [];
  }
  if (ids.length === 0) return listedByPs(text);
  return ids.flatMap((id) => {
    const words = read(`/proc/${id}/cmdline`).replaceAll("\0", " ");
    const isOne = Number(id) !== process.pid && (words + read(`/proc/${id}/environ`)).includes(text);
    return isOne ? [`process ${id}: ${words}`] : [];
  });
}

function listedByPs(text: string): string[] {
  const { stdout } = Bun.spawnSync(["ps", "-A", "-ww", "-o", "pid=,command="], { stdin: "ignore", stderr: "ignore" });
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.includes(text))
    .map((line) => `process ${line.trim()}`);
}

/** Empty for a process that is gone, or another user's. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
