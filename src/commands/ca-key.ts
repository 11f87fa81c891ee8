// The CA's own key, for a signature by hand: from a file, its passphrase from the person or a file, or from an ssh-agent.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { openAgent } from "../agent/client.ts";
import { openKeyFile } from "../ca/key-file.ts";
import { Failure, printable } from "../failure.ts";
import { describeErrno } from "../issue/private-files.ts";
import { askOnTerminal } from "../terminal/ask.ts";
import { encodeSignRequest, readSignature } from "../wire/agent-sign.ts";
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import { readOpenSshKey } from "../wire/private-key.ts";
import { readPublicKey } from "./ca-files.ts";
import type { CommandCall } from "./call.ts";

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
  if (!isEncrypted(file)) return await opened(file, null, path);
  if (passphraseFile !== null) {
    const passphrase = readOwnFile(passphraseFile, LONGEST_PASSPHRASE, "the passphrase");
    if (passphrase.at(-1) !== 10) return await opened(file, passphrase, path);
    // BLESS's passphrases are random bytes, of which one in 256 ends like a line.
    return await opened(file, passphrase.subarray(0, -1), path).catch(() => opened(file, passphrase, path));
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

/** Whether a private key's file has a passphrase. */
export function isEncrypted(file: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(file);
  if (/^-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(text)) return true;
  try {
    return readOpenSshKey(text)?.encrypted === true;
  } catch {
    return false; // whoever opens it says what is wrong
  }
}

/** Bytes of a file that nobody else may read, or of a pipe such as /dev/fd/3. Throws Failure. */
function readOwnFile(path: string, limit: number, what: string): Uint8Array {
  try {
    const file = path === "-" ? 0 : openSync(path, "r");
    try {
      const { mode } = fstatSync(file);
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
    const why = (error as { code?: unknown }).code === "ENOENT" ? "it is not there" : describeErrno(error);
    throw new Failure(`${printable(path)} cannot be read: ${why}`, "check its path");
  }
}
