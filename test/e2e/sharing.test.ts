// promise: shared connections are private, and a certificate never comes in over the connection of an earlier one
import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");

/** Runs a shell script in a fresh sandbox with `share_connections = true`; `logins` counts what sshd accepted so far. */
function inside(script: string): { out: string[]; err: string } {
  const prelude = [
    `cd "$HOME"`,
    `printf 'share_connections = true\\n' | cat - "$BSSH_CONFIG" > config && cat config > "$BSSH_CONFIG"`,
    `H=\${BSSH_SANDBOX_HOSTS%% *}`,
    `SHARE="$BSSH_HOME/state/share"`,
    `logins() { grep -c '^Accepted publickey' "$BSSH_SANDBOX/sshd/log"; }`,
    `end() { for socket in "$SHARE"/*; do [ -S "$socket" ] && ssh -O exit -S "$socket" "$H" 2> /dev/null; done; }`,
    `trap end EXIT`,
  ];
  const { stdout, stderr } = Bun.spawnSync([bssh, "sandbox", "--", "sh", "-c", `${prelude.join("\n")}\n${script}`], {
    stdin: "ignore",
    // A socket's path has a limit, which a longer folder for the sandbox would reach.
    env: { ...process.env, TERM: "dumb", TMPDIR: "/tmp" },
  });
  return { out: stdout.toString().trimEnd().split("\n"), err: stderr.toString() };
}

describe("with share_connections = true", () => {
  test("a second login is let in over the first one's connection, with its own input, output and status", () => {
    const { out, err } = inside(
      `bssh "$H" echo first; logins; echo there | bssh "$H" 'cat; exit 7'; echo $?; logins; ls "$SHARE" | wc -l`,
    );
    expect(err).toBe("");
    expect(out.map((line) => line.trim())).toEqual(["first", "1", "there", "7", "1", "1"]);
  });

  test("a renewed certificate makes a connection of its own", () => {
    const { out, err } = inside(`bssh "$H" true; bssh login --force; bssh "$H" true; logins; bssh "$H" true; logins`);
    expect(err).toBe("");
    expect(out).toEqual(["2", "2"]);
  });

  test("the sockets are in a folder that is the user's alone", () => {
    const { out } = inside(`bssh "$H" true; ls -ld "$SHARE" | cut -c1-10; ls -l "$SHARE" | sed 1d | cut -c1-10`);
    expect(out).toEqual(["drwx------", "srw-------"]);
  });

  test("a login that would be another one makes its own connection, and leaves none behind", () => {
    const { out, err } = inside(
      `bssh -A "$H" true; bssh -L "$HOME/door:127.0.0.1:1" "$H" true; bssh -o Compression=yes "$H" true; logins; ls "$SHARE" | wc -l`,
    );
    expect(err).toBe("");
    expect(out.map((line) => line.trim())).toEqual(["3", "0"]);
  });

  test("a shared connection that was killed is replaced, without a word", () => {
    const { out, err } = inside(
      `bssh "$H" true; ssh -O check -S "$(echo "$SHARE"/*)" "$H" 2>&1 | tr -dc 0-9 > pid; kill -9 "$(cat pid)"; bssh "$H" echo again; logins`,
    );
    expect(err).toBe("");
    expect(out).toEqual(["again", "2"]);
  });
});
