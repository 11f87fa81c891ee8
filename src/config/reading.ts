import { parsePublicKey } from "../wire/public-key.ts";
import { hasHostBits, isLoopback, parseNetwork } from "./address.ts";

/** How a value of the config is refused: `problem` completes "KEY …"; `part` is what of the key (`[2].alias`). */
export type Reading = {
  readonly home: string;
  wrong(problem: string, wanted?: string, part?: string): never;
};

/** Turns a value as TOML gives it into the setting's own form, or refuses it. */
export type Read<T> = (given: unknown, reading: Reading) => T;

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

export const readFlag: Read<boolean> = (given, reading) =>
  typeof given === "boolean" ? given : reading.wrong("is neither true nor false");

/** A number from `least` to `most`, whole unless `fractions`. */
export function readNumber(least: number, most: number, fractions = false): Read<number> {
  return (given, reading) => {
    if (typeof given !== "number" || Number.isNaN(given)) return reading.wrong("is no number");
    if (!fractions && !Number.isInteger(given)) return reading.wrong("is no whole number");
    if (given < least) return reading.wrong(`is less than ${least}`);
    return given > most ? reading.wrong(`is more than ${most}`) : given;
  };
}

export function readChoice<T extends string>(...choices: readonly T[]): Read<T> {
  return (given, reading) => choices.find((choice) => choice === given) ?? reading.wrong("is none of these");
}

/** Text of one line that `check` accepts; "" means none, so that a user's file can take back what the system's sets. */
export function readText(check: (text: string, reading: Reading) => boolean, limit = 1024): Read<string | null> {
  return (given, reading) => {
    const text = oneLine(given, reading, limit);
    if (text === "") return null;
    return check(text, reading) ? text : reading.wrong("is not of that form");
  };
}

export const readPattern: Read<string> = (given, reading) => {
  if (typeof given !== "string") return reading.wrong("is no text");
  if (given === "") return reading.wrong("is empty");
  return given.length > 8192 ? reading.wrong("is longer than 8192 characters") : given;
};

/** An absolute path, `~/` written out. */
export const readPath: Read<string> = (given, reading) => {
  const text = oneLine(given, reading, 4096);
  if (text.startsWith("~/") && text.length > 2) return reading.home + text.slice(1);
  return text.startsWith("/") && !text.endsWith("/") ? text : reading.wrong("is no absolute path of a file");
};

export const readPathOrNone: Read<string | null> = (given, reading) => (given === "" ? null : readPath(given, reading));

/** An array of texts, each turned by `item`; `separated`: one text with commas will do as well. */
export function readList<T>(item: (text: string, wrong: (problem: string) => never) => T, separated = false) {
  const read: Read<readonly T[]> = (given, reading) => {
    const parts = separated && typeof given === "string" ? words(given) : given;
    if (!Array.isArray(parts)) return reading.wrong(separated ? "is neither a text nor an array" : "is no array");
    if (parts.length > 256) return reading.wrong("has more than 256 entries");
    const list: T[] = [];
    for (let index = 0; index < parts.length; index++) {
      const part: unknown = parts[index];
      const wrong = (problem: string) => reading.wrong(problem, undefined, `[${index}]`);
      list.push(typeof part === "string" ? item(part, wrong) : wrong("is no text"));
    }
    return Object.freeze(list);
  };
  return read;
}

/** OpenSSH splits a certificate's principals at nothing, but BLESS takes them as one text with commas. */
export function readPrincipal(text: string, wrong: (problem: string) => never): string {
  if (text === "") return wrong("is empty");
  if (text.length > 255) return wrong("is longer than 255 characters");
  return /[\s,\u0000-\u001f\u007f-\u009f]/.test(text)
    ? wrong("holds white space, a comma or a control character")
    : text;
}

export function readAddress(text: string, wrong: (problem: string) => never): string {
  const network = parseNetwork(text);
  if (network === null) return wrong(/\s/.test(text) ? "holds white space" : "is no address");
  return hasHostBits(network) ? wrong("has bits set beside the network's") : text;
}

export function readUrl(text: string, wrong: (problem: string) => never): string {
  const url = /^https?:\/\/[^\s\u0000-\u001f\u007f]+$/i.test(text) ? URL.parse(text) : null;
  if (url === null) return wrong("is no http or https URL");
  if (url.username !== "" || url.password !== "") return wrong("holds a user name or password");
  if (url.protocol !== "https:" && !isLoopback(url.hostname))
    return wrong("is plain http, which anyone on the way can answer");
  return text;
}

/**
 * A pattern of known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) that names some domain or host: no negation, no list, no port,
 * and not all hosts there are.
 */
export function readHostPattern(text: string, wrong: (problem: string) => never): string {
  if (text === "") return wrong("is empty");
  if (text.length > 255) return wrong("is longer than 255 characters");
  for (let at = 0; at < text.length; at++) {
    if (!HOST_PATTERN.includes(text.charAt(at))) {
      return wrong("holds other characters than letters, digits, . - _ : * ?");
    }
  }
  // Of its last two labels one at least has to be spelled out.
  const ending = text.split(".").slice(-2);
  if (!ending.some((label) => label !== "" && !label.includes("*") && !label.includes("?"))) {
    return wrong("matches hosts of any domain");
  }
  return text;
}

/** A host's own name or address, as a certificate may hold it: one host's, in lower case. */
export function readHostName(text: string, wrong: (problem: string) => never): string {
  if (text === "") return wrong("is empty");
  if (text.length > 253) return wrong("is longer than 253 characters");
  for (let at = 0; at < text.length; at++) {
    if (!HOST_NAME.includes(text.charAt(at)))
      return wrong("holds other characters than small letters, digits, . - _ :");
  }
  return text;
}

const HOST_NAME = "abcdefghijklmnopqrstuvwxyz0123456789.-_:";

const HOST_PATTERN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:*?";

/** `TYPE BASE64`, the comment dropped. */
export function readCaKey(text: string, wrong: (problem: string) => never): string {
  if (text.includes("PRIVATE KEY")) return wrong("is a private key");
  if (/^\S+-cert-v0[01]@openssh\.com\s/.test(text)) return wrong("is a certificate");
  try {
    parsePublicKey(text);
  } catch {
    return wrong("is no public key");
  }
  return text
    .trim()
    .split(/[ \t]+/, 2)
    .join(" ");
}

function oneLine(given: unknown, reading: Reading, limit: number): string {
  if (typeof given !== "string") return reading.wrong("is no text");
  if (given.length > limit) return reading.wrong(`is longer than ${limit} characters`);
  if (hasControl(given)) return reading.wrong("holds a control character");
  return given;
}

function words(text: string): string[] {
  return text === "" ? [] : text.split(",").map((word) => word.trim());
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
