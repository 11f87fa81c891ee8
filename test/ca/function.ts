/** The CA's function as it is shipped, called under Node.js with the sandbox as its AWS. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { bundleFunction } from "../../.ci/build-ca.ts";
import { makeZip } from "../../src/commands/ca/zip.ts";
import { hostFiles, userFiles } from "../../src/sandbox/aws/ca-files.ts";
import { openSession, roleCaller } from "../../src/sandbox/aws/credentials.ts";
import { sealUnder } from "../../src/sandbox/aws/kms.ts";
import { startAws } from "../../src/sandbox/aws/server.ts";
import { makeWorld, type World, type WorldOptions } from "../../src/sandbox/aws/world.ts";
import { formatValidity } from "../../src/wire/kmsauth.ts";

export type Call = { readonly entry?: "handler" | "hostHandler"; readonly event: unknown };

export type Run = {
  readonly answers: readonly Record<string, unknown>[];
  /** Milliseconds from the load's beginning to each answer. */
  readonly times: readonly number[];
  /** The function's log, line by line. */
  readonly log: readonly Record<string, unknown>[];
};

export type Deployed = {
  readonly world: World;
  readonly kind: "user" | "host";
  /** Of the sandbox's AWS. */
  readonly url: string;
  /** What was asked of AWS, with its outcome. */
  readonly requests: readonly string[];
  readonly run: (calls: readonly Call[], environment?: Readonly<Record<string, string>>) => Promise<Run>;
  readonly stop: () => Promise<void>;
};

let code: Promise<Map<string, Uint8Array>> | null = null;

/** A world, and the function for people or for hosts deployed there; `change` changes the files beside the code. */
export async function deploy(
  options: WorldOptions = {},
  kind: Deployed["kind"] = "user",
  change: (files: Map<string, string | Uint8Array>) => void = () => {},
): Promise<Deployed> {
  const world = makeWorld(options);
  const requests: string[] = [];
  const aws = startAws(world, { log: ({ action, allowed }) => requests.push(`${action} ${allowed}`) });
  const folder = mkdtempSync(join(tmpdir(), "bssh-function-"));
  const files = new Map<string, string | Uint8Array>(
    kind === "user" ? userFiles(world, world.bless) : hostFiles(world),
  );
  change(files);
  code ??= bundleFunction();
  const zip = makeZip(
    new Map([...(await code), ...[...files].map(([name, text]) => [name, Buffer.from(text)] as const)]),
  );
  mkdirSync(join(folder, "code"));
  for (const [name, bytes] of Object.entries(unzipSync(zip))) writeFileSync(join(folder, "code", name), bytes);
  const role = kind === "user" ? world.executionRole : world.hostExecutionRole;
  const session = openSession(world, roleCaller(role, world.functionName, null), 3600);

  return {
    world,
    kind,
    url: aws.url,
    requests,
    async run(calls, environment = {}) {
      const child = Bun.spawn(
        ["node", join(import.meta.dir, "invoke.mjs"), join(folder, "code"), join(folder, "answers")],
        {
          env: {
            PATH: process.env["PATH"] ?? "",
            AWS_REGION: world.regions[0]?.name ?? "",
            AWS_ENDPOINT_URL: aws.url,
            AWS_ACCESS_KEY_ID: session.accessKeyId,
            AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
            AWS_SESSION_TOKEN: session.sessionToken,
            ...environment,
          },
          stdin: Buffer.from(JSON.stringify(calls.map((call) => ({ entry: "handler", ...call })))),
          stdout: "pipe",
          stderr: "pipe",
        },
      );
      const [said, complaints] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      if (complaints !== "" || child.exitCode !== 0) throw new Error(`node: ${complaints} (${child.exitCode})`);
      const answers = JSON.parse(readFileSync(join(folder, "answers"), "utf8"));
      const lines = said.split("\n").filter((line) => line !== "");
      return {
        answers: answers.map(({ answer }: { answer: object }) => answer),
        times: answers.map(({ ms }: { ms: number }) => ms),
        log: lines.map((line) => JSON.parse(line)),
      };
    },
    async stop() {
      rmSync(folder, { recursive: true, force: true });
      await aws.stop();
    },
  };
}

/** A kmsauth token of the world's first region. */
export function tokenOf(world: World, from = "alice", more: Readonly<Record<string, string>> = {}): string {
  const key = world.keys.get(world.regions[0]?.kmsauthKey ?? "");
  if (key?.spec !== "SYMMETRIC_DEFAULT") throw new Error("no key for kmsauth");
  const now = world.now();
  const context = { from, to: world.kmsauthService, user_type: "user", ...more };
  return Buffer.from(sealUnder(key, Buffer.from(formatValidity(now - 180_000, now + 600_000)), context)).toString(
    "base64",
  );
}
