import { resolve } from "node:path";

export const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");

export type Inside = { readonly status: number; readonly out: string[]; readonly err: string };

/** Runs a shell script inside a fresh sandbox, without a terminal. */
export function inside(script: string, options: readonly string[] = []): Inside {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["setsid", "-w", bssh, "sandbox", ...options, "--", "sh", "-c", script],
    {
      stdin: "ignore",
      env: { ...process.env, TERM: "dumb" },
    },
  );
  return { status: exitCode, out: stdout.toString().trimEnd().split("\n"), err: stderr.toString() };
}
