import { expect, test } from "bun:test";
import { forwardsAgent } from "../../src/argv/forwarding.ts";
import { parseCall } from "../../src/argv/parse.ts";
import { grammarFor } from "../../src/argv/ssh-options.ts";

for (const [line, forwards] of [
  ["-A web1", true],
  ["-vA web1", true],
  ["web1 -A", true],
  ["-oForwardAgent=yes web1", true],
  ["-o ForwardAgent=$OTHER_AGENT web1", true],
  ["-A -oForwardAgent=no web1", false],
  ["web1", false],
  ["-a web1", false],
  ["web1 ls -A", false],
] as const) {
  test(`ssh ${line}: the agent is ${forwards ? "" : "not "}forwarded`, () => {
    expect(forwardsAgent(parseCall(line.split(" "), grammarFor(null)))).toBe(forwards);
  });
}
