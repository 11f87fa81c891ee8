// promise: whatever identity is named, its certificate gets the person in, and only a host of ours has one made
import { expect, test } from "bun:test";
import { resolve } from "node:path";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");
const token = resolve(import.meta.dir, "security-key-agent.ts");

/** Runs a shell script inside a fresh sandbox. */
function inside(script: string): { out: string[]; err: string } {
  const { stdout, stderr } = Bun.spawnSync([bssh, "sandbox", "--", "sh", "-c", `cd "$HOME"; ${script}`], {
    stdin: "ignore",
    env: { ...process.env, TERM: "dumb", BUN: process.execPath },
  });
  return { out: stdout.toString().trimEnd().split("\n"), err: stderr.toString() };
}

const CALLS = `sed 's/.*"action":"\\([A-Za-z]*\\)".*/\\1/' "$BSSH_SANDBOX_LOG" | grep -c Invoke`;

/** An askpass that answers `geheim` and counts how often it was asked. */
const ASKPASS = `printf '#!/bin/sh\\necho asked >>"$HOME/asked"\\necho geheim\\n' >askpass; chmod +x askpass
  export SSH_ASKPASS="$HOME/askpass" SSH_ASKPASS_REQUIRE=force`;

for (const [format, words] of [
  ["OpenSSH's", "-t ed25519"],
  ["the old PEM", "-t rsa -b 2048 -m PEM"],
] as const) {
  test(`a passphrase, in ${format} form, is asked for once as long as the agent lives, a renewal in between`, () => {
    const { out, err } = inside(`${ASKPASS}
      ssh-keygen -q ${words} -N geheim -f .ssh/p
      bssh -i .ssh/p web1.sandbox.test echo in
      bssh -i .ssh/p web1.sandbox.test echo again
      BLESS_IDENTITYFILE="$HOME/.ssh/p" bssh login --force
      bssh -i .ssh/p web1.sandbox.test echo after a renewal
      grep -c asked asked; ${CALLS}`);
    expect(err).toBe("");
    expect(out).toEqual(["in", "again", "after a renewal", "1", "2"]);
  });
}

test('with agent = "off" the agent is not spoken to, and ssh asks for the passphrase itself', () => {
  const { out, err } = inside(`${ASKPASS}
    { echo 'agent = "off"'; cat "$BSSH_CONFIG"; } >c; cat c >"$BSSH_CONFIG"
    ssh-keygen -q -t ed25519 -N geheim -f .ssh/p
    strace -f -qq -e trace=connect -o trace bssh -i .ssh/p -o IdentityAgent=none web1.sandbox.test echo in
    grep -c "$SSH_AUTH_SOCK" trace; grep -c asked asked; ssh-add -l`);
  expect(err).toBe("");
  expect(out).toEqual(["in", "0", "1", "The agent has no identities."]);
});

test("a .pub is an identity whose private half the agent holds", () => {
  const { out, err } = inside(`ssh-keygen -q -t ed25519 -N '' -f .ssh/k; ssh-add -q .ssh/k; mv .ssh/k away
    bssh -i .ssh/k.pub web1.sandbox.test echo in
    bssh -i .ssh/k.pub web1.sandbox.test echo again
    BLESS_IDENTITYFILE="$HOME/.ssh/k.pub" bssh web1.sandbox.test echo by the environment
    ls .ssh; ${CALLS}`);
  expect(err).toBe("");
  expect(out).toEqual([
    ...["in", "again", "by the environment"],
    ...["config", "k-cert", "k-cert.pub", "k.pub", "known_hosts", "1"],
  ]);
});

test("a security key's identity is certified, and signs for its certificate", () => {
  const { out, err } = inside(`"$BUN" ${token} "$HOME/token" >log & agent=$!
    until grep -qs ^sk- log; do sleep 0.1; done; grep ^sk- log >.ssh/id_sk.pub; export SSH_AUTH_SOCK="$HOME/token"
    bssh -i .ssh/id_sk.pub web1.sandbox.test echo in
    bssh -i .ssh/id_sk.pub web1.sandbox.test echo again
    ssh-keygen -L -f .ssh/id_sk-cert.pub | sed -n 's/ *Type: //p'
    grep -c 'request 13' log; ${CALLS}; kill $agent`);
  expect(err).toBe("");
  const type = "sk-ssh-ed25519-cert-v01@openssh.com user certificate";
  expect(out).toEqual(["in", "again", type, "2", "1"]);
});

test("-i names no key to be certified for other people's hosts, nor where typed_identity is off", () => {
  const { out } = inside(`ssh-keygen -q -t ed25519 -N '' -f .ssh/k
    bssh -F /dev/null -i .ssh/k -o BatchMode=yes -p 1 localhost true; ls .ssh; ${CALLS}
    { echo 'typed_identity = false'; cat "$BSSH_CONFIG"; } >c; cat c >"$BSSH_CONFIG"
    bssh -i .ssh/k web1.sandbox.test echo in; ls .ssh; ${CALLS}`);
  expect(out).toEqual([
    ...["config", "k", "k.pub", "known_hosts", "0"],
    "in",
    ...["blessid", "blessid-cert", "blessid-cert.pub", "blessid.pub", "config", "k", "k.pub", "known_hosts", "1"],
  ]);
});
