// What the machine's ssh knows of options, to hold tables of them against.
import { readFileSync } from "node:fs";
import { parseCall } from "../../src/argv/parse.ts";
import { grammarFor } from "../../src/argv/ssh-options.ts";
import type { Rules } from "../../src/ssh/objection.ts";
import { askSsh } from "../argv/ssh-oracle.ts";

export const call = (...words: string[]) => parseCall(words, grammarFor(null));

/** Those of `candidates` that the ssh on PATH takes for keywords: it calls the others bad. */
export async function keywordsOf(candidates: readonly string[], folder: string): Promise<string[]> {
  const keywords: string[] = [];
  const lines = candidates.map((keyword) => ["-G", "-F", "none", "-o", `${keyword} 0`, "web1"]);
  await askSsh(lines, folder, (index, { output }) => {
    const keyword = candidates[index];
    if (keyword !== undefined && !output.includes("Bad configuration option")) keywords.push(keyword);
  });
  return keywords;
}

/** Everything in ssh's own image that looks like a keyword. */
export function lowerCaseTexts(): string[] {
  const image = readFileSync(Bun.which("ssh") ?? "/usr/bin/ssh", "latin1");
  const texts = [...image.matchAll(/(?<=\0)[a-z][a-z0-9]{2,39}(?=\0)/g)].map(([text]) => text);
  return [...new Set(texts)];
}

/** Keywords that are in none of the tables, and those in more than one. */
export function gaps(rules: Rules, keywords: readonly string[]): { unknown: string[]; twice: string[] } {
  const tables = [rules.harmless, new Set(Object.keys(rules.against)), new Set(Object.keys(rules.againstTyped))];
  const count = (keyword: string) => tables.filter((table) => table.has(keyword)).length;
  const all = new Set(tables.flatMap((table) => [...table]));
  return { unknown: keywords.filter((k) => count(k) === 0), twice: [...all].filter((k) => count(k) > 1) };
}

/** Keywords of ssh 1 and of patches long gone: read and thrown away with a warning. In no table, so that they speak against. */
export const NO_LONGER_READ: readonly string[] = [
  "afstokenpassing cipher dsaauthentication fallbacktorsh kerberosauthentication kerberostgtpassing",
  "protocolkeepalives rhostsauthentication rhostsrsaauthentication rsaauthentication skeyauthentication",
  "smartcarddevice tisauthentication useblacklistedkeys useroaming usersh",
].flatMap((line) => line.split(" "));
