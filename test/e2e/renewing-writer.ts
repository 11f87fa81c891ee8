// Renews the certificate of KEY as often as it is told, by turns with the lines of a file: KEY LINES COUNT.
import { readFileSync, writeSync } from "node:fs";
import { identityFiles } from "../../src/identity/files.ts";
import { storeCertificate } from "../../src/identity/store.ts";

const [key = "", prepared = "", count = "0"] = process.argv.slice(2);
const files = identityFiles(key);
const lines = readFileSync(prepared, "utf8").trimEnd().split("\n");
writeSync(1, "begins\n");
for (let round = 0; round < Number(count); round++) storeCertificate(files, lines[round % lines.length] ?? "");
