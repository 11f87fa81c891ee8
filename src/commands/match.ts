import { type Certified, certify } from "../certify.ts";
import { pathsOf } from "../config/paths.ts";
import { ownPath } from "../setup/own-path.ts";
import { allowsQuestions, RESOLVING } from "../ssh/resolve.ts";
import type { CommandCall } from "./call.ts";
import { callingSsh, followSsh, makeResolved } from "./calling-ssh.ts";
import { hasFailed } from "./match-failed.ts";

export const help = `
For ssh's Match exec; bssh setup writes the line. Status 0 when the host is ours and a certificate for it is there, which
is fetched if need be; 1 otherwise. Questions come on the terminal, whatever stdin and stdout are. For ssh -G and ssh -O,
and with BLESS_COMPLETE in the environment, it answers by what is there and says nothing.
The first word behind match, or behind --, is the host, whatever it begins with.

Example:
  $ bssh match -- web1.example.com && echo ours, with a certificate
`;

export const OPTIONS = {};

/** Signals that would end the process; ssh fails when its Match exec dies of one (readconf.c, execute_in_shell). */
const ENDS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE", "SIGTERM"] as const;

/** `bssh match [--] HOST`: 0 or 1, whatever happens. */
export async function match(call: CommandCall): Promise<number> {
  // A question that is open puts the terminal in order first, in the same round of events.
  for (const name of ENDS) process.on(name, () => setImmediate(() => process.exit(1)));
  try {
    const words = call.words[0] === "--" ? call.words.slice(1) : call.words;
    const [host] = words;
    if (host === undefined || words.length > 1) {
      await tell("bssh match takes one host; see bssh match --help");
      return 1;
    }
    return (await isCertified(call, host)) ? 0 : 1;
  } catch (error) {
    const { tracer } = await import("../terminal/say.ts");
    tracer(call.environment)(String((error as { stack?: string }).stack ?? error));
    return 1;
  }
}

async function isCertified(call: CommandCall, typed: string): Promise<boolean> {
  const quiet = (call.environment["BLESS_COMPLETE"] ?? "") !== "";
  const ssh = quiet ? null : callingSsh(call.system);
  const { state, home, sshConfig, config } = pathsOf(call.environment);
  const mayFetch = !quiet && ssh?.logsIn !== false && !(ssh !== null && hasFailed(call.system, state, ssh.name));
  // Both are asked only where there is no certificate.
  const asked = ssh === null ? null : makeResolved(call.system, call.environment, ssh);
  const mayAsk = () => asked === null || allowsQuestions(asked.resolved());
  const isNeeded = async () => {
    if (ssh === null || asked === null) return true;
    followSsh(call.system, ssh);
    const { hasLiveMaster } = await import("../ssh/master.ts");
    const { words } = ssh;
    return !hasLiveMaster({ ssh: asked.ssh(), words, environment: call.environment, resolved: asked.resolved() });
  };
  const lookAtAgent = ssh?.forwardsAgent === true;
  const see = (host: string) => certify({ ...call, host, mayFetch, mayAsk, isNeeded, lookAtAgent, exitOnSignal: true });

  let answer = await see(typed);
  if (isForeign(answer) && ssh !== null && ssh.hostName !== null) answer = await see(ssh.hostName);
  else if (isForeign(answer) && !isResolving(call.environment)) {
    const { renamed } = await import("./match-alias.ts");
    const name = renamed(call, ssh ?? callingSsh(call.system), typed, { home, sshConfig, own: ownPath({ config }) });
    if (name !== null) answer = await see(name);
  }
  if (mayFetch && answer.failure !== null) {
    if (ssh !== null) (await import("./match-memory.ts")).keepFailure(state, ssh.name);
    await tell(answer.failure.sentence);
  }
  return answer.fresh;
}

/** True below an ssh that is asked what an alias stands for: it would be asked again. */
function isResolving(environment: CommandCall["environment"]): boolean {
  return (environment[RESOLVING] ?? "") !== "";
}

function isForeign({ ours, failure }: Certified): boolean {
  return !ours && failure === null;
}

async function tell(line: string): Promise<void> {
  (await import("../terminal/say.ts")).say(line);
}
