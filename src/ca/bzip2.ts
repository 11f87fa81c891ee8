/** Decompression of bzip2, for a CA's key that BLESS was given so: https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf */

const MAX_CODE = 20;
const GROUP = 50;
const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;

/** What was compressed; throws an Error for anything that is not whole and right, or of more than `limit` bytes. */
export function bunzip2(bytes: Uint8Array, limit: number): Uint8Array {
  const read = makeBits(bytes);
  if (read(24) !== 0x425a68) throw broken();
  const level = read(8) - 0x30;
  if (level < 1 || level > 9) throw broken();
  const output: number[] = [];
  let whole = 0;
  for (;;) {
    const magic = read(24) * 2 ** 24 + read(24);
    const checksum = (read(16) * 2 ** 16 + read(16)) >>> 0;
    if (magic === END_MAGIC) {
      if (checksum !== whole) throw broken();
      return Uint8Array.from(output);
    }
    if (magic !== BLOCK_MAGIC) throw broken();
    const start = output.length;
    readBlock(read, level * 100_000, output, limit);
    const own = crcOf(output, start);
    if (own !== checksum) throw broken();
    whole = (((whole << 1) | (whole >>> 31)) ^ own) >>> 0;
  }
}

type Bits = (count: number) => number;

/** Up to 24 bits at once, the highest first. */
function makeBits(bytes: Uint8Array): Bits {
  let [at, held, value] = [0, 0, 0];
  return (count) => {
    while (held < count) {
      const byte = bytes[at++];
      if (byte === undefined) throw broken();
      value = ((value & 0xff_ffff) << 8) | byte;
      held += 8;
    }
    held -= count;
    return (value >>> held) & ((1 << count) - 1);
  };
}

function readBlock(read: Bits, size: number, output: number[], limit: number): void {
  if (read(1) !== 0) throw broken(); // randomised, which no bzip2 has made since 0.9.5
  const origin = read(24);
  const symbols = readSymbols(read);
  const [tables, selectors] = readTables(read, symbols.length + 2);

  // Run lengths and move-to-front, back to the last column of the sorted rotations.
  const column: number[] = [];
  const end = symbols.length + 1;
  let [run, weight, group, left] = [0, 1, 0, 0];
  let table: Table | undefined;
  for (;;) {
    if (left-- === 0) {
      table = tables[selectors[group++] ?? -1];
      left = GROUP - 1;
    }
    if (table === undefined) throw broken();
    const symbol = readCode(read, table);
    if (symbol <= 1) {
      run += weight << symbol;
      weight *= 2;
      if (run > size) throw broken();
      continue;
    }
    for (; run > 0; run--) column.push(symbols[0] ?? 0);
    weight = 1;
    if (column.length > size) throw broken();
    if (symbol === end) break;
    const [byte = 0] = symbols.splice(symbol - 1, 1);
    symbols.unshift(byte);
    column.push(byte);
  }
  if (column.length > size || origin >= column.length) throw broken();
  expand(column, origin, output, limit);
}

function readSymbols(read: Bits): number[] {
  const ranges = read(16);
  const symbols: number[] = [];
  for (let high = 0; high < 16; high++) {
    const range = (ranges >> (15 - high)) & 1 ? read(16) : 0;
    for (let low = 0; low < 16; low++) if ((range >> (15 - low)) & 1) symbols.push(16 * high + low);
  }
  if (symbols.length === 0) throw broken();
  return symbols;
}

/** The symbols by the length of their code, and in it by their order. */
type Table = readonly (readonly number[])[];

function readTables(read: Bits, alphabet: number): [Table[], number[]] {
  const count = read(3);
  const groups = read(15);
  if (count < 2 || count > 6 || groups === 0) throw broken();
  const order = [0, 1, 2, 3, 4, 5].slice(0, count);
  const selectors = Array.from({ length: groups }, () => {
    let place = 0;
    while (read(1) === 1) if (++place >= count) throw broken();
    const [table = 0] = order.splice(place, 1);
    order.unshift(table);
    return table;
  });
  const tables = Array.from({ length: count }, () => {
    const table: number[][] = Array.from({ length: MAX_CODE + 1 }, () => []);
    let length = read(5);
    for (let symbol = 0; symbol < alphabet; symbol++) {
      while (read(1) === 1) length += read(1) === 0 ? 1 : -1;
      const row = length < 1 ? undefined : table[length];
      if (row === undefined) throw broken();
      row.push(symbol);
    }
    return table;
  });
  return [tables, selectors];
}

/** A canonical Huffman code: of each length the codes follow those of the length before. */
function readCode(read: Bits, table: Table): number {
  let [code, first] = [0, 0];
  for (let length = 1; length <= MAX_CODE; length++) {
    code = 2 * code + read(1);
    const row = table[length] ?? [];
    first *= 2;
    const symbol = row[code - first];
    if (symbol !== undefined) return symbol;
    first += row.length;
  }
  throw broken();
}

/** Burrows and Wheeler's transform back, then the first run lengths: four of a kind and how many follow. */
function expand(column: readonly number[], origin: number, output: number[], limit: number): void {
  const starts = new Array<number>(257).fill(0);
  for (const byte of column) starts[byte + 1] = (starts[byte + 1] ?? 0) + 1;
  for (let byte = 1; byte < 257; byte++) starts[byte] = (starts[byte] ?? 0) + (starts[byte - 1] ?? 0);
  const next = new Array<number>(column.length);
  for (const [at, byte] of column.entries()) {
    const place = starts[byte] ?? 0;
    next[place] = at;
    starts[byte] = place + 1;
  }
  let at = next[origin] ?? 0;
  let [last, same] = [-1, 0];
  for (const _ of column) {
    const byte = column[at] ?? 0;
    at = next[at] ?? 0;
    if (same === 4) {
      for (let more = byte; more > 0; more--) output.push(last);
      [last, same] = [-1, 0];
    } else {
      same = byte === last ? same + 1 : 1;
      last = byte;
      output.push(byte);
    }
    if (output.length > limit) throw broken();
  }
}

/** bzip2's CRC: that of zip, with the highest bit first. */
function crcOf(output: readonly number[], start: number): number {
  let crc = 0xffff_ffff;
  for (let at = start; at < output.length; at++) {
    crc ^= (output[at] ?? 0) << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c1_1db7 : 0);
  }
  return ~crc >>> 0;
}

function broken(): Error {
  return new Error("not bzip2, or broken");
}
