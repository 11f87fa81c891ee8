import { Failure, printable } from "../failure.ts";

/** Where the connection goes. Both are data: they reach getaddrinfo(3) and error lines, never a shell or an option. */
export type Destination = { readonly host: string; readonly port: number };

/** NI_MAXHOST of getnameinfo(3): no resolver knows a longer name. */
const LONGEST_HOST = 1025;

/**
 * Reads HOST and PORT, after an optional `--`, whatever they begin with. Throws Failure (255, as ssh fails) when there are
 * more or fewer words, or when they can't be a host and a port.
 */
export function readDestination(words: readonly string[]): Destination {
  // `--` may be the host itself when nothing else is left to be it.
  const [host, port, ...more] = words.length > 2 && words[0] === "--" ? words.slice(1) : words;
  if (host === undefined || port === undefined || more.length > 0) {
    throw wrong(`bssh proxy takes a host and a port, not ${words.length} ${words.length === 1 ? "word" : "words"}`);
  }
  if (host === "") throw wrong("the host is empty");
  if (host.length > LONGEST_HOST) {
    throw wrong(`the host ${printable(host, 40)} is longer than ${LONGEST_HOST} characters`);
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(host)) throw wrong(`the host ${printable(host, 80)} has control characters`);
  if (port === "") throw wrong("the port is empty");
  // 65535 is the largest of a 16-bit port.
  if (!/^0{0,5}[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65535) {
    throw wrong(`${printable(port, 40)} is no port`);
  }
  return { host: withoutBrackets(host), port: Number(port) };
}

/** An IPv6 address in brackets, as URLs and many programs write it (RFC 3986, section 3.2.2), is for getaddrinfo(3) without. */
function withoutBrackets(host: string): string {
  const [, address = host] = /^\[([0-9a-f.]*:[0-9a-f:.]*(?:%[^[\]]+)?)\]$/i.exec(host) ?? [];
  return address;
}

function wrong(fact: string): Failure {
  return new Failure(fact, "write it as ProxyCommand bssh proxy -- '%h' '%p'", 255);
}
