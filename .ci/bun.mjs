// Runs Bun as it was pinned in package.json, whether or not npm ran its install script
// (with `npm install --ignore-scripts` the program on PATH is a stub, and the real one lies under @oven).
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const modules = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..", "node_modules");

function findBun() {
  const linked = join(modules, "bun", "bin", "bun.exe");
  if (existsSync(linked) && statSync(linked).size > 1_000_000) return linked;
  const vendors = join(modules, "@oven");
  for (const name of existsSync(vendors) ? readdirSync(vendors) : []) {
    const program = join(vendors, name, "bin", "bun");
    if (existsSync(program)) return program;
  }
  return null;
}

const bun = findBun();
if (bun === null) {
  console.error("bssh: Bun is not installed; run npm install first");
  process.exit(1);
}
const { status, signal } = spawnSync(bun, process.argv.slice(2), { stdio: "inherit" });
if (signal !== null) process.kill(process.pid, signal);
process.exit(status ?? 1);
