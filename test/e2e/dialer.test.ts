// promise: with our own dialer every road into ssh leads where it led without, and what goes wrong is said
import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");

/** Runs a shell script in a fresh sandbox with `dialer = true`; $RECORD has a line for each ssh: `dialled` or `plain`. */
function inside(script: string): { status: number; out: string[]; err: string } {
  const prelude = [
    `cd "$HOME"`,
    `printf 'dialer = true\\n' | cat - "$BSSH_CONFIG" > config && cat config > "$BSSH_CONFIG"`,
    `H=\${BSSH_SANDBOX_HOSTS%% *}`,
    `export RECORD="$HOME/record" REAL="$BSSH_SANDBOX/bin/ssh"`,
    `printf '%s\\n' '#!/bin/sh' 'case "$*" in -G*) ;; *ProxyUseFdpass=yes*) echo dialled ;; *) echo plain ;; esac >> "$RECORD"' 'exec "$REAL" "$@"' > recorder`,
    `chmod +x recorder`,
    `bssh login`,
    `export BSSH_SSH="$HOME/recorder"`,
  ];
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [bssh, "sandbox", "--", "sh", "-c", `${prelude.join("\n")}\n${script}`],
    { stdin: "ignore", env: { ...process.env, TERM: "dumb", BUN: process.execPath } },
  );
  return { status: exitCode, out: stdout.toString().trimEnd().split("\n"), err: stderr.toString() };
}

describe("with dialer = true", () => {
  test("ssh logs in through the dialer: input, output and status are the remote command's", () => {
    const { status, out, err } = inside(`echo there | bssh "$H" 'cat; echo back; exit 52'; echo $?; cat "$RECORD"`);
    expect(err).toBe("");
    expect({ status, out }).toEqual({ status: 0, out: ["there", "back", "52", "dialled"] });
  });

  test("scp by both protocols and sftp carry files whole", () => {
    const { out, err } = inside(`
head -c 300000 /dev/urandom > file
scp -S "$(command -v bssh)" file "$H:$HOME/one" && scp -O -S "$(command -v bssh)" "$H:$HOME/one" two
echo "put two three" | sftp -S "$(command -v bssh)" -b - "$H:$HOME" > /dev/null
for copy in one two three; do cmp file $copy && echo same; done; sort "$RECORD" | uniq -c | tr -s ' '`);
    expect(err).toBe("");
    expect(out).toEqual(["same", "same", "same", " 3 dialled"]);
  });

  test("git clones and pushes", () => {
    const { out, err } = inside(`
export GIT_SSH="$(command -v bssh)" GIT_SSH_VARIANT=ssh GIT_CONFIG_GLOBAL=/dev/null
git init -q --bare -b main there.git && git clone -q "ssh://$H$HOME/there.git" here 2> /dev/null && cd here
git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && git push -q origin HEAD:main && git -C ../there.git log --format=%s main
sort "$RECORD" | uniq -c | tr -s ' '`);
    expect(err).toBe("");
    expect(out).toEqual(["first", " 2 dialled"]);
  });

  test("a forwarded port reaches the server behind it", () => {
    const { out, err } = inside(`
PORT=$(sed -n 's/^ *Port //p' "$BSSH_SSH_CONFIG" | head -1)
bssh -N -L "$HOME/door:127.0.0.1:$PORT" "$H" & FORWARD=$!
for _ in $(seq 200); do [ -S door ] && break; sleep 0.05; done
"$BUN" -e 'await new Promise((end) => Bun.connect({ unix: "door", socket: { data(socket, bytes) { console.log(String(bytes).slice(0, 8)); socket.end(); end(0); } } }))'
kill $FORWARD; wait $FORWARD; cat "$RECORD"`);
    expect(err).toBe("");
    expect(out).toEqual(["SSH-2.0-", "dialled"]);
  });

  test("a port where nobody listens and a name that nobody knows are said as ssh says them, with 255", () => {
    const { out, err } = inside(`
bssh -p 1 "$H" true; echo $?
bssh -o HostName=nowhere.invalid "$H" true; echo $?; cat "$RECORD"`);
    const lines = err.split("\n");
    expect(lines.filter((line) => line.startsWith("bssh: "))).toEqual([
      expect.stringMatching(/^bssh: connect to host 127\.0\.0\.1 port 1: Connection refused$/),
      expect.stringMatching(/^bssh: could not resolve hostname nowhere\.invalid: /i),
    ]);
    expect(out).toEqual(["255", "255", "dialled", "dialled"]);
  });

  test("ssh connects by itself where something typed or configured speaks against the dialer", () => {
    const { out, err } = inside(`
bssh -4 "$H" true; bssh -o ConnectTimeout=9 "$H" true; bssh -o ProxyCommand=none "$H" true; bssh -q "$H" true
printf 'Host unrelated\\n  BindAddress 127.0.0.1\\n' >> "$BSSH_SSH_CONFIG"; bssh "$H" true
sort "$RECORD" | uniq -c | tr -s ' '`);
    expect(err).toBe("");
    expect(out).toEqual([" 5 plain"]);
  });

  test("a host that is not ours is left to ssh", () => {
    const { out } = inside(`bssh elsewhere.invalid true; echo $?; cat "$RECORD"`);
    expect(out).toEqual(["255", "plain"]);
  });
});
