import type { SshVersion } from "../ssh/versions.ts";
import { hostLines, type KnownHosts, knownHostsLine } from "./known-hosts.ts";
import type { IdentityPaths } from "./order.ts";
import { fileValue, matchCommand, QUOTABLE } from "./quoting.ts";

const HEAD = "# bssh's own: ";

/** Whether this is the text of such a file. */
export function isOwnFile(text: string): boolean {
  return text.startsWith(HEAD);
}

/**
 * Our own ssh_config. For a host of ours with a certificate at hand ssh is told of the certificate and its key; for all other
 * hosts it says nothing but where the CA of hosts is known, and that for its hosts only. Throws Failure for paths that ssh has no way to say.
 *
 * The name typed is asked about: ssh refuses typed names with characters of shells, but takes any HostName (`-o HostName=`).
 * Where ssh reads its config a second time (CanonicalizeHostname, Match final), the name it found is asked about as well.
 */
export function ownFile(
  program: string,
  identity: IdentityPaths,
  version: SshVersion,
  known: KnownHosts | null = null,
): string {
  const files = [
    `IdentityFile ${fileValue(identity.key, version)}`,
    ...identity.defaults.map((path) => `IdentityFile ${fileValue(path, version)}`),
    `CertificateFile ${fileValue(identity.certificate, version)}`,
    // For aliases, whose own name is not one of the patterns'.
    ...(known === null ? [] : [knownHostsLine(known, version)]),
  ].map((line) => `  ${line}`);
  return [
    `${HEAD}\`bssh setup\` writes this file anew, \`bssh setup --undo\` takes it away.`,
    `Match originalhost ${QUOTABLE} exec "${matchCommand(program, "%n")}"`,
    ...files,
    `Match canonical host ${QUOTABLE} exec "${matchCommand(program, "%h")}"`,
    ...files,
    ...(known === null ? [] : hostLines(known, version)),
    "",
  ].join("\n");
}
