import type { Ssh } from "./find.ts";
import type { Resolved } from "./resolve.ts";

/** Values of ControlMaster, as `ssh -G` prints them, with which ssh uses a master that is there instead of being one. */
const JOINS = ["false", "no", "auto", "ask", "autoask"];

/**
 * True when these words would go through the connection of a master that is there and answers: ssh then logs in nowhere and
 * needs no certificate. `ssh -O check` is asked, and only where a ControlPath is typed or configured.
 */
export function hasLiveMaster(parts: {
  readonly ssh: Ssh;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly resolved: Resolved | null;
}): boolean {
  const path = parts.resolved?.get("controlpath")?.[0] ?? "none";
  const joins = JOINS.includes(parts.resolved?.get("controlmaster")?.[0] ?? "false");
  if (path === "none" || !joins) return false;
  const { exitCode } = Bun.spawnSync([parts.ssh.path, "-O", "check", ...parts.words], {
    env: { ...parts.environment, BLESS_COMPLETE: "1" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  return exitCode === 0;
}
