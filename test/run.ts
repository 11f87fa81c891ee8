// `npm test`, and `npm run ok` with --quick: sets up what the tests need, then types, lint, units, scenarios and the
// end-to-end suite, and ends with the line `N passed, N failed`.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { needs } from "./needs.ts";

const root = resolve(import.meta.dir, "..");
const quick = process.argv.includes("--quick");
let passed = 0;
let failed = 0;

/** Minutes of real ssh and sshd: left to `npm test`. */
const SLOW = ["./test/argv/differential.test.ts", "./test/sandbox/leftovers.test.ts", "./test/sandbox/login.test.ts"];

/** Folders that are no room's: the slow ones have their turn beside the others, and the rest hold no tests. */
const OTHERS = ["bench", "demo", "e2e", "roads", "scenarios", "vectors"];

function folders(): string[] {
  return readdirSync(join(root, "test"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function testFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${folder}/${name}`)
    .sort();
}

function count(name: string, words: readonly string[]): boolean {
  console.log(`\n== ${name}`);
  const { exitCode } = Bun.spawnSync([...words], { cwd: root, stdout: "inherit", stderr: "inherit", stdin: "ignore" });
  if (exitCode === 0) passed += 1;
  else failed += 1;
  console.log(`== ${name}: ${exitCode === 0 ? "good" : `failed (status ${exitCode})`}`);
  return exitCode === 0;
}

/** Runs test files in a process of their own. What it says is shown when it has ended, so that two can run side by side. */
async function countTests(name: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), "bssh-test-"));
  const report = join(folder, "report.xml");
  const said = join(folder, "said");
  const child = Bun.spawn(
    [process.execPath, "test", "--timeout=60000", "--reporter=junit", `--reporter-outfile=${report}`, ...paths],
    { cwd: root, stdout: Bun.file(said), stderr: Bun.file(`${said}-too`), stdin: "ignore" },
  );
  const exitCode = await child.exited;
  console.log(`\n== ${name}: ${paths.length} files, after ${seconds()} s`);
  for (const file of [said, `${said}-too`]) if (existsSync(file)) console.log(readFileSync(file, "utf8"));
  const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
  const total = (name: string) => Number(new RegExp(`<testsuites[^>]* ${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const skipped = total("skipped");
  const bad = total("failures") + total("errors");
  passed += total("tests") - bad - skipped;
  failed += bad + skipped;
  if (skipped > 0) console.log(`${skipped} tests were skipped, which counts as failed`);
  // A file that can't even be loaded fails the run without a test of its own.
  if (exitCode !== 0 && bad + skipped === 0) failed += 1;
  if (total("tests") === 0) failed += 1;
  rmSync(folder, { recursive: true, force: true });
}

const started = Date.now();
const seconds = () => ((Date.now() - started) / 1000).toFixed(0);
if (!needs()) {
  console.log("0 passed, 1 failed");
  process.exit(1);
}
count("types", [join(root, "node_modules/.bin/tsc"), "--noEmit"]);
count("lint and format", [join(root, "node_modules/.bin/biome"), "check", "--error-on-warnings", "."]);
if (count("build", [process.execPath, join(root, ".ci/build.ts")])) {
  const units = folders().filter((name) => !OTHERS.includes(name));
  const files = (names: readonly string[]) =>
    names.flatMap(testFiles).filter((file) => !(quick && SLOW.includes(file)));
  // Side by side: much of either is waiting.
  await Promise.all([
    countTests("units and scenarios", files(["./test/scenarios", ...units.map((room) => `./test/${room}`)])),
    countTests("end to end", quick ? [] : files(["./test/e2e", "./test/roads"])),
  ]);
}
console.log(`\n${seconds()} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
