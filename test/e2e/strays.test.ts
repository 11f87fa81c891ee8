// promise: an agent that hangs, a question that nobody is left to need, and a bssh of another name hold nobody up
import { expect, test } from "bun:test";
import { resolve } from "node:path";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");

/** Runs a shell script inside a fresh sandbox; lines on stderr that only say what a shell did with its jobs are left out. */
function inside(script: string, options: readonly string[] = []): { out: string[]; err: string[] } {
  const prelude = `cd "$HOME"; H=web1.sandbox.test; setting() { { echo "$1"; cat "$BSSH_CONFIG"; } >c; cat c >"$BSSH_CONFIG"; }`;
  const { stdout, stderr } = Bun.spawnSync([bssh, "sandbox", ...options, "--", "sh", "-c", `${prelude}\n${script}`], {
    stdin: "ignore",
    env: { ...process.env, TERM: "dumb" },
  });
  const lines = (text: string) => text.trimEnd().split("\n").filter(Boolean);
  return {
    out: lines(stdout.toString()),
    err: lines(stderr.toString()).filter((line) => !/^(Killed|Terminated)$/.test(line)),
  };
}

const DENIED = expect.stringContaining("Permission denied (publickey)");
const NO_CODE =
  "bssh: a second factor is needed, and no MFA code was given; run bssh login in a terminal, or set mfa_command";

test("an agent that hangs is told of once, ssh does without it, and with it again when it answers", () => {
  const { out, err } = inside(`agent=$(pgrep -f "$BSSH_SANDBOX/agent" | head -1); kill -STOP $agent
    timeout -s KILL 20 bssh $H echo cold; timeout -s KILL 20 bssh $H echo warm; kill -CONT $agent
    bssh -v $H echo back 2>&1 | grep -q 'get_agent_identities' && echo asked; ls "$BSSH_HOME/state" | grep -c agent`);
  expect(err).toEqual([
    expect.stringMatching(/^bssh: the ssh-agent at \S+ does not answer; restart it, or unset SSH_AUTH_SOCK$/),
  ]);
  expect(out).toEqual(["cold", "warm", "asked", "0"]);
});

test("BatchMode, typed or configured, asks nobody on the ways through ssh_config and ProxyCommand", () => {
  const { out, err } = inside(
    `timeout 20 setsid ssh -o BatchMode=yes -o "ProxyCommand=bssh proxy -- %h %p" $H true </dev/null; echo $?
    sed -i 's/^Host \\*$/Host *\\n  BatchMode yes/' "$BSSH_SSH_CONFIG"; bssh setup >/dev/null
    timeout 20 setsid ssh $H true </dev/null; echo $?`,
    ["--ask"],
  );
  expect(err).toEqual([NO_CODE, DENIED, NO_CODE, DENIED]);
  expect(out).toEqual(["255", "255"]);
});

test("with BatchMode nobody waits for another's question, and a holder that is stopped is named", () => {
  const { out, err } = inside(
    `setsid bssh $H true </dev/null 2>asked & until [ -s asked ]; do sleep 0.1; done
    timeout 20 bssh -o BatchMode=yes $H true; echo $?
    holder=$(pgrep -f "bssh $H true" | head -1); kill -STOP $holder
    timeout 20 setsid bssh $H true </dev/null; echo $?; kill -CONT $holder; kill $holder`,
    ["--ask"],
  );
  expect(err).toEqual([
    expect.stringMatching(/^bssh: process \d+ is asking for an MFA code; answer it with bssh mfa$/),
    DENIED,
    expect.stringMatching(
      /^bssh: process \d+, which is to get the certificate, is stopped; bring it back with fg, or kill it$/,
    ),
    DENIED,
  ]);
  expect(out).toEqual(["255", "255"]);
});

test("who waits for a question has as much patience as a question of its own would have", () => {
  const { out, err } = inside(
    `setting 'question_seconds = 4'; setsid bssh $H true </dev/null 2>asked & until [ -s asked ]; do sleep 0.1; done
    sed 's/= 4$/= 1/' "$BSSH_CONFIG" >short; BSSH_CONFIG="$HOME/short" timeout 20 setsid bssh $H true </dev/null; echo $?; wait`,
    ["--ask"],
  );
  expect(err).toEqual([
    expect.stringMatching(/^bssh: process \d+ has been asking for an MFA code for 1 seconds; answer it with bssh mfa$/),
    DENIED,
  ]);
  expect(out).toEqual(["255"]);
});

for (const [road, ssh] of [
  ["Match exec", `ssh $H true`],
  ["ProxyCommand", `ssh -F plain -o "ProxyCommand=bssh proxy -- %h %p" $H true`],
] as const) {
  test(`a question ends with the ssh that it is for: ${road}`, () => {
    const { out } = inside(
      `cp "$BSSH_SSH_CONFIG" plain; bssh setup >/dev/null
      { setsid ${ssh} </dev/null 2>asked & echo $! >pid; }; until [ -s asked ]; do sleep 0.1; done
      pgrep -f 'bssh (match|proxy) --' >before; kill -9 $(pgrep -f "^(/usr/bin/)?ssh .*$H true")
      tries=0; while pgrep -f "$BSSH_SANDBOX.*bssh (match|proxy) --|^bssh proxy --" >/dev/null && [ $((tries += 1)) -lt 100 ]; do sleep 0.1; done
      [ -s before ] && echo asked; [ $tries -lt 100 ] && echo over; ls "$BSSH_HOME/state" | grep -c '^question'`,
      ["--ask"],
    );
    expect(out).toEqual(["asked", "over", "0"]);
  });
}

test("a copy of bssh that is named ssh renews in the background and dials", () => {
  const { out, err } = inside(
    `mkdir bin; cp "$(readlink -f "$BSSH_SANDBOX/bin/bssh")" bin/ssh; setting 'renew_margin_seconds = 1'; setting 'dialer = true'
    PATH="$HOME/bin:$PATH"; ssh $H echo in; first=$(ssh-keygen -L -f .ssh/blessid-cert.pub | grep Valid); sleep 9
    ssh $H echo again
    tries=0; until [ "$(ssh-keygen -L -f .ssh/blessid-cert.pub | grep Valid)" != "$first" ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done
    [ $tries -le 100 ] && echo renewed`,
    ["--cert-seconds", "24"],
  );
  expect(err).toEqual([]);
  expect(out).toEqual(["in", "again", "renewed"]);
});
