/**
 * Addresses and networks as a `source-address` option may hold them: what Python's `ipaddress.ip_network(text,
 * strict=True)` takes (BLESS checks with it), without netmasks and scopes, which sshd does not read.
 */

export type Network = { readonly family: 4 | 6; readonly prefix: number };

/** Reads one address, or a network without host bits; null when it is neither. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = address.includes(":") ? 6 : 4;
  const bits = family === 6 ? parseV6(address) : parseV4(address);
  if (bits === null) return null;

  const width = family === 6 ? 128 : 32;
  const written = slash < 0 ? `${width}` : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(written)) return null;
  const prefix = Number(written);
  if (prefix > width) return null;
  const hostBits = BigInt.asUintN(width - prefix, bits);
  return hostBits === 0n ? { family, prefix } : null;
}

/**
 * True when the networks together are larger than two of the largest that may stand alone: a list of small ones can be the whole
 * internet too. Where the shortest prefix is 0, nothing is too much.
 */
export function coversTooMuch(
  networks: readonly Network[],
  shortest: { readonly ipv4: number; readonly ipv6: number },
): boolean {
  for (const [family, width, least] of [
    [4, 32, shortest.ipv4],
    [6, 128, shortest.ipv6],
  ] as const) {
    let addresses = 0n;
    for (const network of networks) if (network.family === family) addresses += 1n << BigInt(width - network.prefix);
    if (least > 0 && addresses > 2n << BigInt(width - least)) return true;
  }
  return false;
}

function parseV4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let bits = 0n;
  for (const part of parts) {
    // A leading zero would be octal to some readers; Python refuses it as well.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

/** RFC 4291, section 2.2: eight groups, one run of them as `::`, the last two perhaps as an IPv4 address. */
function parseV6(text: string): bigint | null {
  if (text.length > 45) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const left = groupsOf(halves[0] ?? "", halves.length === 1);
  const right = groupsOf(halves[1] ?? "", true);
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...left, ...new Array<bigint>(missing).fill(0n), ...right].reduce((bits, group) => (bits << 16n) | group, 0n);
}

function groupsOf(text: string, last: boolean): bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes(".")) {
      const v4 = parseV4(part);
      if (v4 === null) return null;
      groups.push(v4 >> 16n, v4 & 0xffffn);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(BigInt(`0x${part}`));
    } else {
      return null;
    }
  }
  return groups;
}
