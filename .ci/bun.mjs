// Runs Bun as it was pinned in package.json, whether or not npm ran its install script
// (with `npm install --ignore-scripts` the program on PATH is a stub, and the real one lies under @oven).
import { spawn } from "node:child_process";
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
// Its cache of transpiled files would be left in the home.
const env = { ...process.env, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" };
const child = spawn(bun, process.argv.slice(2), { stdio: "inherit", env });
// The terminal gives Ctrl-C to Bun as well; what it runs cleans up first, and is waited for.
for (const signal of ["SIGINT", "SIGQUIT"]) process.on(signal, () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (status, signal) => {
  if (signal === null) process.exit(status ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
