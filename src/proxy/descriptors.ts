import { ptr } from "bun:ffi";
import { readText, type System } from "../system/system.ts";
import { type Libc, readLink } from "./libc.ts";

const AF_UNIX = 1;

/** Between ssh and its ProxyCommand there may be shells: `sh -c '…; bssh proxy …'`. */
const SHELLS = /^-?(?:sh|ash|bash|busybox|csh|dash|fish|ksh|ksh93|mksh|tcsh|yash|zsh)$/;

/** Shells in shells that are looked through. */
const MOST_SHELLS = 4;

/** A program further up, as far as the system tells: its name, and its path when that may be read. */
export type Ancestor = { readonly name: string; readonly path: string | null };

/** True when 0 and 1 are one and the same socket of the local domain, as ssh makes them with ProxyUseFdpass. */
export function isOneLocalSocket(libc: Libc): boolean {
  return isLocal(libc, 0) && isLocal(libc, 1) && sameFile(libc);
}

/** True when a descriptor is a socket of any kind. */
export function isSocket(libc: Libc, descriptor: number): boolean {
  return familyOf(libc, descriptor) !== null;
}

/** True when 0 and 1 are one file. */
export function sameFile(libc: Libc): boolean {
  if (libc.linux === null) return true;
  const [first, second] = [0, 1].map((descriptor) => readLink(libc, `/proc/self/fd/${descriptor}`));
  return first !== null && first === second;
}

function isLocal(libc: Libc, descriptor: number): boolean {
  return familyOf(libc, descriptor) === AF_UNIX;
}

function familyOf({ calls, layout }: Libc, descriptor: number): number | null {
  const [address, length] = [new Uint8Array(128), new Uint32Array([128])];
  if (calls.getsockname(descriptor, ptr(address), ptr(length)) !== 0) return null;
  const { at, bytes } = layout.family;
  return bytes === 1 ? (address[at] ?? 0) : (address[at] ?? 0) | ((address[at + 1] ?? 0) << 8);
}

/** The program that this one was started for, shells in between left out; null when the system doesn't tell. */
export function callerOf(libc: Libc, system: Pick<System, "read">): Ancestor | null {
  let id = libc.calls.getppid();
  for (let round = 0; round <= MOST_SHELLS; round++) {
    const found = programOf(libc, system, id);
    if (found === null || !SHELLS.test(found.name)) return found;
    id = parentOf(system, id);
  }
  return null;
}

function programOf(libc: Libc, system: Pick<System, "read">, id: number): Ancestor | null {
  const path = readLink(libc, `/proc/${id}/exe`);
  if (path !== null) {
    const gone = path.endsWith(" (deleted)");
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/ \(deleted\)$/, "");
    return { name, path: gone ? null : path };
  }
  // The name alone may be read of processes whose program may not.
  const name = textOf(system, `/proc/${id}/comm`)?.trim() ?? "";
  return name === "" ? null : { name, path: null };
}

function parentOf(system: Pick<System, "read">, id: number): number {
  // proc(5), stat: the name stands in brackets and may hold anything; state and parent follow.
  const stat = textOf(system, `/proc/${id}/stat`) ?? "";
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  return Number.isInteger(parent) ? parent : 0;
}

function textOf(system: Pick<System, "read">, path: string): string | null {
  try {
    return readText(system, path);
  } catch {
    return null;
  }
}

/** True for OpenSSH's own client, also one that carries its version: `ssh`, `ssh-10.5`, `ssh9.9p1`. */
export function isSsh({ name }: Ancestor): boolean {
  return /^ssh(?:-?[0-9][0-9.p]*)?$/.test(name);
}

/**
 * True when ssh waits for a descriptor on 1 (ProxyUseFdpass). Others, libssh among them, give a ProxyCommand one socket for
 * both directions and want bytes. Where the system doesn't tell who called, it is taken for ssh.
 */
export function wantsDescriptor(libc: Libc, system: Pick<System, "read">): boolean {
  if (!isOneLocalSocket(libc)) return false;
  const caller = callerOf(libc, system);
  return caller === null || isSsh(caller);
}
