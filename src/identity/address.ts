/** Whether an address lies in one of the networks (`10.0.0.0/8`, `2001:db8::/32`, single addresses); unreadable ones hold nothing. */
export function networksHold(networks: readonly string[], address: string): boolean {
  const wanted = addressBits(address);
  if (wanted === null) return false;
  return networks.some((network) => {
    const [base = "", length] = network.split("/");
    const bits = addressBits(base);
    if (bits === null || bits.width !== wanted.width) return false;
    const prefix = length === undefined ? bits.width : /^\d{1,3}$/.test(length) ? Number(length) : -1;
    if (prefix < 0 || prefix > bits.width) return false;
    const shift = BigInt(bits.width - prefix);
    return bits.value >> shift === wanted.value >> shift;
  });
}

/** An address as a number: IPv4 dotted, IPv6 as RFC 4291 writes it; null for anything else. */
export function addressBits(text: string): { readonly width: 32 | 128; readonly value: bigint } | null {
  return text.includes(":") ? sixBits(text) : fourBits(text);
}

function fourBits(text: string): { width: 32; value: bigint } | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    value = (value << 8n) | BigInt(part);
  }
  return { width: 32, value };
}

function sixBits(text: string): { width: 128; value: bigint } | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  // RFC 4291, section 2.2: the dotted form stands at the very end only.
  const [head, tail] = halves.map((half, at) => sixGroups(half, at === halves.length - 1));
  if (head === null || head === undefined || tail === null) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])];
  return { width: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n) };
}

function sixGroups(text: string, isEnd: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    if (part.includes(".") && isEnd && at === parts.length - 1) {
      const four = fourBits(part);
      if (four === null) return null;
      groups.push(Number(four.value >> 16n), Number(four.value & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}
