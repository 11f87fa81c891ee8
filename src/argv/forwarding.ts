import type { Call } from "./call.ts";

/** True when the words typed have ssh forward the agent: -A, bundled or not, or -o ForwardAgent. */
export function forwardsAgent({ words, commandAt, options }: Call): boolean {
  const typed = options.find(({ key }) => key === "forwardagent")?.value;
  if (typed !== undefined) return !/^(no|false)$/i.test(typed);
  // An argument in a bundle may hold the letter too; who looks at the agent for nothing loses a millisecond.
  return words.slice(0, commandAt).some((word) => /^-[A-Za-z0-9]*A/.test(word));
}
