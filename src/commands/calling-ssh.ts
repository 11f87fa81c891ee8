import { forwardsAgent } from "../argv/forwarding.ts";
import { parseCall } from "../argv/parse.ts";
import { grammarFor } from "../argv/ssh-options.ts";
import { findSsh, type Ssh } from "../ssh/find.ts";
import { type Resolved, resolveWords } from "../ssh/resolve.ts";
import type { Environment } from "../story.ts";
import { readText, type System } from "../system/system.ts";

/** The ssh that runs us as its Match exec, as far as /proc tells. */
export type CallingSsh = {
  /** Process id and start time: no other process has both. */
  readonly name: string;
  /** False when it was started for an answer and not for a login (`-G`, `-O`). */
  readonly logsIn: boolean;
  /** Its words, without the program's name. */
  readonly words: readonly string[];
  readonly forwardsAgent: boolean;
  /** HostName among its words; null when there is none. */
  readonly hostName: string | null;
  /** Its `-F` word; null when there is none. */
  readonly configFile: string | null;
};

/**
 * Ends this process as SIGTERM does when that ssh is gone: its question would stay open, and hold up everybody else. Looks once
 * a second; keeps nothing alive.
 */
export function followSsh(system: Pick<System, "read">, { name }: CallingSsh): void {
  const [id = ""] = name.split("-");
  const look = setInterval(() => {
    if (statOf(system, id)?.id !== name) process.kill(process.pid, "SIGTERM");
  }, LOOK_MS);
  look.unref();
}

const LOOK_MS = 1000;

/** What /proc/ID/stat tells of a process (proc(5)): null when it is gone, or there is no /proc. */
function statOf(system: Pick<System, "read">, pid: number | string) {
  try {
    const stat = readText(system, `/proc/${pid}/stat`);
    if (stat === null) return null;
    // The name may hold spaces and brackets.
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    return { program: stat.slice(stat.indexOf("(") + 1, end), parent: Number(fields[1]), id: `${pid}-${fields[19]}` };
  } catch {
    return null;
  }
}

/** What `ssh -G` says of the words of that ssh, asked at most once; null when ssh refuses them. */
export function makeResolved(
  system: System,
  environment: Environment,
  { words }: CallingSsh,
): { readonly ssh: () => Ssh; readonly resolved: () => Resolved | null } {
  let found: Ssh | undefined;
  let answer: Resolved | null | undefined;
  const ssh = () => {
    found ??= findSsh(system, environment);
    return found;
  };
  const resolved = () => {
    if (answer === undefined) answer = resolveWords(ssh(), words, environment);
    return answer;
  };
  return { ssh, resolved };
}

/** $SHELL, the sh that it became, and a shell's own between them. */
const MOST_SHELLS = 4;

/** The nearest ssh among our ancestors, with nothing but shells between; null without /proc, and when there is none. Never throws. */
export function callingSsh(system: Pick<System, "read">, parent = process.ppid): CallingSsh | null {
  try {
    let id = parent;
    for (let count = 0; count <= MOST_SHELLS; count++) {
      const stat = statOf(system, id);
      const words = readText(system, `/proc/${id}/cmdline`)?.split("\0").slice(1, -1);
      if (stat === null || words === undefined) return null;
      if (stat.program === "ssh") return describe(stat.id, words);
      if (!words.some((word) => /^-[a-z]*c$/.test(word))) return null;
      id = stat.parent;
    }
  } catch {}
  return null;
}

function describe(name: string, words: readonly string[]): CallingSsh | null {
  if (!/^\d+-\d+$/.test(name)) return null;
  const call = parseCall(words, grammarFor(null));
  const { through, options, configFile } = call;
  return {
    name,
    logsIn: through !== "print-config" && through !== "control",
    words,
    forwardsAgent: forwardsAgent(call),
    configFile,
    hostName: options.find(({ key }) => key === "hostname")?.value ?? null,
  };
}
