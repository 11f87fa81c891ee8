import { expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { unzipSync } from "fflate";
import { makeZip } from "../../src/commands/ca/zip.ts";

const root = resolve(import.meta.dir, "../..");

function build(checkout: string, zone: string): Uint8Array {
  const out = join(checkout, "zipped", "ca-lambda.zip");
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, join(checkout, ".ci", "build-ca.ts"), out], {
    cwd: checkout,
    env: { ...process.env, TZ: zone },
  });
  if (exitCode !== 0) throw new Error(`${stderr}`);
  return readFileSync(out);
}

test("the same sources give the same zip, in whatever folder, time zone and moment", () => {
  const folder = mkdtempSync(join(tmpdir(), "bssh-zip-"));
  try {
    const zips = ["one", "another/much/deeper"].map((name, index) => {
      const checkout = join(folder, name);
      for (const part of [".ci", "src", "package.json", "tsconfig.json"]) {
        cpSync(join(root, part), join(checkout, part), { recursive: true });
      }
      symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
      return build(checkout, ["Asia/Kathmandu", "America/Los_Angeles"][index] ?? "UTC");
    });
    expect(zips[1]).toEqual(zips[0] ?? new Uint8Array());
    const files = unzipSync(zips[0] ?? new Uint8Array());
    expect(Object.keys(files)).toContain("index.mjs");
    const code = Object.values(files).map((bytes) => new TextDecoder().decode(bytes));
    expect(code.join("\n")).not.toContain(root);
    expect(code.join("\n")).not.toContain(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a zip holds its files in order, readable for everybody, whatever order they came in", () => {
  const [a, b] = [new TextEncoder().encode("a"), new TextEncoder().encode("b".repeat(1000))];
  const zip = makeZip(
    new Map([
      ["b.txt", b],
      ["a.txt", a],
    ]),
  );
  expect(zip).toEqual(
    makeZip(
      new Map([
        ["a.txt", a],
        ["b.txt", b],
      ]),
    ),
  );
  expect(unzipSync(zip)).toEqual({ "a.txt": a, "b.txt": b });
  const folder = mkdtempSync(join(tmpdir(), "bssh-zip-"));
  try {
    Bun.spawnSync(["sh", "-c", "umask 077; cat >z.zip"], { cwd: folder, stdin: zip });
    const unzip = (option: string) => Bun.spawnSync(["unzip", option, join(folder, "z.zip")], { env: { TZ: "UTC" } });
    expect(unzip("-tq").exitCode).toBe(0);
    const lines = unzip("-ZT")
      .stdout.toString()
      .split("\n")
      .filter((line) => line.endsWith(".txt"));
    expect(lines.map((line) => line.replace(/ .* /, " "))).toEqual(["-rw-r--r-- a.txt", "-rw-r--r-- b.txt"]);
    for (const line of lines) expect(line).toContain(" 19800101.120000 ");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a name that leads elsewhere is no file of a zip", () => {
  for (const name of ["../x", "/x", "a/b", "", ".x"]) {
    expect(() => makeZip(new Map([[name, new Uint8Array(1)]]))).toThrow("is no name for a file");
  }
});
