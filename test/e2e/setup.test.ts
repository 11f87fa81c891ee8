// promise: once bssh setup was run, every plain road into ssh logs in from cold: one question, one certificate, no more words
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inside } from "./inside.ts";

const SETTINGS = ["nothing", "IdentitiesOnly yes", "IdentityAgent none", "IdentityAgent OTHER"];
const ROADS = ["scp", "scp -O", "sftp", "git", "rsync", "ssh -J"];
/** Every setting by ssh itself; every other road where it is hardest, with and without an agent. */
const CELLS = [
  ...["agent", "no agent"].flatMap((agent) => SETTINGS.map((setting) => `ssh, ${agent}, ${setting}`)),
  ...ROADS.flatMap((road) => [`${road}, agent, nothing`, `${road}, no agent, IdentitiesOnly yes`]),
];

const SCRIPT = `
cd "$HOME" && cp "$BSSH_SSH_CONFIG" orig && mine=$SSH_AUTH_SOCK
eval "$(ssh-agent -a "$HOME/other.sock")" >/dev/null && trap 'kill $SSH_AGENT_PID' EXIT
git init -q --bare repo.git; echo text >one
count() { grep -c "\\"action\\":\\"$1\\"" "$BSSH_SANDBOX_LOG"; }
take() {
  rm -f two
  case $1 in
    ssh) [ "$(ssh -T web1.sandbox.test echo in)" = in ];;
    scp) scp -q one web1.sandbox.test:"$HOME/two" && cmp one two;;
    'scp -O') scp -q -O one web1.sandbox.test:"$HOME/two" && cmp one two;;
    sftp) echo "put $HOME/one $HOME/two" | sftp -q -b - web1.sandbox.test >/dev/null && cmp one two;;
    git) git ls-remote "ssh://web1.sandbox.test$HOME/repo.git";;
    rsync) rsync -a one web1.sandbox.test:"$HOME/two" && cmp one two;;
    'ssh -J') [ "$(ssh -T -J bastion.sandbox.test web1.sandbox.test echo in)" = in ];;
  esac </dev/null 2>>err
}
while IFS=, read -r road agent setting; do
  agent=\${agent# } setting=\${setting# }
  cp orig "$BSSH_SSH_CONFIG"
  [ "$setting" = nothing ] || echo "  $setting" | sed "s|OTHER|$HOME/other.sock|" >>"$BSSH_SSH_CONFIG"
  bssh setup >/dev/null || echo no setup
  export SSH_AUTH_SOCK="$mine"; ssh-add -q -D 2>/dev/null
  [ "$agent" = agent ] || unset SSH_AUTH_SOCK
  rm -rf .ssh/blessid-cert* "$BSSH_HOME/state/cache" err
  for run in cold warm; do
    : >"$BSSH_SANDBOX_LOG"
    take "$road"; echo "$road, $agent, $setting, $run: $? $(count GetSessionToken) $(count Invoke) said:$(cat err)"
  done
done <cells`;

const folder = mkdtempSync(join(tmpdir(), "bssh-roads-"));
let lines: readonly string[] = [];
beforeAll(async () => {
  await Bun.write(join(folder, "cells"), `${CELLS.join("\n")}\n`);
  lines = inside(`cp ${folder}/cells "$HOME"; ${SCRIPT}`, ["--fast-clock"]).out;
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("cold: one question and one certificate; then none, and never a word", () => {
  test.each(CELLS)("%s", (cell) => {
    expect(lines.filter((line) => line.startsWith(`${cell}, `))).toEqual([
      `${cell}, cold: 0 1 1 said:`,
      `${cell}, warm: 0 0 0 said:`,
    ]);
  });
});

test("setup tells what it did and what comes next, once; undone the file is as it was", () => {
  const { out, err } = inside(`cd "$HOME"; cp "$BSSH_SSH_CONFIG" orig
    bssh setup; echo $?; bssh setup; echo $?; ssh -G github.com >after; ssh -F orig -G github.com | cmp - after && echo same
    bssh setup --undo; echo $?; cmp orig "$BSSH_SSH_CONFIG" && echo same; bssh setup --undo; echo $?; ls "$BSSH_SANDBOX/bssh"
    rm "$BSSH_CONFIG"; bssh setup --undo; echo $?; unset BSSH_CONFIG; bssh setup; echo $?`);
  const folder = /wrote (\S+)\/bssh\/ssh_config/.exec(out[0] ?? "")?.[1] ?? "";
  expect(out.map((line) => line.replaceAll(folder, "SANDBOX"))).toEqual([
    "wrote SANDBOX/bssh/ssh_config, which SANDBOX/home/.ssh/config now includes at its top",
    expect.any(String),
    expect.stringContaining("alias ssh=bssh"),
    "0",
    "SANDBOX/home/.ssh/config includes SANDBOX/bssh/ssh_config already; nothing was changed",
    "0",
    "same",
    "SANDBOX/home/.ssh/config is as it was before bssh setup",
    "0",
    "same",
    "SANDBOX/home/.ssh/config includes nothing of bssh's; nothing was changed",
    "0",
    "config.toml",
    "SANDBOX/home/.ssh/config includes nothing of bssh's; nothing was changed",
    "0",
    "1",
  ]);
  expect(err).toMatch(/^bssh: there is no config at \S+; get your organisation's: bssh config import URL\n$/m);
});

test("a packager's link is what ssh runs, not what it leads to; when it is gone ssh goes on in silence", () => {
  const { out, err } = inside(`mkdir "$HOME/tools"; ln -s "$(readlink -f "$(command -v bssh)")" "$HOME/tools/bssh"
    PATH="$HOME/tools:$PATH"; bssh setup >/dev/null; grep -c "sh '$HOME/tools/bssh' '%n'" "$BSSH_SANDBOX/bssh/ssh_config"
    ssh -T web1.sandbox.test echo in; rm "$HOME/tools/bssh" "$HOME/.ssh/blessid-cert.pub"
    ssh -T -o IdentityAgent=none -o BatchMode=yes -o LogLevel=ERROR web1.sandbox.test echo in; echo $?`);
  expect(out).toEqual(["1", "in", "255"]);
  expect(err).toMatch(/^\S+: Permission denied \(.*\)\.\r?\n$/);
});

test("an ssh that calls itself 10.5 is set up and logs in; one that calls itself 7.2 is refused", () => {
  const { out, err } = inside(`real=$(command -v ssh); mkdir "$HOME/other"
    printf '#!/bin/sh\\n[ "$1" = -V ] && { echo "OpenSSH_10.5p1, OpenSSL 3.5" >&2; exit 0; }\\nexec %s "$@"\\n' "$real" >"$HOME/other/ssh"
    chmod +x "$HOME/other/ssh"; BSSH_SSH="$HOME/other/ssh" bssh setup | head -1 | cut -c1-5; "$HOME/other/ssh" -T web1.sandbox.test echo in
    sed -i s/10.5/7.2/ "$HOME/other/ssh"; BSSH_SSH="$HOME/other/ssh" bssh setup; echo $?`);
  expect(out).toEqual(["wrote", "in", "1"]);
  expect(err).toBe("bssh: OpenSSH_7.2p1, OpenSSL 3.5 knows no Include; use OpenSSH 7.3 or later\n");
});

test("default keys stay in use for hosts of ours when ssh_config names a key for another host alone", () => {
  const { out } = inside(`cd "$HOME"; touch .ssh/id_ecdsa
    printf 'Host github.com\\n  IdentityFile ~/.ssh/theirs\\n' >>"$BSSH_SSH_CONFIG"; bssh setup >/dev/null
    ssh -T web1.sandbox.test echo in; ssh -G web1.sandbox.test | grep -c '/home/.ssh/id_ecdsa$'
    printf 'Host web1*\\n  IdentityFile ~/.ssh/theirs\\n' >>"$BSSH_SSH_CONFIG"; bssh setup >/dev/null
    ssh -G web1.sandbox.test | grep -c '/home/.ssh/id_ecdsa$'`);
  expect(out).toEqual(["in", "1", "0"]);
});

test("a SHELL that is none is told, and set up all the same", () => {
  const { out, err } = inside(`SHELL= bssh setup | cut -c1-5; SHELL=/nope bssh setup >/dev/null; echo $?
    SHELL= ssh -T web1.sandbox.test true; echo $?; ssh -T web1.sandbox.test echo in`);
  expect(out).toEqual(["wrote", "ssh, ", "next:", "0", "255", "in"]);
  expect(err.split("\n").slice(0, 3)).toEqual([
    "bssh: SHELL is empty, and every ssh that asks bssh fails while it is so; set it to the path of your shell",
    "bssh: SHELL names no program (/nope), and every ssh that asks bssh fails while it is so; set it to the path of your shell",
    expect.stringContaining('Shell "" is not executable'),
  ]);
});

test("what is no file is told by its name, and undo tells what it can't vouch for", () => {
  const { out, err } = inside(`cd "$HOME"; BSSH_SSH_CONFIG="$HOME/.ssh" bssh setup; echo $?
    bssh setup >/dev/null; sed -i 's/^Include/  Include/' "$BSSH_SSH_CONFIG"; bssh setup --undo; echo $?
    bssh setup >/dev/null; echo 'Include ~/x/* ../bssh/*' | sed "s|\\.\\./bssh|$BSSH_SANDBOX/bssh|" >>"$BSSH_SSH_CONFIG"; bssh setup --undo; echo $?`);
  expect(out).toEqual(["1", expect.stringMatching(/ includes nothing of bssh's any more$/), "0", "1"]);
  expect(err).toMatch(
    /^bssh: \S+\/\.ssh is not a regular file; look at what is there\nbssh: \S+ includes \S+ in a line that isn't setup's: /,
  );
});
