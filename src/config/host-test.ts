/** NI_MAXHOST, the longest name that ssh takes; a slow pattern is not fed more. */
const MAX_HOST = 1025;

/** Hosts in which no character means more to Python than to ECMAScript. */
const PLAIN_HOST = /^[\x20-\x7e]*$/;

/** A pattern made for `RegExp`, once for plain hosts and once for all others. */
export type Patterns = Readonly<Record<"plain" | "unicode", { readonly source: string; readonly flags: string }>>;

/** Tests hosts with the expression for their kind; the one for hosts that are not plain is made when the first comes. */
export function hostTest(plain: RegExp, makeUnicode: () => RegExp): (host: string) => boolean {
  let unicode: RegExp | null = null;
  return (host) => {
    if (host.length > MAX_HOST) return false;
    if (PLAIN_HOST.test(host)) return plain.test(host);
    unicode ??= makeUnicode();
    return unicode.test(host);
  };
}
