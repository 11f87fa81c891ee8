// promise: a certificate past two thirds of its life is renewed by a login that doesn't wait for it, without a question; and
// what the agent holds of ours is one certificate, which gets the person in whatever else it holds
import { expect, test } from "bun:test";
import { resolve } from "node:path";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");

/** Runs a shell script inside a fresh sandbox. */
function inside(script: string, options: readonly string[] = []): { out: string[]; err: string } {
  const { stdout, stderr } = Bun.spawnSync([bssh, "sandbox", ...options, "--", "sh", "-c", `cd "$HOME"; ${script}`], {
    stdin: "ignore",
    env: { ...process.env, TERM: "dumb" },
  });
  return { out: stdout.toString().trimEnd().split("\n"), err: stderr.toString() };
}

/** How often an action is in the sandbox's log. */
const HELPERS = `count() { grep -c "\\"action\\":\\"$1\\"" "$BSSH_SANDBOX_LOG"; }
  ending() { ssh-keygen -L -f .ssh/blessid-cert.pub | sed -n 's/ *Valid: from .* to //p'; }
  renewed() { tries=0; until [ "$(ending)" != "$1" ] || [ $((tries += 1)) -gt 200 ]; do sleep 0.1; done; }
  none() { tries=0; while pgrep -f "[l]ogin --background" >/dev/null && [ $((tries += 1)) -lt 200 ]; do sleep 0.1; done; }
  settle() { { echo 'renew_margin_seconds = 1'; cat "$BSSH_CONFIG"; } >c; cat c >"$BSSH_CONFIG"; }
  wait_for() { while [ $(($(date +%s) - began)) -lt $1 ]; do sleep 0.2; done; }`;

test("a login past two thirds starts one renewal, however many notice, and doesn't wait for it", () => {
  // Of certificates as short as 24 seconds the last 16 are the last third: BLESS lets them begin 120 seconds earlier.
  const { out, err } = inside(
    `${HELPERS}
    settle; bssh login; began=$(date +%s); first=$(ending)
    bssh web1.sandbox.test true; count Invoke
    wait_for 9
    bssh web1.sandbox.test sleep 6 & session=$!
    # In ssh's place: shells that start at once on the other side may disturb each other with what a person's start-up files do.
    others=; for i in 2 3 4 5 6 7 8; do BSSH_SSH=$(command -v true) bssh web1.sandbox.test true & others="$others $!"; done; wait $others
    renewed "$first"; none; count Invoke; count GetSessionToken
    ls "$BSSH_HOME/state" | grep -c ^renewal-
    kill -0 $session && ps -o stat= --ppid $session | grep -c Z`,
    ["--cert-seconds", "24"],
  );
  expect(err).toBe("");
  expect(out).toEqual(["1", "2", "1", "0", "0"]);
});

test("the renewal has no terminal, asks nobody, not even mfa_command, and a failure of it is not heard of", () => {
  const { out, err } = inside(
    `${HELPERS}
    settle; bssh login; began=$(date +%s)
    # No session is left to renew with, and the only answer would be mfa_command's.
    rm -r "$BSSH_HOME/state/cache"
    { echo "mfa_command = 'touch $HOME/asked; echo 123456'"; grep -v ^mfa_command "$BSSH_CONFIG"; } >c; cat c >"$BSSH_CONFIG"
    wait_for 9
    bssh web1.sandbox.test echo in; bssh web1.sandbox.test echo again; sleep 1; none
    ls asked; count GetSessionToken; ls "$BSSH_HOME/state" | grep -c ^renewal-`,
    ["--cert-seconds", "24"],
  );
  expect(err).toBe("ls: cannot access 'asked': No such file or directory\n");
  expect(out).toEqual(["in", "again", "1", "1"]);
});

test("renew_in_background = false leaves it to the login that finds the certificate ended", () => {
  const { out } = inside(
    `${HELPERS}
    { echo 'renew_in_background = false'; cat "$BSSH_CONFIG"; } >c; cat c >"$BSSH_CONFIG"
    settle; bssh login; began=$(date +%s); wait_for 9; bssh web1.sandbox.test echo in; sleep 1; none; count Invoke`,
    ["--cert-seconds", "24"],
  );
  expect(out).toEqual(["in", "1"]);
});

test("twenty renewals leave one certificate of ours in the agent, and everything else as it was", () => {
  const { out, err } = inside(`ssh-keygen -q -t ed25519 -N '' -f other; ssh-add -q other; ssh-add -L >before
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do bssh login --force; done
    ssh-add -l | grep -c CERT; ssh-add -L | head -1 | cmp - before && echo as it was
    ssh-add -L | grep cert | cut -d' ' -f2 >agent; cut -d' ' -f2 .ssh/blessid-cert.pub | cmp - agent && echo the last`);
  expect(err).toBe("");
  expect(out).toEqual(["1", "as it was", "the last"]);
});

test("ten foreign keys in the agent and MaxAuthTries 3 let the person in, by the wrapper and by the agent's certificate", () => {
  const { out, err } =
    inside(`echo 'MaxAuthTries 3' >>"$BSSH_SANDBOX/sshd/config"; pkill -HUP -f "$BSSH_SANDBOX/sshd/config"; sleep 1
    for i in 0 1 2 3 4 5 6 7 8 9; do ssh-keygen -q -t ed25519 -N '' -f f$i; ssh-add -q f$i; done
    ssh -o BatchMode=yes web1.sandbox.test true 2>&1 | grep -c 'Too many authentication failures'
    bssh web1.sandbox.test echo by the wrapper
    ssh -i .ssh/blessid web1.sandbox.test echo by ssh and the agent
    bssh setup >/dev/null; ssh web1.sandbox.test echo by ssh and its config`);
  expect(err).toBe("");
  expect(out).toEqual(["1", "by the wrapper", "by ssh and the agent", "by ssh and its config"]);
});

test("what -A forwards is in the agent, also in one that was started after the certificate came", () => {
  const { out, err } = inside(`bssh login; ssh-add -qD; bssh web1.sandbox.test true; ssh-add -l >/dev/null; echo $?
    bssh -A web1.sandbox.test ssh-add -l | grep -c CERT; ssh-add -qD; bssh setup >/dev/null
    ssh -A web1.sandbox.test ssh-add -l | grep -c CERT`);
  expect(err).toBe("");
  expect(out).toEqual(["1", "1", "1"]);
});
