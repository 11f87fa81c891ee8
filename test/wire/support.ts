/** What the tests of src/wire share: the vectors, ssh-keygen, keys, and random values that can be had again. */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { publicBlob } from "../../src/wire/signature.ts";

const folder = join(import.meta.dir, "..", "vectors");

function linesByName(file: string): Map<string, string> {
  const lines = readFileSync(join(folder, file), "utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => [line.split(" ")[2] ?? "", line]));
}

/** Certificates that ssh-keygen made, by name (see test/vectors/make.sh). */
export const certificates = linesByName("certificates.txt");

/** Public keys of the CAs that signed them, by name. */
export const authorities = linesByName("authorities.txt");

/** The certificate of that name. */
export function vector(name: string): string {
  const line = certificates.get(name);
  if (line === undefined) throw new Error(`no vector ${name}`);
  return line;
}

/** Runs ssh-keygen to its end. */
export function sshKeygen(words: readonly string[], input = ""): { status: number; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync("ssh-keygen", words, { input, encoding: "utf8" });
  return { status: status ?? -1, stdout, stderr };
}

export type Authority = { name: string; privateKey: KeyObject; blob: Uint8Array };

function authority(name: string, privateKey: KeyObject): Authority {
  return { name, privateKey, blob: publicBlob(privateKey) };
}

/** One private key of each kind that can be a CA. */
export function makeAuthorities(): Authority[] {
  return [
    authority("rsa", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
    authority("ed25519", generateKeyPairSync("ed25519").privateKey),
    authority("ecdsa256", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
    authority("ecdsa384", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey),
    authority("ecdsa521", generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey),
  ];
}

export type Random = {
  readonly seed: number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  bytes(count: number): Uint8Array;
};

/** Random values from BSSH_TEST_SEED, or from a new seed; the seed is printed, so that a failure can be had again. */
export function makeRandom(of: string): Random {
  const seed = Number(process.env["BSSH_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${of}: BSSH_TEST_SEED=${seed}`);
  let state = seed >>> 0;
  // xorshift32 stops at zero
  if (state === 0) state = 1;
  function next(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  }
  for (let round = 0; round < 16; round++) next();
  return {
    seed,
    below: (limit) => next() % limit,
    bytes: (count) => Uint8Array.from({ length: count }, () => next() & 0xff),
  };
}
