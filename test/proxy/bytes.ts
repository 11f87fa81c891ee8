// `bytes.ts send BYTES SEED large|random` writes bytes to stdout, `bytes.ts receive` reads stdin to its end; both say on stderr how
// many there were and the hash of all, as DIGEST LENGTH.
import { readSync, writeSync } from "node:fs";

const BLOCK = 1 << 18;
const [what = "", countText = "", seedText = "", sizes = ""] = process.argv.slice(2);

let [digest, length, filled] = [0n, 0, 0];
const block = new Uint8Array(BLOCK);
// Blocks are hashed whole, so that it doesn't matter in which pieces the bytes come.
function note(bytes: Uint8Array): void {
  length += bytes.length;
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + BLOCK - filled);
    block.set(part, filled);
    filled += part.length;
    at += part.length;
    if (filled === BLOCK) fold();
  }
}
function fold(): void {
  digest = BigInt(Bun.hash(block.subarray(0, filled), digest));
  filled = 0;
}

if (what === "send") {
  let state = Number(seedText) >>> 0 || 1;
  // Marsaglia's xorshift32.
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  const source = new Uint32Array(BLOCK / 4).map(next);
  const bytes = new Uint8Array(source.buffer);
  for (let left = Number(countText); left > 0; ) {
    source[0] = next();
    const most = sizes === "random" ? 1 + (next() % (next() % 4 === 0 ? BLOCK : 2000)) : BLOCK;
    const piece = bytes.subarray(0, Math.min(most, left));
    for (let at = 0; at < piece.length; ) at += writeSync(1, piece, at);
    note(piece);
    left -= piece.length;
    if (sizes === "random" && next() % 50 === 0) Bun.sleepSync(1);
  }
} else {
  const room = new Uint8Array(BLOCK);
  for (let got = readSync(0, room); got > 0; got = readSync(0, room)) note(room.subarray(0, got));
}
fold();
console.error(`${digest.toString(16)} ${length}`);
