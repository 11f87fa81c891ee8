/** An address or a network: the bytes of the address (4 or 16) and how many bits of it count. */
export type Network = { readonly bytes: readonly number[]; readonly prefix: number };

/**
 * Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; null for anything else: leading zeros, white space, zones, masks in
 * place of a prefix. Host bits under the prefix are kept, `hasHostBits` tells of them.
 */
export function parseNetwork(text: string): Network | null {
  const [address = "", length, more] = text.split("/");
  if (more !== undefined) return null;
  const bytes = address.includes(":") ? sixteenBytes(address) : fourBytes(address);
  if (bytes === null) return null;
  const bits = bytes.length * 8;
  if (length === undefined) return { bytes, prefix: bits };
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) return null;
  return { bytes, prefix: Number(length) };
}

/** True when the address has bits beside its network's: Python's `ip_network`, which BLESS checks with, refuses those. */
export function hasHostBits(network: Network): boolean {
  return network.bytes.some((byte, index) => {
    const counted = Math.min(8, Math.max(0, network.prefix - index * 8));
    return (byte & (0xff >> counted)) !== 0;
  });
}

/** True for a host part of a URL that means this machine. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const network = parseNetwork(host.replace(/^\[(.*)\]$/, "$1"));
  if (network === null) return false;
  if (network.bytes.length === 4) return network.bytes[0] === 127;
  return network.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

function fourBytes(address: string): number[] | null {
  const parts = address.split(".");
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

function sixteenBytes(address: string): number[] | null {
  const halves = address.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => groups(half, index === halves.length - 1));
  if (head === undefined || head === null || tail === null) return null;
  if (tail === undefined) return head.length === 16 ? head : null;
  const gap = 16 - head.length - tail.length;
  // `::` stands for at least one group (RFC 4291, section 2.2).
  return gap < 2 ? null : [...head, ...new Array<number>(gap).fill(0), ...tail];
}

/** Bytes of groups between colons; the last one of the whole address may be IPv4. */
function groups(half: string, isLast: boolean): number[] | null {
  if (half === "") return [];
  const bytes: number[] = [];
  const parts = half.split(":");
  for (const [index, part] of parts.entries()) {
    if (isLast && index === parts.length - 1 && part.includes(".")) {
      const last = fourBytes(part);
      if (last === null) return null;
      bytes.push(...last);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      const value = Number.parseInt(part, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
