import { forwardsAgent } from "../argv/forwarding.ts";
import { parseCall } from "../argv/parse.ts";
import { grammarFor } from "../argv/ssh-options.ts";
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
  /** Its `-o` settings, keys in lower case. */
  readonly options: readonly { readonly key: string; readonly value: string }[];
  /** HostName among its words; null when there is none. */
  readonly hostName: string | null;
  /** Its `-F` word; null when there is none. */
  readonly configFile: string | null;
};

/** $SHELL, the sh that it became, and a shell's own between them. */
const MOST_SHELLS = 4;

/** The nearest ssh among our ancestors, with nothing but shells between; null without /proc, and when there is none. Never throws. */
export function callingSsh(system: Pick<System, "read">, parent = process.ppid): CallingSsh | null {
  try {
    let id = parent;
    for (let count = 0; count <= MOST_SHELLS; count++) {
      const stat = readText(system, `/proc/${id}/stat`);
      const words = readText(system, `/proc/${id}/cmdline`)?.split("\0").slice(1, -1);
      if (stat === null || words === undefined) return null;
      // The name may hold spaces and brackets; proc(5).
      const end = stat.lastIndexOf(")");
      const fields = stat.slice(end + 2).split(" ");
      if (stat.slice(stat.indexOf("(") + 1, end) === "ssh") return describe(`${id}-${fields[19]}`, words);
      if (!words.some((word) => /^-[a-z]*c$/.test(word))) return null;
      id = Number(fields[1]);
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
    options,
    configFile,
    hostName: options.find(({ key }) => key === "hostname")?.value ?? null,
  };
}
