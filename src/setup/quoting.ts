// Paths and commands written for ssh's config so that every version since 7.3 and every shell reads them the same way. Up to
// 9.8 a Match line knows no escapes in its quotes (strdelim() in misc.c), from 9.9 on a backslash goes before quotes and
// backslashes (argv_split()): a command for Match exec therefore has neither `"` nor `\"`, `\'` or `\\` in it.
import { Failure, printable } from "../failure.ts";
import { hasTrait, type SshVersion } from "../ssh/versions.ts";

/** The value of IdentityFile and CertificateFile. Throws Failure for a path that this ssh has no way to say. */
export function fileValue(path: string, version: SshVersion): string {
  // Variables are put in place of ${NAME}, and nothing takes that meaning away (ssh_config(5), ENVIRONMENT VARIABLES).
  if (path.includes("${")) throw unsayable(path, "${ in it");
  return plainFileValue(path.replaceAll("%", "%%"), version);
}

/** The same for GlobalKnownHostsFile, which knows neither tokens nor variables. */
export function plainFileValue(path: string, version: SshVersion): string {
  if (/[\0\n\r]/.test(path)) throw unsayable(path, "a line break in it");
  if (/["\\]/.test(path) && !hasTrait(version, "escapes")) throw unsayable(path, "a double quote or a backslash in it");
  return `"${path.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * The value of Include, which is a glob(7) pattern. Up to 9.8 it has no tokens and variables, from 9.9 on it has, and quotes
 * differ as well: for these few characters stands a `?`. ssh reads no file of another user that it then finds.
 */
export function includeValue(path: string): string {
  if (/[\0\n\r]/.test(path)) throw unsayable(path, "a line break in it");
  const pattern = path.replace(/[*?[]|["\\%]|\$(?=\{)/g, (found) => ("*?[".includes(found) ? `\\${found}` : "?"));
  return `"${pattern}"`;
}

function unsayable(path: string, what: string): Failure {
  return new Failure(`ssh_config has no way to name a file with ${what}: ${printable(path)}`, "choose another path");
}

/**
 * What Match exec runs: `bssh match` for the host that ssh's `token` stands for. ssh hands the line to $SHELL, which may be
 * any, and takes a command that dies of a signal for its own failure. So the shell becomes sh at once, with everything in
 * single quotes; sh stays and turns every end of bssh, and its absence, into a plain no.
 */
export function matchCommand(program: string, token: "%n" | "%h"): string {
  const script = "IFS=;set -f;b=$(printf %%b $1);test -x $b&&$b match -- $2||false";
  return `exec /bin/sh -c '${script}' sh '${printfText(program)}' '${token}'`;
}

/**
 * Names that may stand in single quotes, as a pattern list: a quote ends them, a backslash takes a meaning from fish's, and `!`
 * keeps its own in tcsh.
 */
export const QUOTABLE = `"*,!*'*,!*\\*,!*!*"`;

/** Text for printf's %b (POSIX) in which nothing is special to a shell's single quotes, to fish's, to tcsh or to ssh. */
function printfText(text: string): string {
  return text
    .replace(/["'\\!]|[\0-\x1f\x7f]/g, (found) => `\\0${found.charCodeAt(0).toString(8).padStart(3, "0")}`)
    .replaceAll("%", "%%");
}
