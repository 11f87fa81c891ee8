import { Failure, printable } from "../failure.ts";
import type { Paths } from "./settings.ts";

/** The process's environment, or a part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const SYSTEM_CONFIG = "/etc/bssh/config.toml";

/**
 * Where bssh keeps things: `BSSH_CONFIG` and `BSSH_HOME` first, then the XDG Base Directory Specification, whose
 * variables count only when they are absolute. Our own variables may be relative to the current directory. An empty
 * variable counts as none. `lookUpHome` is asked when `HOME` says nothing; throws Failure (78) when it knows none either.
 */
export function pathsOf(environment: Environment, lookUpHome: () => string | null = () => null): Paths {
  const home = homeOf(environment, lookUpHome);
  const house = own(environment["BSSH_HOME"]);
  return Object.freeze({
    config:
      own(environment["BSSH_CONFIG"]) ??
      `${house ?? `${xdg(environment["XDG_CONFIG_HOME"]) ?? `${home}/.config`}/bssh`}/config.toml`,
    systemConfig: SYSTEM_CONFIG,
    state: house === null ? `${xdg(environment["XDG_STATE_HOME"]) ?? `${home}/.local/state`}/bssh` : `${house}/state`,
    sshConfig: own(environment["BSSH_SSH_CONFIG"]) ?? `${home}/.ssh/config`,
    home,
  });
}

/** An absolute path: `~/` is the home, a relative path starts at the current directory. */
export function absolute(path: string, home: string): string {
  if (path.startsWith("/")) return path;
  if (path === "~" || path.startsWith("~/")) return home + path.slice(1);
  return `${process.cwd()}/${path}`;
}

function homeOf(environment: Environment, lookUpHome: () => string | null): string {
  const home = xdg(environment["HOME"]) ?? xdg(lookUpHome() ?? "");
  if (home === null) throw new Failure("HOME names no folder", "set it to the path of your home", 78);
  return home;
}

function own(value: string | undefined): string | null {
  if (value === undefined || value === "") return null;
  if (value.includes("\0")) throw new Failure(`${printable(value)} is no path`, "take the NUL out", 78);
  return absolute(trimmed(value), "");
}

function xdg(value: string | undefined): string | null {
  return value?.startsWith("/") ? trimmed(value) : null;
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
