import type { Jump } from "./call.ts";

/**
 * The destination word: `host`, `user@host` (split at the last `@`) or `ssh://[user[;parameters]@]host[:port][/]`. Null when
 * ssh answers it with its usage. A host may be empty; ssh then fails to resolve it.
 */
export function parseDestination(word: string): Jump | null {
  if (word.startsWith("ssh://")) return parseUri(word.slice("ssh://".length));
  const at = word.lastIndexOf("@");
  if (at === 0) return null;
  return { user: at < 0 ? null : word.slice(0, at), host: word.slice(at + 1), port: null };
}

/**
 * A list of jump hosts, `[user@]host[:port]` or `ssh://` each, first hop first; `none` is the empty list. Null when ssh
 * refuses it. Follows parse_jump() in readconf.c, where a `#` or a blank ends the list.
 */
export function parseJumps(text: string): readonly Jump[] | null {
  if (text.toLowerCase() === "none") return [];
  const hops: Jump[] = [];
  for (const part of text.slice(0, endOfJumps(text)).split(",")) {
    const hop = part.startsWith("ssh://") ? parseUri(part.slice("ssh://".length)) : parseHop(part);
    if (hop === null || !isHost(hop.host) || (hop.user !== null && !isUser(hop.user))) return null;
    hops.push(hop);
  }
  return hops;
}

/** Whether ssh lets this host name in from the command line (valid_hostname() in ssh.c, 9.6 and distributions' older ones). */
export function isHost(name: string): boolean {
  return !name.startsWith("-") && !holds(name, "'\"`$\\;&<>|(){}, ");
}

/** Whether ssh lets this user name in from the command line (valid_ruser() in ssh.c). */
export function isUser(name: string): boolean {
  return !name.startsWith("-") && !name.endsWith("\\") && !name.includes(" -") && !holds(name, "'\"`;&<>|(){}");
}

/** Whether there is a control character or one of `characters` in the text. ssh looks at bytes: those above 127 are fine. */
function holds(text: string, characters: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 32 || code === 127 || characters.includes(text.charAt(at))) return true;
  }
  return false;
}

/**
 * Whether a port can be one: a number from 1 to 65535 as strtonum() reads it, or a word that the system may know as a
 * service. The few services whose names begin with a digit are not among them: `22x` is a slip.
 */
export function isPort(word: string): boolean {
  let at = 0;
  while (at < word.length && " \t\n\v\f\r".includes(word.charAt(at))) at++;
  if ("+-".includes(word.charAt(at)) && at < word.length) at++;
  const digits = at;
  while (at < word.length && "0123456789".includes(word.charAt(at))) at++;
  if (at === digits || at < word.length) return isServiceName(word);
  const port = Number(word);
  return port >= 1 && port <= 65535;
}

function isServiceName(word: string): boolean {
  return /^[A-Za-z][\w.+*-]*$/.test(word);
}

/** `[user@]host[:port]`, IPv6 addresses in brackets (parse_user_host_port() in misc.c). */
function parseHop(text: string): Jump | null {
  const at = text.lastIndexOf("@");
  if (at === 0) return null;
  const cut = cutHost(text.slice(at + 1));
  if (cut === null || cut.delimiter === "/") return null;
  const port = cut.after === "" ? null : cut.after;
  if (port !== null && !isPort(port)) return null;
  return { user: at < 0 ? null : text.slice(0, at), host: cut.host, port };
}

/** What follows `ssh://` (parse_uri() in misc.c): no path, and a host of letters, digits, `.`, `-` and `_`. */
function parseUri(text: string): Jump | null {
  const at = text.indexOf("@");
  const user = at < 0 ? null : percentDecode(text.slice(0, at).replace(/;.*$/s, ""));
  if (at >= 0 && (user === null || user === "")) return null;
  const cut = cutHost(text.slice(at + 1));
  if (cut === null || !/^[A-Za-z0-9](?:\.?[A-Za-z0-9_-])*\.?$/.test(cut.host)) return null;
  const host = cut.host.endsWith(".") ? cut.host.slice(0, -1) : cut.host;
  if (cut.after === "") return { user, host, port: null };
  if (cut.delimiter === "/") return null;
  const slash = cut.after.indexOf("/");
  const port = slash < 0 ? cut.after : cut.after.slice(0, slash);
  if (!isPort(port) || (slash >= 0 && slash + 1 < cut.after.length)) return null;
  return { user, host, port };
}

type HostCut = { readonly host: string; readonly delimiter: string; readonly after: string };

/** hpdelim2() and cleanhostname() in misc.c: the host up to `:` or `/`, or in brackets; null when it is empty or unclosed. */
function cutHost(text: string): HostCut | null {
  let end = text.search(/[:/]/);
  if (text.startsWith("[")) {
    end = text.indexOf("]") + 1;
    if (end === 0 || (end < text.length && !":/".includes(text.charAt(end)))) return null;
  } else if (end < 0) {
    end = text.length;
  }
  const host = text.startsWith("[") ? text.slice(1, end - 1) : text.slice(0, end);
  return host === "" ? null : { host, delimiter: text.charAt(end), after: text.slice(end + 1) };
}

function endOfJumps(text: string): number {
  const comment = text.indexOf("#");
  const end = comment < 0 ? text.length : comment;
  // rtrim() in misc.c goes on after the first blank it removes, so that every one but a leading one ends the text.
  for (let at = 1; at < end; at++) if (" \t\n\v\f\r".includes(text.charAt(at))) return at;
  return end;
}

/** urldecode() in misc.c: `+` is a space; null for a broken escape and for a NUL. Bytes that are not UTF-8 become U+FFFD. */
function percentDecode(text: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})|%00/.test(text)) return null;
  return text
    .replaceAll("+", " ")
    .replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        Uint8Array.from(run.slice(1).split("%"), (hex) => Number.parseInt(hex, 16)),
      ),
    );
}
