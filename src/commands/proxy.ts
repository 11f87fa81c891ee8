import { Failure } from "../failure.ts";
import { readDestination } from "../proxy/destination.ts";
import type { Way } from "../ssh/versions.ts";
import type { CommandCall } from "./call.ts";

export const help = `
For ssh's ProxyCommand: sees to the certificate when HOST is ours, connects, and carries the bytes. With
ProxyUseFdpass yes it hands the connection to ssh and is gone.

In ~/.ssh/config:
  Host *.example.com
    ProxyCommand bssh proxy -- '%h' '%p'
    ProxyUseFdpass yes

Example, the server's first words:
  $ bssh proxy web1.example.com 22 </dev/null
  SSH-2.0-OpenSSH_9.2p1
`;

export const OPTIONS = {} as const;

/** `bssh proxy HOST PORT`: status 0 after a whole conversation, 255 as ssh where there was none. */
export async function proxy(call: CommandCall): Promise<number> {
  try {
    const destination = readDestination(call.words);
    if ((call.environment["BLESS_COMPLETE"] ?? "") === "") await certificateFor(destination.host, call);
    const { serve } = await import("../proxy/proxy.ts");
    return await serve(call.system, destination);
  } catch (error) {
    // A mistake of our own is main's to report.
    if (!(error instanceof Failure)) throw error;
    await say(error.sentence);
    return 255;
  }
}

/**
 * Sees to the certificate, and starts anew when that has left too much in memory. Throws Failure (255) when the config wants
 * nothing to go on without one.
 */
async function certificateFor(host: string, call: CommandCall): Promise<void> {
  const { certify } = await import("../certify.ts");
  const [{ callingSsh, followSsh, makeResolved }, { allowsQuestions }] = await Promise.all([
    import("./calling-ssh.ts"),
    import("../ssh/resolve.ts"),
  ]);
  const ssh = callingSsh(call.system);
  const isNeeded = async () => {
    if (ssh !== null) followSsh(call.system, ssh);
    return true;
  };
  const mayAsk = () => ssh === null || allowsQuestions(makeResolved(call.system, call.environment, ssh).resolved());
  const certified = await certify({ ...call, host, mayFetch: true, lookAtAgent: true, isNeeded, mayAsk });
  if (certified.failure?.status === 255) throw certified.failure;
  if (certified.failure !== null) await say(certified.failure.sentence);
  if (certified.fetched && !certified.agent && !(await isSeen(call))) {
    const next = "run the same again, or let bssh setup write your ssh_config, where it comes first";
    await say(`the certificate is there now, but this ssh had read its files before; ${next}`);
  }
  const [{ asksForDescriptor }, { isHeavy }] = await Promise.all([
    import("../proxy/caller.ts"),
    import("../proxy/memory.ts"),
  ]);
  if (asksForDescriptor(call.system)) return;
  if (isHeavy(call.system) ?? (certified.fetched || certified.failure !== null)) startAnew(call);
}

/** Whether the ssh that waits reads the certificate's files only after this. */
async function isSeen({ system, environment }: CommandCall): Promise<boolean> {
  const { asksForDescriptor, callerProgram } = await import("../proxy/caller.ts");
  const [{ seesFilesOfProxy }, { findSsh }, { sshVersion }] = await Promise.all([
    import("../ssh/versions.ts"),
    import("../ssh/find.ts"),
    import("../ssh/resolve.ts"),
  ]);
  const way: Way = asksForDescriptor(system) ? "descriptor" : "pipes";
  const path = callerProgram(system);
  try {
    const ssh = path === null ? findSsh(system, environment) : { path, script: false };
    return seesFilesOfProxy(sshVersion(ssh), way);
  } catch {
    return false;
  }
}

/** Becomes a bssh that has no certificate to see to; where the system refuses, this one goes on with what it holds. */
function startAnew({ system, program }: CommandCall): void {
  system.become(program, { name: "bssh", inserted: [], skip: 0, set: { BLESS_COMPLETE: "1" } });
}

async function say(line: string): Promise<void> {
  (await import("../terminal/say.ts")).say(line);
}
