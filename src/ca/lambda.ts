/** The zip's entry: `index.handler` for people, `index.hostHandler` for hosts, over Node.js, Lambda's environment and AWS. */
import "./uint8array.ts";
import { randomBytes } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";
import { auditLine } from "./audit.ts";
import { makeHttpAws } from "./aws-http.ts";
import { makeContainer } from "./container.ts";

/** Put in by the bundler. */
declare const BSSH_CA_VERSION: string;

/** How often a full pipe is tried again, a millisecond apart. */
const MAX_TRIES = 1000;

const config = readFile("bless_deploy.cfg");
const container = makeContainer({
  config: config === null ? null : new TextDecoder().decode(config),
  environment: process.env,
  readFile,
  aws: makeHttpAws({ environment: () => process.env, now: Date.now }),
  now: Date.now,
  random: (count) => new Uint8Array(randomBytes(count)),
  log,
  version: typeof BSSH_CA_VERSION === "string" ? BSSH_CA_VERSION : "",
});

export const { handler, hostHandler } = container;

function readFile(name: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(new URL(`./${name}`, import.meta.url)));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** One line on standard output: Lambda puts it into the function's log as it is. */
function log(record: Record<string, unknown>): void {
  let bytes = Buffer.from(`${auditLine(record)}\n`);
  for (let tries = 0; bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      const isFull = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (!isFull || ++tries > MAX_TRIES) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
