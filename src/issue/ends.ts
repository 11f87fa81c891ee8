import { readdirSync } from "node:fs";
import { readPrivate } from "./private-files.ts";

/** When what is kept between logins ends, in milliseconds since the epoch; null when there is none. */
export type Ends = { readonly session: number | null; readonly role: number | null; readonly kmsauth: number | null };

/**
 * The ends of what is kept under `state`, without asking anybody. Where several are kept (for other profiles, roles or regions)
 * the one that lasts longest counts. What has ended counts as none.
 */
export function keptEnds(state: string, now: number): Ends {
  const ends: Record<string, number | null> = { session: null, role: null, kmsauth: null };
  for (const name of names(`${state}/cache`)) {
    const kind = name.slice(0, name.indexOf("-"));
    if (!Object.hasOwn(ends, kind)) continue;
    const end = endOf(readPrivate(`${state}/cache/${name}`).text);
    if (end !== null && end > now && end > (ends[kind] ?? 0)) ends[kind] = end;
  }
  return { session: ends["session"] ?? null, role: ends["role"] ?? null, kmsauth: ends["kmsauth"] ?? null };
}

/** The end of JavaScript's time, in milliseconds since the epoch; nothing of AWS lasts so long. */
const LATEST = 8.64e15;

function names(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^[a-z]+-[0-9a-f]+\.json$/.test(name));
  } catch {
    return [];
  }
}

function endOf(text: string | null): number | null {
  try {
    const { ends } = JSON.parse(text ?? "null") as { ends?: unknown };
    return typeof ends === "number" && Number.isFinite(ends) && ends < LATEST ? ends : null;
  } catch {
    return null;
  }
}
