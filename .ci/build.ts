// Compiles dist/bssh. Beside Bun's own flags it takes three names out of the runtime: a developer's BUN_BE_BUN, BUN_OPTIONS or
// BUN_INSPECT would otherwise turn bssh into the bun command, run other code in it, or open a debugger's port.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { buildFunction, ZIP } from "./build-ca.ts";

const root = resolve(import.meta.dir, "..");
const out = resolve(process.argv[2] ?? join(root, "dist", "bssh"));

/** Variables that the runtime obeys before any code of ours runs; as C strings they end with a zero byte. */
const VARIABLES = ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT"];

function runtime(): string {
  const linked = join(root, "node_modules", "bun", "bin", "bun.exe");
  const vendors = join(root, "node_modules", "@oven");
  const found = [linked, ...readdirSync(vendors).map((name) => join(vendors, name, "bin", "bun"))].find(
    (path) => (Bun.file(path).size ?? 0) > 1_000_000,
  );
  if (found === undefined) throw new Error("Bun is not installed; run npm install first");
  return found;
}

/** Digest of everything that the executable is made from: what one build keeps for itself, another doesn't trust. */
function digestOfSources(): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const sources = ["src", join("docs", "deploy")]
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    )
    .filter((name) => statSync(join(root, name)).isFile());
  for (const name of [...sources.sort(), "package.json", "package-lock.json"]) {
    hasher
      .update(`${name}\0`)
      .update(readFileSync(join(root, name)))
      .update("\0");
  }
  return hasher.digest("hex");
}

/** The runtime with the variables' first letter changed to one that no environment can name by accident. */
function deafRuntime(path: string): string {
  const bytes = readFileSync(path);
  for (const name of VARIABLES) {
    const word = Buffer.from(name);
    let patched = 0;
    for (let at = bytes.indexOf(word); at !== -1; at = bytes.indexOf(word, at + 1)) {
      bytes[at] = 0x01;
      patched += 1;
    }
    if (patched === 0) throw new Error(`${name} is not in the runtime any more: see what replaced it before releasing`);
  }
  const deaf = join(dirname(out), `.runtime-${process.pid}`);
  writeFileSync(deaf, bytes);
  chmodSync(deaf, 0o755);
  return deaf;
}

mkdirSync(dirname(out), { recursive: true });
// bssh ca build puts a config into it, so that every bssh carries it.
await buildFunction(ZIP);
const deaf = deafRuntime(runtime());
// Built beside and renamed, under the final name: the name is part of the image.
const folder = join(dirname(out), `.build-${process.pid}`);
const built = join(folder, "bssh");
try {
  const build = Bun.spawnSync(
    [
      runtime(),
      "build",
      "--compile",
      "--minify",
      "--splitting",
      "--bytecode",
      "--format=esm",
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      "--reject-unresolved",
      // The SDK then comes as ES modules, of which the bundler takes only what is used.
      "--conditions=module",
      `--define=BSSH_BUILD=${JSON.stringify(digestOfSources())}`,
      `--compile-executable-path=${deaf}`,
      join(root, "src", "main.ts"),
      `--outfile=${built}`,
    ],
    { cwd: root, stdout: "ignore", stderr: "pipe" },
  );
  if (build.exitCode !== 0) {
    console.error(build.stderr.toString());
    process.exit(1);
  }
  renameSync(built, out);
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(deaf, { force: true });
}
console.log(`${out}  ${(Bun.file(out).size / 1e6).toFixed(1)} MB`);
