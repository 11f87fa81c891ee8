/** The ciphers under which OpenSSH keeps private keys: cipher.c of OpenSSH, PROTOCOL.chacha20poly1305. */
import { createDecipheriv, timingSafeEqual } from "node:crypto";
import { concat } from "../wire/bytes.ts";

export type KeyCipher = {
  readonly keyLength: number;
  readonly ivLength: number;
  /** Throws when the tag is another. */
  readonly decrypt: (bytes: Uint8Array, key: Uint8Array, iv: Uint8Array, tag: Uint8Array) => Uint8Array;
};

const CIPHERS: Readonly<Record<string, KeyCipher>> = {
  "aes128-ctr": block("aes-128-ctr", 16, 16),
  "aes192-ctr": block("aes-192-ctr", 24, 16),
  "aes256-ctr": block("aes-256-ctr", 32, 16),
  "aes128-cbc": block("aes-128-cbc", 16, 16),
  "aes192-cbc": block("aes-192-cbc", 24, 16),
  "aes256-cbc": block("aes-256-cbc", 32, 16),
  "3des-cbc": block("des-ede3-cbc", 24, 8),
  "aes128-gcm@openssh.com": gcm("aes-128-gcm", 16),
  "aes256-gcm@openssh.com": gcm("aes-256-gcm", 32),
  "chacha20-poly1305@openssh.com": { keyLength: 64, ivLength: 0, decrypt: chachaPoly },
};

/** Null for `none`; throws an Error for a cipher that OpenSSH has not. */
export function cipherOf(name: string): KeyCipher | null {
  if (name === "none") return null;
  const cipher = Object.hasOwn(CIPHERS, name) ? CIPHERS[name] : undefined;
  if (cipher === undefined) throw new Error("the CA's key is encrypted in an unknown way");
  return cipher;
}

function block(name: string, keyLength: number, ivLength: number): KeyCipher {
  return {
    keyLength,
    ivLength,
    decrypt(bytes, key, iv) {
      const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
      return concat(decipher.update(bytes), decipher.final());
    },
  };
}

function gcm(name: "aes-128-gcm" | "aes-256-gcm", keyLength: number): KeyCipher {
  return {
    keyLength,
    ivLength: 12,
    decrypt(bytes, key, iv, tag) {
      const decipher = createDecipheriv(name, key, iv, { authTagLength: 16 }).setAuthTag(tag);
      return concat(decipher.update(bytes), decipher.final());
    },
  };
}

/** The packet with sequence number 0 and no length in front: the first half of the key does it all. */
function chachaPoly(bytes: Uint8Array, key: Uint8Array, _iv: Uint8Array, tag: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  const authenticator = poly1305(bytes, chacha20(key, 0).subarray(0, 32));
  if (tag.length !== 16 || !timingSafeEqual(authenticator, tag)) throw new Error("the tag is another");
  return bytes.map((byte, at) => byte ^ (streams(at >> 6)[at & 63] ?? 0));

  function streams(block: number): Uint8Array {
    kept[block] ??= chacha20(key, block + 1);
    return kept[block];
  }
}

const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** One block of the stream for a nonce of zeros: RFC 8439, section 2.3. Bun's node:crypto has no plain ChaCha20. */
function chacha20(key: Uint8Array, counter: number): Uint8Array {
  const words = Buffer.from(key.subarray(0, 32));
  const start = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
  for (let at = 0; at < 32; at += 4) start.push(words.readUInt32LE(at));
  start.push(counter, 0, 0, 0);
  const state = Uint32Array.from(start);
  const mix = (a: number, b: number, d: number, turn: number) => {
    state[a] = (state[a] ?? 0) + (state[b] ?? 0);
    const word = (state[d] ?? 0) ^ (state[a] ?? 0);
    state[d] = (word << turn) | (word >>> (32 - turn));
  };
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of QUARTERS) {
      mix(a, b, d, 16);
      mix(c, d, b, 12);
      mix(a, b, d, 8);
      mix(c, d, b, 7);
    }
  }
  const block = Buffer.alloc(64);
  for (const [at, word] of state.entries()) block.writeUInt32LE((word + (start[at] ?? 0)) >>> 0, 4 * at);
  return block;
}

/** RFC 8439, section 2.5. */
function poly1305(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const number = (part: Uint8Array) => BigInt(`0x0${Buffer.from(part).reverse().toString("hex")}`);
  const r = number(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    sum = ((sum + number(part) + (1n << BigInt(8 * part.length))) * r) % ((1n << 130n) - 5n);
  }
  const digits = BigInt.asUintN(128, sum + number(key.subarray(16, 32))).toString(16);
  return Uint8Array.from(Buffer.from(digits.padStart(32, "0"), "hex").reverse());
}
