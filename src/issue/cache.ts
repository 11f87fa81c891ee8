// What is kept between logins: sessions, roles, tokens and what was learned about the user. One file for each thing, named by
// the hash of whom and what it is for, so that switching user, profile, account, role or region can never mix them up.
import { createHash } from "node:crypto";
import { describeErrno, prepareFolder, readPrivate, removePrivate, sweep, writePrivate } from "./private-files.ts";

/** A kind of thing that is kept. `parse` checks the shape of what was read and gives null when it isn't one. */
export type Kind<T> = {
  readonly name: string;
  /** A thing that ends within this time counts as gone; milliseconds. */
  readonly marginMs: number;
  readonly parse: (value: unknown) => T | null;
};

export type Cache = {
  /** What is kept and still good, or null. `now` is corrected by the clock's measured skew. */
  read<T>(kind: Kind<T>, key: readonly string[], now: number): T | null;
  /** Keeps it until `ends` (milliseconds since the epoch). Never throws: a disk that is full or read-only is a note. */
  keep<T>(kind: Kind<T>, key: readonly string[], value: T, ends: number): void;
  forget<T>(kind: Kind<T>, key: readonly string[]): void;
  /** True when `read` gave what an earlier process kept, and nobody refused it since. */
  isOld<T>(kind: Kind<T>, key: readonly string[]): boolean;
};

type Kept = { readonly ends: number; readonly value: unknown };

const VERSION = 1;

/** Files that were not renewed for so long are swept away; which device the person chose is remembered. */
const SWEEP_MS = 45 * 86_400_000;

/**
 * The cache under `state`. With `useOld` false nothing from earlier processes is given. `note` hears, once, why nothing
 * can be kept, and `trace` which files were not believed.
 */
export function openCache(parts: {
  readonly state: string;
  readonly useOld: boolean;
  readonly now: () => number;
  readonly note: (line: string) => void;
  readonly trace: (line: string) => void;
}): Cache {
  const folder = `${parts.state}/cache`;
  const own = new Map<string, Kept>();
  const old = new Set<string>();
  let noted = false;
  let swept = false;
  const refuse = (why: string): null => {
    if (!noted) parts.note(`nothing is kept for the next login: ${folder}: ${why}`);
    noted = true;
    return null;
  };
  const trouble = prepareFolder(parts.state, "readable") ?? prepareFolder(folder, "private");
  const usable = trouble === null;
  if (trouble !== null) refuse(trouble);

  const load = (name: string): Kept | null => {
    const mine = own.get(name);
    if (mine !== undefined) return mine;
    if (!parts.useOld || !usable) return null;
    const { text, strange } = readPrivate(`${folder}/${name}`);
    if (strange !== null) {
      parts.trace(`${folder}/${name}: not believed, ${strange}`);
      removePrivate(`${folder}/${name}`);
    }
    const kept = text === null ? null : parseKept(text);
    if (text !== null && kept === null) parts.trace(`${folder}/${name}: damaged, not used`);
    return kept;
  };

  return {
    read(kind, key, now) {
      const name = fileName(kind.name, key);
      const kept = load(name);
      if (kept === null || kept.ends - kind.marginMs <= now) return null;
      const value = kind.parse(kept.value);
      if (value === null) parts.trace(`${folder}/${name}: damaged, not used`);
      else if (!own.has(name)) old.add(name);
      return value;
    },
    keep(kind, key, value, ends) {
      const name = fileName(kind.name, key);
      own.set(name, { ends, value });
      old.delete(name);
      if (!usable) return;
      try {
        writePrivate(folder, name, JSON.stringify({ version: VERSION, ends, value }));
        if (!swept) sweep(folder, SWEEP_MS, parts.now(), (name) => name.startsWith("device-"));
        swept = true;
      } catch (error) {
        refuse(describeErrno(error));
      }
    },
    forget(kind, key) {
      const name = fileName(kind.name, key);
      own.delete(name);
      old.delete(name);
      if (usable) removePrivate(`${folder}/${name}`);
    },
    isOld: (kind, key) => old.has(fileName(kind.name, key)),
  };
}

function fileName(kind: string, key: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify([kind, ...key]));
  return `${kind}-${hash.digest("hex").slice(0, 40)}.json`;
}

function parseKept(text: string): Kept | null {
  try {
    const whole: unknown = JSON.parse(text);
    const { version, ends, value } = asRecord(whole) ?? {};
    return version === VERSION && typeof ends === "number" && Number.isFinite(ends) ? { ends, value } : null;
  } catch {
    return null;
  }
}

/** An object whose fields may be looked at; null for anything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

/** A text of 1 to `limit` characters without control characters; null for anything else. */
export function asText(value: unknown, limit = 8192): string | null {
  const fits = typeof value === "string" && value !== "" && value.length <= limit;
  return fits && !/[\u0000-\u001f\u007f]/.test(value) ? value : null;
}
