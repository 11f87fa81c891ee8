// ssh may read its config twice for one connection, and then runs Match exec twice. What failed for an ssh is kept by the
// process, a file each with the time in it, so that the second run neither asks nor tells again.
import { readdirSync } from "node:fs";
import { prepareFolder, removePrivate, sweep, writePrivate } from "../issue/private-files.ts";
import { FAILURE_COUNTS_MS, failuresFolder } from "./match-failed.ts";

/** More than this many are not kept. */
const MOST = 512;

/** Keeps that this ssh was told of a failure. That it can't be kept is no error: it is told twice then. */
export function keepFailure(state: string, ssh: string): void {
  const folder = failuresFolder(state);
  try {
    if (prepareFolder(folder, "private") !== null) return;
    sweep(folder, FAILURE_COUNTS_MS, Date.now(), () => false);
    const names = readdirSync(folder);
    for (const name of names.slice(0, Math.max(0, names.length - MOST + 1))) removePrivate(`${folder}/${name}`);
    writePrivate(folder, ssh, String(Date.now()));
  } catch {}
}
