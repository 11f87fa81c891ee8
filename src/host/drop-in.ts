/** The file by which sshd is told of the certificates, in a folder that its config includes (sshd_config(5), Include). */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readConfigLine } from "../argv/config-line.ts";

export const DROP_IN = "50-bssh-host.conf";

/** What sshd takes relative paths of Include from, wherever its config file is. */
const SSHD_FOLDER = "/etc/ssh";

/** Path of our file for a config with this text; null when the config includes no folder that it could lie in. */
export function dropInPath(config: string, text: string): string | null {
  const usual = join(dirname(config), "sshd_config.d");
  const folders = includedFolders(text).filter(isFolder);
  const folder = folders.includes(usual) ? usual : folders[0];
  return folder === undefined ? null : join(folder, DROP_IN);
}

/** The line that has sshd include the folder beside its config. */
export function includeLine(config: string): string {
  return `Include ${join(dirname(config), "sshd_config.d")}/*.conf`;
}

export function dropInText(certificates: readonly string[]): string {
  const lines = certificates.map((path) => `HostCertificate ${path}`);
  return ["# Written by bssh host enroll, which writes it anew when sshd's keys change.", ...lines, ""].join("\n");
}

/** The certificates that such a file names. */
export function certificatesIn(text: string): string[] {
  return [...text.matchAll(/^HostCertificate (\S+)$/gm)].map(([, path = ""]) => path);
}

/** Folders whose files of our name are included for every connection: what stands behind a Match is for some only. */
function includedFolders(text: string): string[] {
  const folders: string[] = [];
  for (const line of text.split("\n")) {
    const read = readConfigLine(line);
    if (read.kind !== "setting") continue;
    if (read.key === "match") break;
    if (read.key !== "include") continue;
    for (const value of read.values) {
      const pattern = value.startsWith("/") ? value : `${SSHD_FOLDER}/${value}`;
      if (!/[*?[\\\s"'#%]/.test(dirname(pattern)) && matches(pattern.slice(dirname(pattern).length + 1))) {
        folders.push(dirname(pattern));
      }
    }
  }
  return folders;
}

/** Whether a file pattern takes our file; of glob(7) only what such lines have. */
function matches(pattern: string): boolean {
  if (/[[\\]/.test(pattern)) return false;
  const form = [...pattern].map((one) => (one === "*" ? ".*" : one === "?" ? "." : RegExp.escape(one))).join("");
  return new RegExp(`^${form}$`).test(DROP_IN);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
