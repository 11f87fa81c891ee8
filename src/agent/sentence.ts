import { Failure, printable } from "../failure.ts";
import type { AgentTrouble } from "./load.ts";

/**
 * What the person is told when the agent does not hold the certificate: one line, `fact; next move`. Null when it is as they
 * have it (no agent runs, or their key is not one for it) and nothing need be said.
 */
export function agentSentence(trouble: AgentTrouble, socket: string): string | null {
  const fact = FACTS[trouble];
  if (fact === null) return null;
  const rest = trouble === "hung" ? "" : ", so the certificate's file is used";
  const said = `the ssh-agent at ${printable(socket)} ${fact}${rest}`;
  return new Failure(said, NEXT[trouble]).sentence;
}

const OFF = 'set agent = "off" to have it left alone';

const FACTS: Readonly<Record<AgentTrouble, string | null>> = {
  absent: null,
  unloadable: null,
  refused: "takes no certificate with a lifetime",
  unlisted: "does not keep certificates",
  hung: "does not answer",
  closed: "ended the connection",
  garbage: "answers what is no ssh-agent's answer",
};

const NEXT: Readonly<Record<AgentTrouble, string>> = {
  absent: "",
  unloadable: "",
  refused: `unlock it if it is locked, or ${OFF}`,
  unlisted: OFF,
  // ssh itself asks the agent, and waits for it without end.
  hung: "restart it, or unset SSH_AUTH_SOCK",
  closed: `restart it, or ${OFF}`,
  garbage: `check SSH_AUTH_SOCK, or ${OFF}`,
};
