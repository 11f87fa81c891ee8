import { Failure } from "../failure.ts";
import type { System } from "../system/system.ts";
import { addedEnvironment, type Ssh } from "./find.ts";

/** What ssh gets beside the words typed. */
export type Becoming = {
  /** Words in front of those typed. */
  readonly inserted: readonly string[];
  /** A link named ssh that leads to bssh, which ssh is to run for its jump hosts; null leaves them to the ssh on PATH. */
  readonly hop: string | null;
};

/** Where the link that leads to bssh lies, in the private state. */
export function hopLink(state: string): string {
  return `${state}/bin/ssh`;
}

/** A link named bssh beside it; an executable that is called ssh would take its commands for hosts. */
export function ownLink(state: string): string {
  return `${state}/bin/bssh`;
}

/** Set, to the link named ssh, in the environment of an ssh whose jump hosts bssh gives their words, as it gives them to a destination. */
export const HOP = "BSSH_HOP";

/**
 * Replaces this process by ssh with the words typed, from the `skip`-th on. Throws Failure (status 255, as ssh itself fails)
 * when the system refuses. ssh runs for a jump host what stands in argv[0] when that is a path (ssh.c, "if (options.jump_host").
 */
export function becomeSsh(
  system: System,
  ssh: Ssh,
  environment: Readonly<Record<string, string | undefined>>,
  { inserted, hop, skip }: Becoming & { readonly skip: number },
): never {
  const set = { ...addedEnvironment(ssh, environment), ...(hop === null ? {} : { [HOP]: hop }) };
  const error = system.become(ssh.path, { name: hop ?? "ssh", inserted, skip, set });
  const why = error === 7 ? "the command line and environment are too long" : `errno ${error}`;
  throw new Failure(`could not become ${ssh.path} (${why})`, "run it by hand to see more", 255);
}

/**
 * Words that offer the certificate first and name the key it is for. Values are written for ssh's own config parser: `%`
 * starts a token there, and quotes and backslashes have a meaning (ssh_config(5), PATTERNS and TOKENS).
 *
 * `CertificateFile` puts the certificate before everything the agent holds, so that it alone costs one try of
 * MaxAuthTries; nothing of the user's is taken away. A path that can't be said to ssh (`${` in it) is left out.
 */
export function identityWords(order: {
  readonly certificate: string | null;
  /** Key to name with `-i`; null when the words typed name it already. */
  readonly key: string | null;
  /** Identity files that ssh tries by itself only while none is named. */
  readonly defaults: readonly string[];
}): string[] {
  const words: string[] = [];
  const { certificate, key, defaults } = order;
  if (certificate !== null && isSayable(certificate)) words.push("-o", `CertificateFile=${configValue(certificate)}`);
  // ssh looks for the file of `-i` before it expands its tokens, so that a `%` can't be said there (ssh.c, case 'i').
  if (key !== null && !key.includes("%") && isSayable(key)) words.push("-i", key);
  else if (key !== null && isSayable(key)) words.push("-o", `IdentityFile=${configValue(key)}`);
  for (const file of defaults.filter(isSayable)) words.push("-o", `IdentityFile=${configValue(file)}`);
  return words;
}

/** ssh puts variables in place of `${NAME}` and knows no way to write these characters themselves (ssh_config(5), TOKENS). */
function isSayable(path: string): boolean {
  return !path.includes("${");
}

function configValue(path: string): string {
  const value = path.replaceAll("%", "%%");
  return /^[\w./:@%+,-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}
