/** The zip that a function is deployed as. The same files give the same bytes, wherever and whenever it is made. */
import { zipSync } from "fflate";

/** zip keeps local time, so this is one: the first day that it knows, at noon. */
const MODIFIED = new Date(1980, 0, 1, 12);
/** A regular file that anyone may read: Lambda runs the code as a user of its own. */
const ATTRIBUTES = 0o100644 << 16;
const UNIX = 3;
/** What Lambda takes in one upload: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ZIP = 50 * 1024 * 1024;

/** The files by their names, in the order of these. Throws an Error for names that lead elsewhere, or too much of it. */
export function makeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const names = [...files.keys()].sort();
  const bad = names.find((name) => !/^[\w-][\w.-]*$/.test(name));
  if (bad !== undefined) throw new Error(`${JSON.stringify(bad)} is no name for a file beside the code`);
  const entries = names.map((name) => {
    const bytes = files.get(name) ?? new Uint8Array(0);
    return [name, [bytes, { level: 9, mtime: MODIFIED, os: UNIX, attrs: ATTRIBUTES }]] as const;
  });
  const zip = zipSync(Object.fromEntries(entries) as Parameters<typeof zipSync>[0]);
  if (zip.length > MAX_ZIP) throw new Error("the zip is larger than Lambda takes");
  return zip;
}
