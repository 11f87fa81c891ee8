// The options' table of docs/ca.md, from the options themselves; run by itself it puts it there.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { OPTIONS, type Section, variableOf } from "../../src/ca/deploy-options.ts";

const page = resolve(import.meta.dir, "../../docs/ca.md");
const SECTIONS: readonly Section[] = ["Bless Options", "Bless CA", "KMS Auth", "Bssh"];
const TABLES = /<!-- options -->[\s\S]*?<!-- end of options -->/;

export function optionTables(): string {
  return SECTIONS.flatMap((section) => [
    `### [${section}]`,
    "",
    "| option | variable | when not given | meaning |",
    "|---|---|---|---|",
    ...OPTIONS.filter((option) => option.section === section).map(
      ({ name, default: usual, meaning }) =>
        `| \`${name}\` | \`${variableOf(section, name.replace("<region>", "REGION")).replace("_region_", "_<region>_")}\` | ${usual === null ? "" : `\`${usual.replaceAll(",", ", ")}\``} | ${meaning.replaceAll("|", "\\|")} |`,
    ),
    "",
  ])
    .join("\n")
    .trimEnd();
}

export function writtenTables(): string {
  return TABLES.exec(readFileSync(page, "utf8"))?.[0] ?? "";
}

export function expectedTables(): string {
  return `<!-- options -->\n${optionTables()}\n<!-- end of options -->`;
}

if (import.meta.main)
  writeFileSync(
    page,
    readFileSync(page, "utf8").replace(TABLES, () => expectedTables()),
  );
