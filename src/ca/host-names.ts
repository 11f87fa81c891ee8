/** Names of hosts as a host certificate may hold them: ssh compares them with the name that was typed, in lower case. */
import { parseNetwork } from "./network.ts";

/** RFC 1035, section 2.3.4: 255 bytes with the lengths of the labels, 253 as text. */
const MAX_NAME = 253;
/** RFC 1123, section 2.1, in lower case. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** One part of a name between two dots. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/**
 * What is wrong with a name, to be read behind it; null when it is one host's name, or one address.
 *
 * ssh takes a principal of a host certificate as a pattern, so that `*` would be every host there is.
 */
export function hostNameFault(name: string): string | null {
  if (name === "") return "is empty";
  const fault = textFault(name);
  if (fault !== null) return fault;
  if (/[A-Z]/.test(name)) return "is not in lower case";
  if (isAddress(name)) return null;
  if (name.endsWith(".")) return "ends with a dot";
  const labels = name.split(".");
  if (!labels.every(isLabel)) return "is no host name";
  // What ends in a number is an address or a mistake, never a name: https://url.spec.whatwg.org/#ends-in-a-number-checker
  return /^\d+$/.test(labels.at(-1) ?? "") ? "is no host name and no address" : null;
}

/** BLESS's hostname_validation: `url` is what its URL rule takes behind `ssh://`, `disabled` nearly anything. */
export type HostnameRule = "url" | "disabled";

const URL_HOST =
  /^(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?|\[[a-f0-9]*:[a-f0-9:.]+\]|[a-f0-9]*:[a-f0-9:]+)(:\d{1,5})?$/i;

/** As hostNameFault, for names that nobody vouches for: BLESS's rules, without what no certificate should hold. */
export function unprovenNameFault(name: string, rule: HostnameRule): string | null {
  if (name === "") return "is empty";
  return textFault(name) ?? (rule === "disabled" || URL_HOST.test(name) ? null : "is no host name");
}

function textFault(name: string): string | null {
  if (name.length > MAX_NAME || new TextEncoder().encode(name).length > MAX_NAME) return "is longer than 253 bytes";
  if (/[\p{C}\p{Z}]/u.test(name) || !name.isWellFormed()) return "has a character that has no place in a name";
  return /[*?!]/.test(name) ? "is a pattern, and certificates are for single hosts" : null;
}

function isAddress(name: string): boolean {
  return !name.includes("/") && parseNetwork(name) !== null;
}
