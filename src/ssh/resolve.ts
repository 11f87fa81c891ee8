import type { Ssh } from "./find.ts";

/** What ssh would do with the words typed, after its config files: keys in lower case, every value in order. */
export type Resolved = ReadonlyMap<string, readonly string[]>;

/** Set in the environment of an ssh that is asked what words mean, so that nothing below it asks the same. */
export const RESOLVING = "BSSH_RESOLVING";

/**
 * Asks `ssh -G`. Its Match exec commands run with BLESS_COMPLETE set, so that our own do nothing. Null when ssh refuses the
 * words (it will then say why itself).
 */
export function resolveWords(
  ssh: Ssh,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Resolved | null {
  const answer = Bun.spawnSync([ssh.path, "-G", ...words], {
    env: { ...environment, BLESS_COMPLETE: "1", [RESOLVING]: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  return answer.exitCode === 0 ? parseResolved(answer.stdout.toString()) : null;
}

/** Reads the output of `ssh -G`: a line is a key, a space, a value. */
export function parseResolved(text: string): Resolved {
  const found = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const space = line.indexOf(" ");
    if (space <= 0) continue;
    const key = line.slice(0, space);
    const values = found.get(key);
    if (values === undefined) found.set(key, [line.slice(space + 1)]);
    else values.push(line.slice(space + 1));
  }
  return found;
}

/** False with BatchMode: ssh then asks nobody. */
export function allowsQuestions(resolved: Resolved | null): boolean {
  return !isYes(resolved?.get("batchmode")?.[0]);
}

/** Whether a flag of ssh's is on. */
export function isYes(value: string | undefined): boolean {
  return /^(yes|true)$/i.test(value ?? "no");
}

/** The version line of `ssh -V`, for example `OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 …`. Null when it gives none. */
export function sshVersion(ssh: Ssh): string | null {
  const answer = Bun.spawnSync([ssh.path, "-V"], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if (answer.exitCode !== 0) return null;
  return answer.stderr.toString().trim();
}
