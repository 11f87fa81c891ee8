// promise: bssh match never makes ssh fail, asks once for a connection, and nothing where nobody logs in
import { describe, expect, test } from "bun:test";
import { inside } from "./inside.ts";

/** Shell functions: `answer COMMAND` is what answers the question from now on; `cold` forgets what was fetched. */
const TOOLS = `cd "$HOME"
answer() { printf '#!/bin/sh\\n%s\\n' "$1" >answer; chmod +x answer; sed -i "s|^mfa_command.*|mfa_command = 'exec $HOME/answer'|" "$BSSH_CONFIG"; }
cold() { rm -rf .ssh/blessid-cert* "$BSSH_HOME/state/cache"; : >"$BSSH_SANDBOX_LOG"; }
count() { grep -c "\\"action\\":\\"$1\\"" "$BSSH_SANDBOX_LOG"; }
login() { ssh -T -o LogLevel=ERROR "$@" web1.sandbox.test echo in </dev/null; }
waitfor() { for i in $(seq 400); do [ -s "$1" ] && return; sleep 0.02; done; echo "no $1"; }
bssh setup >/dev/null
`;

test("ssh -G, ssh -O and BLESS_COMPLETE have nothing asked or fetched, and nothing said", () => {
  const { out, err } = inside(`${TOOLS}
    answer 'echo asked >>asked; exec bssh sandbox mfa'
    ssh -TG web1.sandbox.test | grep -c certificatefile; ssh -vGp22 web1.sandbox.test 2>/dev/null | grep -c certificatefile
    ssh -O check -S "$HOME/none" web1.sandbox.test 2>/dev/null; echo $?
    BLESS_COMPLETE=1 login 2>/dev/null; echo $?; BLESS_COMPLETE=1 bssh match web1.sandbox.test; echo $?
    wc -l <"$BSSH_SANDBOX_LOG"; ls asked 2>/dev/null; ls -A .ssh
    login; ssh -TG web1.sandbox.test | grep -c certificatefile; BLESS_COMPLETE=1 bssh match web1.sandbox.test; echo $?
    ssh -TG github.com | grep -c certificatefile; ssh -TG -o HostName=web1.sandbox.test other | grep -c certificatefile`);
  expect(err).toBe("");
  expect(out).toEqual(["0", "0", "255", "255", "1", "0", "config", "known_hosts", "in", "1", "0", "0", "1"]);
});

describe("where ssh reads its config twice", () => {
  for (const setting of ["CanonicalizeHostname yes", "Match final all"]) {
    test(`(${setting}) one question is asked, and one failure said`, () => {
      const { out, err } = inside(`${TOOLS}
        echo '${setting}' >>"$BSSH_SSH_CONFIG"
        answer 'echo asked >>$HOME/asked; exit 3'
        login -o BatchMode=yes; echo $?; wc -l <asked; rm asked
        login -o BatchMode=yes; echo $?; wc -l <asked
        answer 'exec bssh sandbox mfa'; login; count GetSessionToken; count Invoke; login; count Invoke`);
      expect(out).toEqual(["255", "1", "255", "1", "in", "1", "1", "in", "1"]);
      const lines = err.trimEnd().split("\n");
      expect(lines.filter((line) => line.startsWith("bssh: "))).toEqual([
        "bssh: mfa_command failed with status 3; run it by hand to see why",
        "bssh: mfa_command failed with status 3; run it by hand to see why",
      ]);
      expect(lines.filter((line) => !line.includes("Permission denied")).length).toBe(2);
    });
  }
});

test("killed in the middle, bssh match leaves ssh to go on", () => {
  const { out, err } = inside(`${TOOLS}
    answer 'echo $PPID $$ >$HOME/asking; exec sleep 20'
    login -o BatchMode=yes & waitfor asking; read -r match answer <asking; kill -9 "$match"; kill "$answer"
    wait $!; echo $?`);
  expect(out).toEqual(["255"]);
  expect(err).toContain("Permission denied");
  expect(err).not.toMatch(/match exec|error/i);
});

test("signals that would end bssh match make it a plain no", () => {
  const { out, err } = inside(`${TOOLS}
    answer 'echo $PPID $$ >$HOME/asking; exec sleep 20'
    for signal in INT TERM HUP QUIT PIPE; do
      rm -f asking; bssh match web1.sandbox.test & waitfor asking; read -r match answer <asking
      kill -$signal "$match"; wait $!; echo "$signal $?"; kill "$answer"
    done`);
  expect(out).toEqual(["INT 1", "TERM 1", "HUP 1", "QUIT 1", "PIPE 1"]);
  expect(err).toBe("");
});

test("words that are none, and a config that is wrong, are one line and a plain no", () => {
  const { out, err } = inside(`${TOOLS}
    bssh match; echo $?; bssh match a b; echo $?; bssh match -- --help; echo $?; bssh match -- -x; echo $?; bssh match -- ''; echo $?
    bssh match --help | head -1; echo nonsense >>"$BSSH_CONFIG"; bssh match x; echo $?; login -o BatchMode=yes; echo $?`);
  expect(out).toEqual(["1", "1", "1", "1", "1", "Usage: bssh match HOST", "1", "255"]);
  const lines = err.trimEnd().split("\n");
  expect(lines.slice(0, 2)).toEqual(Array(2).fill("bssh: bssh match takes one host; see bssh match --help"));
  expect(lines.slice(2, 4)).toEqual(Array(2).fill(expect.stringMatching(/^bssh: \S+config\.toml:\d+:\d+: /)));
  expect(lines.length).toBe(5);
});

test("an alias is judged by its HostName, as ssh itself finds it", () => {
  const { out, err } = inside(`${TOOLS}
    printf 'Host w other\\n  HostName web1.sandbox.test\\n' >named; echo "Include $HOME/named" >>"$BSSH_SSH_CONFIG"
    ssh -TG w | grep -c certificatefile; wc -l <"$BSSH_SANDBOX_LOG"
    ssh -T -o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=1 w echo in 2>/dev/null; count Invoke
    ssh -TG w | grep -c certificatefile; ssh -TG other | grep -c certificatefile; ssh -TG elsewhere | grep -c certificatefile`);
  expect(err).toBe("");
  expect(out).toEqual(["0", "0", "1", "1", "1", "0"]);
});

test("warm, it opens no socket and starts nothing", () => {
  const { out } =
    inside(`${TOOLS} login; strace -f -qq -o calls -e trace=network,process bssh match -- web1.sandbox.test; echo $?
    sed 1d calls | grep -E '(socket|connect|v?fork|execve)\\(' | grep -vc CLONE_THREAD; grep -c exit_group calls`);
  expect(out).toEqual(["in", "0", "0", "1"]);
});

test("Ctrl-C on the question ends ssh, and the terminal shows again what is typed; an answer lets it go on", () => {
  const script = `cat >"$HOME/type" <<'END'
    log_user 0; set timeout 20
    spawn sh -c {trap : INT; ssh web1.sandbox.test echo logged in; echo "after $?"; sleep 0.5; stty -a | grep -ow -- '-*echo'}
    expect -re {MFA code[^:]*: } { sleep 0.3 } timeout { puts "no question" }
    if {$argv eq "stop"} { send "\\003" } else { send "[exec bssh sandbox mfa]\\r" }
    expect eof; puts $expect_out(buffer)
END
    bssh setup >/dev/null; expect "$HOME/type" stop; grep -c Invoke "$BSSH_SANDBOX_LOG"; expect "$HOME/type" go;
    grep -c Invoke "$BSSH_SANDBOX_LOG"`;
  const { out, err } = inside(script, ["--ask"]);
  expect(err).toBe("");
  const lines = out
    .map((line) => line.replace(/.*\u001b\[J/, "").trim())
    .filter((line) => line !== "" && line !== "^C");
  expect(lines).toEqual(["after 130", "echo", "0", "logged in", "after 0", "echo", "1"]);
});
