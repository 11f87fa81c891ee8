// Certificates that a person took into use by hand (`bssh import`, break glass). They are used as they are until they end, and
// nothing renews them unasked: what the CA would give in their place can't be had, or is less than was needed.
import { readText, type System } from "./system/system.ts";
import type { Certificate } from "./wire/certificate.ts";

/** One of them, as it is kept in the private state. */
export type Imported = {
  /** SHA-256 of what the CA signed, in hex. */
  readonly certificate: string;
  /** Where it was stored. */
  readonly path: string;
  /** Seconds since the epoch. */
  readonly ends: number;
};

/** More than anybody has keys; the oldest go. */
export const MOST_IMPORTED = 16;

/** The file that keeps them, in the private state. */
export function importedFile(state: string): string {
  return `${state}/imported.json`;
}

/** True for a certificate that was taken into use by hand. Read where it matters, which it seldom does. */
export function isImported(system: Pick<System, "read">, state: string, certificate: Certificate): boolean {
  const mark = markOf(certificate);
  return importedIn(system, state).some((one) => one.certificate === mark);
}

/** All that are kept; none where the file is damaged or not to be read. */
export function importedIn(system: Pick<System, "read">, state: string): readonly Imported[] {
  try {
    const list: unknown = JSON.parse(readText(system, importedFile(state)) ?? "[]");
    return Array.isArray(list) ? list.filter(isOne).slice(-MOST_IMPORTED) : [];
  } catch {
    return [];
  }
}

/** By what a certificate is known again. */
export function markOf({ signed }: Pick<Certificate, "signed">): string {
  return new Bun.CryptoHasher("sha256").update(signed).digest("hex");
}

function isOne(value: unknown): value is Imported {
  if (typeof value !== "object" || value === null) return false;
  const { certificate, path, ends } = value as Record<string, unknown>;
  return typeof certificate === "string" && typeof path === "string" && typeof ends === "number";
}
