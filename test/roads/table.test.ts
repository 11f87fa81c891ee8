// promise: the table in docs/roads.md says of every road and column what the test of that name shows
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ROADS } from "./all.ts";
import { COLUMNS, cellName } from "./road.ts";

const text = readFileSync(resolve(import.meta.dir, "../../docs/roads.md"), "utf8");
/** Lines of the first table. */
const rows = (text.split("\n\n").find((part) => part.startsWith("|")) ?? "")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
const notes = [...text.matchAll(/^(\d+)\. (.*(?:\n {3}.*)*)/gm)].map(([, number = "", note = ""]) => ({
  number,
  note: note.replace(/\n */g, " "),
}));

test("the table has the columns, and a row for each road in the order of the tests", () => {
  expect(rows[0]).toEqual(["Road", ...COLUMNS]);
  expect(rows.slice(2).map(([name]) => name)).toEqual(ROADS.map(({ name }) => name));
});

test("no two tests have the same name", () => {
  const names = ROADS.flatMap((road) => COLUMNS.map((column) => cellName(road, column)));
  expect(new Set(names).size).toBe(names.length);
});

describe.each(ROADS.map((road, index) => ({ road, cells: rows[index + 2]?.slice(1) ?? [] })))("$road.name", (row) => {
  test.each(COLUMNS.map((column, index) => ({ column, cell: row.cells[index] })))("$column", ({ column, cell }) => {
    const instead = row.road.instead?.[column];
    if (instead === undefined) expect(cell).toBe("✓");
    else {
      const note = notes.find(({ number }) => cell === `no (${number})`)?.note ?? "";
      expect(note).toContain(instead.why);
      for (const line of instead.err) if (typeof line === "string") expect(note).toContain(`\`${line}\``);
    }
  });
});
