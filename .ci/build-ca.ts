// Builds dist/ca-lambda.zip: the CA's function for Node.js on AWS, the same on arm64 and x86-64. The same sources give the same
// bytes; another path may be given for the zip.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { BunPlugin } from "bun";
import manifest from "../package.json" with { type: "json" };
import { makeZip } from "../src/commands/ca/zip.ts";

const root = resolve(import.meta.dir, "..");

const ENTRY = "index.mjs";

/**
 * bcrypt-pbkdf as an ES module, with the SHA-512 of Node.js: it takes nothing else of tweetnacl, which is three times as large
 * and slower.
 */
const bcryptForNode: BunPlugin = {
  name: "bcrypt-pbkdf for Node.js",
  setup(build) {
    build.onLoad({ filter: /[\\/]bcrypt-pbkdf[\\/]index\.js$/ }, async ({ path }) => {
      let contents = await Bun.file(path).text();
      for (const [old, replacement] of [
        ["require('tweetnacl').lowlevel.crypto_hash", SHA512],
        ["module.exports =", "export const { pbkdf } ="],
      ] as const) {
        if (contents.split(old).length !== 2) throw new Error("bcrypt-pbkdf is not what it was: see what changed");
        contents = contents.replace(old, () => replacement);
      }
      return { loader: "js", contents: `import { createHash } from "node:crypto";\n${contents}` };
    });
  },
};

const SHA512 = `(out, bytes, length) => {
  out.set(createHash("sha512").update(bytes.subarray(0, length)).digest());
}`;

/** The function's code by its files' names: `index.mjs`, and what that opens only when it needs it. */
export async function bundleFunction(): Promise<Map<string, Uint8Array>> {
  const build = await Bun.build({
    entrypoints: [join(root, "src", "ca", "lambda.ts")],
    root: join(root, "src", "ca"),
    target: "node",
    format: "esm",
    minify: true,
    splitting: true,
    naming: { entry: ENTRY, chunk: "[hash].mjs" },
    plugins: [bcryptForNode],
    conditions: ["module"],
    define: { BSSH_CA_VERSION: JSON.stringify(manifest.version) },
    throw: false,
  });
  if (!build.success) throw new Error(build.logs.join("\n"));
  const texts = new Map<string, string>();
  for (const output of build.outputs) texts.set(output.path.replace(/^.*\//, ""), await output.text());
  return renamed(texts);
}

/** The bundler's names for chunks depend on where the checkout lies: these depend on nothing but what is in them. */
function renamed(texts: ReadonlyMap<string, string>): Map<string, Uint8Array> {
  const chunks = [...texts.keys()].filter((name) => name !== ENTRY);
  const blank = (text: string) => chunks.reduce((left, name) => left.replaceAll(name, ""), text);
  const ordered = chunks
    .map((name) => ({ name, key: blank(texts.get(name) ?? "") }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const names = new Map([
    [ENTRY, ENTRY],
    ...ordered.map(({ name }, index) => [name, `part-${index + 1}.mjs`] as const),
  ]);
  return new Map(
    [...texts].map(([name, text]) => {
      const whole = chunks.reduce((left, chunk) => left.replaceAll(chunk, names.get(chunk) ?? ""), text);
      return [names.get(name) ?? "", new TextEncoder().encode(whole)];
    }),
  );
}

/** Where the zip of the function lies; src/commands/ca/function.ts takes it in from there. */
export const ZIP = join(root, "dist", "ca-lambda.zip");

export async function buildFunction(out: string): Promise<void> {
  const files = await bundleFunction();
  const zip = makeZip(files);
  mkdirSync(dirname(out), { recursive: true });
  // Built beside and renamed: whoever reads it reads a whole one.
  writeFileSync(`${out}.${process.pid}`, zip);
  renameSync(`${out}.${process.pid}`, out);
  for (const [name, bytes] of files) console.log(`  ${name}  ${(bytes.length / 1000).toFixed(1)} KB`);
  console.log(`${out}  ${(zip.length / 1000).toFixed(1)} KB`);
}

if (import.meta.main) await buildFunction(resolve(process.argv[2] ?? ZIP));
