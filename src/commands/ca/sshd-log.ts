// The lines in which sshd names a certificate. The key ID stands in their middle, and in it the command of whoever asked for the
// certificate, who may have written anything: it is read from its beginning, which the CA wrote, and the serial from the line's end.

/** The longest that sshd logs (MSGBUFSIZ of log.c is 1024), less what its escapes may leave over: what is as long may be cut. */
const WHOLE = 1018;

/** In front of sshd's own words: a time, a host and the program, as syslog or journalctl write them; nothing in a file of sshd's. */
const PREFIX = /^(?:\S+ +){1,6}?sshd(?:-session|-auth)?(?:\[\d+\])?: /;

/** auth2-pubkey.c and auth.c of OpenSSH: `%s %s ID %s (serial %llu) CA %s %s`. */
const LOGIN = {
  head: /^(?:Accepted|Partial|Failed|Postponed) publickey for \S+ from \S+ port \d+ ssh2: \S+-CERT (?:SHA256|MD5):\S+ ID /,
  // Whoever is no user yet may have any name.
  whole: /^(?:Accepted|Partial|Failed|Postponed) publickey for .* ssh2: \S+-CERT (?:SHA256|MD5):\S+ ID .*$/s,
  tail: / \(serial (\d{1,20})\) CA \S+ (?:SHA256|MD5):\S+$/,
} as const;

/** auth2-pubkey.c: `Accepted certificate ID "%s" (serial %llu) signed by …`, and since 9.6 `Refusing certificate ID "%s" serial=%llu …`. */
const CERTIFICATE = {
  head: /^(?:Accepted|Refusing|Refused) certificate ID "/i,
  tail: /" (?:\(serial |serial=)(\d{1,20})\)? signed by (?:\S+ CA|CA \S+) (?:SHA256|MD5):\S+(?:(?: via | found at |: )[^"]*)?$/,
} as const;

/** What BLESS and this CA begin a key ID with, by hand as well. */
const REQUEST = /^(?:break-glass for\[[^\]]*\] )?request\[([^\]]{1,200})\]/;

/** The certificate that a line is about, by what the CA wrote itself; null when it is about none. */
export function readSshdLine(
  line: string,
): { readonly serial: string | null; readonly requestId: string | null } | null {
  const message = line
    .replace(PREFIX, "")
    .replace(/^error: /, "")
    .replace(/ \[preauth\]$/, "");
  const isCut = Buffer.byteLength(message) > WHOLE;
  for (const { head, tail, whole } of [LOGIN, { ...CERTIFICATE, whole: CERTIFICATE.head }]) {
    if (!whole.test(message) && !head.test(message)) continue;
    const serial = isCut ? null : (tail.exec(message)?.[1] ?? null);
    const [before] = head.exec(message) ?? [];
    const requestId = before === undefined ? null : (REQUEST.exec(message.slice(before.length))?.[1] ?? null);
    return serial === null && requestId === null ? null : { serial, requestId };
  }
  return null;
}
