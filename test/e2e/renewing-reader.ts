// Reads KEY, its certificate and the link over and over until stdin ends, and prints what it saw: KEY LINES.
import { readFileSync, writeSync } from "node:fs";
import { identityFiles } from "../../src/identity/files.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { readOpenSshKey } from "../../src/wire/private-key.ts";

const [path = "", prepared = ""] = process.argv.slice(2);
const files = identityFiles(path);
const good = new Set(
  readFileSync(prepared, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => `${line}\n`),
);
const wrong: string[] = [];
const seen = new Set<string>();
let reads = 0;
let ended = false;
void Bun.stdin.text().then(() => {
  ended = true;
});

function look(): void {
  const key = readOpenSshKey(readFileSync(files.key, "utf8"));
  for (const place of [files.certificate, files.link]) {
    const line = readFileSync(place, "utf8");
    seen.add(line);
    if (!good.has(line)) wrong.push(`${place} holds ${line.length} characters that were never stored`);
    const certificate = parseCertificate(line);
    if (key === null || Buffer.compare(key.publicKey, certificate.publicKey) !== 0) wrong.push("a mismatched pair");
  }
  reads += 1;
}

writeSync(1, "begins\n");
while (!ended) {
  for (let round = 0; round < 50 && wrong.length < 10; round++) {
    try {
      look();
    } catch (error) {
      wrong.push(String(error));
    }
  }
  await Bun.sleep(0);
}
writeSync(1, JSON.stringify({ reads, certificates: seen.size, wrong }));
