// Programs first on the PATH of every scenario.

/** In ssh's place: says what it got, a word in brackets. Real answers for -G and -V come from $REAL_SSH. */
const ssh = `#!/bin/sh
printf 'ssh'
for word; do printf ' [%s]' "$word"; done
echo
exit "\${SSH_STATUS:-0}"
`;

/** `keep` remembers what lies in the home and the config; `kept` says what of it is different now. */
const keep = `#!/bin/sh
cd "$BSSH_SANDBOX" && find home bssh/config.toml ! -type d ! -name filling -exec cksum {} + | sort -k3 >kept
`;
const kept = `#!/bin/sh
cd "$BSSH_SANDBOX" || exit
find home bssh/config.toml ! -type d ! -name filling -exec cksum {} + | sort -k3 >now
cmp -s kept now && echo 'all is as it was' && exit
diff kept now | sed -n 's/^\\([<>]\\) [0-9]* [0-9]* /\\1 /p'
exit 1
`;

/**
 * `full FOLDER COMMAND…` runs the command where the folder is on a disk without room, `sealed FOLDER COMMAND…` where it is
 * read-only: in a mount namespace of its own, as root or by a user namespace. Where neither is allowed strace(1) makes the
 * system's calls fail as they would.
 */
const mounts = (mount: string, error: string) => `#!/bin/sh
folder=$(cd "$1" && pwd) && shift || exit
for how in "unshare -m" "unshare -rm"; do
  $how true 2>/dev/null || continue
  exec $how sh -c '
    folder=$1; shift
    ${mount} || exit 99
    cd "$HOME"; exec "$@"' sh "$folder" "$@"
done
exec strace -f -qqq -o /dev/null -e inject=?rename,?renameat,?renameat2,?link,?linkat:error=${error} "$@"
`;
// What is there stays to be read; `fill FOLDER` fills what is left of the small disk, also after something was removed.
const fill = `#!/bin/sh
head -c 2000000 /dev/zero >>"$1/filling" 2>/dev/null
exit 0
`;
const full = mounts(
  `copy=$(mktemp -d) && cp -a "$folder/." "$copy" && mount -t tmpfs -o size=1m,mode=700 none "$folder" &&
    cp -a "$copy/." "$folder" && rm -r "$copy" && fill "$folder"`,
  "ENOSPC",
);
const sealed = mounts('mount --bind "$folder" "$folder" && mount -o remount,ro,bind "$folder"', "EROFS");

/** `typing ANSWER… -- COMMAND…`: runs it on a terminal and types an answer whenever it is asked; what it says goes on. */
const typing = `#!/usr/bin/env expect
log_user 0
set timeout 20
set split [lsearch -exact $argv --]
set answers [lrange $argv 0 $split-1]
set command [lrange $argv $split+1 end]
set stty_init "-onlcr"
spawn -noecho {*}$command
set asked 0
proc plain text {
  regsub -all {\\033\\[[0-9]*[A-Z]|[\\r\\n]} $text {} text
  return [string trim $text]
}
while 1 {
  expect {
    -re {^[^\\n]*: $} {
      puts "asked: [plain $expect_out(0,string)]"
      set answer [lindex $answers $asked]
      incr asked
      switch -glob -- $answer {
        "" { send "\\004" }
        wait {}
        fresh { send "[exec bssh sandbox mfa]\\r" }
        passphrase { send "[exec cat $env(BSSH_SANDBOX)/passphrase]\\r" }
        default { send "$answer\\r" }
      }
    }
    -re {^[^\\n]*\\n} {
      set line [plain $expect_out(0,string)]
      if {$line ne ""} { puts "said: $line" }
    }
    timeout { puts "nothing happens any more"; exit 99 }
    eof { break }
  }
}
lassign [wait] pid id failed status
exit $status
`;

/** `keysof KIND`: shell lines with the credentials of that kind that bssh keeps; `tokenof`: the kmsauth token it keeps. */
const keysof = `#!/bin/sh
field() { sed "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/" "$file"; }
file=$(echo "$BSSH_SANDBOX"/bssh/state/cache/"$1"-*)
echo "export AWS_ACCESS_KEY_ID='$(field accessKeyId)' AWS_SECRET_ACCESS_KEY='$(field secretAccessKey)'"
echo "export AWS_SESSION_TOKEN='$(field sessionToken)'"
`;
const tokenof = `#!/bin/sh
sed 's/.*"value":"\\([^"]*\\)".*/\\1/' "$BSSH_SANDBOX"/bssh/state/cache/kmsauth-*
`;

/** `plain COMMAND…`: root's, but without root's rights over other people's modes; anybody else's as it is. */
const plain = `#!/bin/sh
[ "$(id -u)" = 0 ] && exec setpriv --bounding-set=-all --inh-caps=-all "$@"
exec "$@"
`;

export const PROGRAMS: Readonly<Record<string, string>> = {
  ssh,
  keep,
  kept,
  fill,
  full,
  sealed,
  typing,
  keysof,
  tokenof,
  plain,
};
