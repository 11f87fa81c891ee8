// The CA's own key, for a signature by hand: from a file, its passphrase from the person or a file, or from an ssh-agent.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { openAgent } from "../../agent/client.ts";
import { openKeyFile } from "../../ca/key-file.ts";
import { Failure, printable } from "../../failure.ts";
import { askOnTerminal } from "../../terminal/ask.ts";
import { encodeSignRequest, readSignature } from "../../wire/agent-sign.ts";
import type { CertificateSigner } from "../../wire/certificate-maker.ts";
import type { CommandCall } from "../call.ts";
import { describeTrouble, readPublicKey } from "./files.ts";
import { isEncrypted, kindFault } from "./key-form.ts";

const LONGEST_KEY = 64 * 1024;
const LONGEST_PASSPHRASE = 4096;
const QUESTIONS = 3;
/** A key on a token waits for a finger. */
const AGENT_MS = 120_000;

/**
 * A signer with the private key in a file. Its passphrase is in `passphraseFile` (`-` is standard input), or asked for on the
 * terminal. Throws Failure.
 */
export async function openCaKey(path: string, passphraseFile: string | null): Promise<CertificateSigner> {
  const file = readOwnFile(path, LONGEST_KEY, "the CA's key");
  const [fault, next] = kindFault(file) ?? [];
  if (fault !== undefined) throw new Failure(`${printable(path)} ${fault}`, next);
  if (!isEncrypted(file)) return await opened(file, null, path);
  if (passphraseFile !== null) {
    const readings = readingsOf(readOwnFile(passphraseFile, LONGEST_PASSPHRASE, "the passphrase"));
    for (const passphrase of readings.slice(0, -1)) {
      try {
        return await opened(file, passphrase, path);
      } catch {}
    }
    return await opened(file, readings.at(-1) ?? null, path);
  }
  for (let left = QUESTIONS - 1; ; left--) {
    const text = `passphrase for ${path}`;
    const asked = left < QUESTIONS - 1 ? `that passphrase is wrong; next ${text}` : text;
    const answer = await askOnTerminal({ text: asked, secret: true });
    if (answer === null) {
      throw new Failure(
        `${printable(path)} has a passphrase, and there is no terminal`,
        "give it with --passphrase-file",
      );
    }
    try {
      return await opened(file, new TextEncoder().encode(answer), path);
    } catch (failure) {
      if (left === 0) throw failure;
    }
  }
}

/** A signer that has an ssh-agent sign, with the private half of the public key in `path`. Throws Failure. */
export function agentSigner(call: Pick<CommandCall, "readText" | "environment">, path: string): CertificateSigner {
  const { blob } = readPublicKey(call, path);
  const socket = call.environment["SSH_AUTH_SOCK"] ?? "";
  if (socket === "") throw new Failure("there is no ssh-agent", "start one and set SSH_AUTH_SOCK");
  return {
    publicBlob: blob,
    async sign(bytes) {
      const agent = await openAgent(socket, AGENT_MS);
      const answer = typeof agent === "string" ? agent : await agent.ask(encodeSignRequest(blob, bytes));
      if (typeof agent !== "string") agent.close();
      if (typeof answer === "string")
        throw new Failure("the ssh-agent gives no answer", "check SSH_AUTH_SOCK with ssh-add -l");
      const signature = readSignature(answer);
      if (signature !== null) return signature;
      throw new Failure(
        `the ssh-agent does not sign with ${printable(path)}`,
        "see with ssh-add -l whether it has the key",
      );
    },
  };
}

/**
 * What a passphrase's file may mean, the likeliest first: a line, with what Windows puts around one, or the very bytes. BLESS's
 * passphrases are random bytes, of which one in 256 ends like a line.
 */
function readingsOf(bytes: Uint8Array): Uint8Array[] {
  const [first, second, third] = bytes;
  const readings = [bytes];
  if (first === 0xef && second === 0xbb && third === 0xbf) readings.unshift(bytes.subarray(3));
  if (first === 0xff && second === 0xfe) {
    readings.unshift(new TextEncoder().encode(new TextDecoder("utf-16le").decode(bytes)));
  }
  return readings.flatMap((one) => {
    if (one.at(-1) !== 10) return [one];
    const line = one.subarray(0, -1);
    return line.at(-1) === 13 ? [line.subarray(0, -1), line, one] : [line, one];
  });
}

async function opened(file: Uint8Array, passphrase: Uint8Array | null, path: string): Promise<CertificateSigner> {
  try {
    return await openKeyFile(file, passphrase);
  } catch (error) {
    throw new Failure(
      `${printable(path)}: ${printable((error as Error).message)}`,
      "check the file and its passphrase",
    );
  }
}

/** Bytes of a file that nobody else may read, or of a pipe such as /dev/fd/3. Throws Failure. */
function readOwnFile(path: string, limit: number, what: string): Uint8Array {
  try {
    const file = path === "-" ? 0 : openSync(path, "r");
    try {
      const found = fstatSync(file);
      const { mode } = found;
      if (found.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
      if (path !== "-" && (mode & 0o077) !== 0) {
        throw new Failure(`others may read ${what} in ${printable(path)}`, "chmod 600 it");
      }
      const bytes = Buffer.alloc(limit + 1);
      let length = 0;
      while (length < bytes.length) {
        const got = readSync(file, bytes, length, bytes.length - length, null);
        if (got === 0) break;
        length += got;
      }
      if (length > limit) throw new Failure(`${printable(path)} is too large for ${what}`, "name another file");
      return new Uint8Array(bytes.subarray(0, length));
    } finally {
      if (path !== "-") closeSync(file);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    const why = (error as { code?: unknown }).code === "ENOENT" ? "it is not there" : describeTrouble(error);
    throw new Failure(`${printable(path)} cannot be read: ${why}`, "check its path");
  }
}
