// `credential_process` of a profile: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html. Run here
// because the SDK's provider waits for ever.
import { execFile } from "node:child_process";
import { Failure } from "../failure.ts";
import { asRecord, asText } from "./cache.ts";
import type { Environment } from "./endpoint.ts";
import type { Keys } from "./keys.ts";

/** The program may ask for a touch or a PIN. */
const LIMIT_MS = 60_000;

/**
 * Runs the command by the shell and reads the credentials from its standard output. Throws Failure when it fails, takes
 * longer than a minute or answers something else; nothing it wrote is quoted.
 */
export async function runCredentialProcess(command: string, profile: string, environment: Environment): Promise<Keys> {
  const correct = `correct credential_process of profile ${profile}`;
  const output = await new Promise<string>((resolve, reject) => {
    const options = {
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
      maxBuffer: 64 * 1024,
      env: { ...environment },
    } as const;
    const child = execFile("/bin/sh", ["-c", command], options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      const why = error.killed
        ? "takes more than a minute"
        : `fails${typeof error.code === "number" ? ` (exit ${error.code})` : ""}`;
      reject(
        new Failure(`the credential_process of profile ${profile} ${why}`, `run it by hand to see why, or ${correct}`),
      );
    });
    child.stdin?.end();
  });
  const keys = readOutput(output);
  if (keys === null)
    throw new Failure(`the credential_process of profile ${profile} doesn't answer with credentials`, correct);
  return keys;
}

function readOutput(output: string): Keys | null {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    return null;
  }
  const record = asRecord(value);
  const accessKeyId = asText(record?.["AccessKeyId"], 128);
  const secretAccessKey = asText(record?.["SecretAccessKey"], 256);
  if (record?.["Version"] !== 1 || accessKeyId === null || secretAccessKey === null) return null;
  const until = record["Expiration"];
  const ends = typeof until === "string" ? Date.parse(until) : Number.NaN;
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: asText(record["SessionToken"]),
    ends: Number.isNaN(ends) ? null : ends,
  };
}
