// promise: one command, one code, and a real sshd lets the person in with a certificate of our CA
import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";

const bssh = resolve(import.meta.dir, "../../dist/bssh");

/** Runs a shell script inside a fresh sandbox. */
function inside(script: string, options: readonly string[] = []): { status: number; out: string[]; err: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([bssh, "sandbox", ...options, "--", "sh", "-c", script], {
    stdin: "ignore",
    env: { ...process.env, TERM: "dumb" },
  });
  return { status: exitCode, out: stdout.toString().trimEnd().split("\n"), err: stderr.toString() };
}

/** Names of the actions in the sandbox's log so far, in order. */
const ACTIONS = `sed 's/.*"action":"\\([A-Za-z]*\\)".*/\\1/' "$BSSH_SANDBOX_LOG" | tr '\\n' ' '`;

describe("a first login", () => {
  test("exits with the remote command's status, after one question and the fewest calls; a second one asks nobody", () => {
    const { status, out, err } = inside(
      `bssh web1.sandbox.test 'echo in; exit 52'; echo $?; ${ACTIONS}; echo; bssh web1.sandbox.test exit 4; echo $?; ${ACTIONS}; echo; exit 52`,
    );
    expect(err).toBe("");
    expect(status).toBe(52);
    const calls = (out[2] ?? "").trim().split(" ");
    expect(out.slice(0, 2)).toEqual(["in", "52"]);
    expect(calls.slice(0, 2)).toEqual(["GetCallerIdentity", "GetSessionToken"]);
    expect(calls.slice(2, 4).sort()).toEqual(["AssumeRole", "Encrypt"]);
    expect(calls.slice(4)).toEqual(["Invoke"]);
    expect(out[3]).toBe("4");
    expect(out[4]?.trim().split(" ")).toEqual(calls);
  });

  test("asks only the CA when session, token and role are still good", () => {
    const { out, err } = inside(
      // With the second certificate the token becomes one that is bound to the key, as the CA offers.
      `bssh web1.sandbox.test true; bssh login --force; : > "$BSSH_SANDBOX_LOG"; bssh login --force; ${ACTIONS}; bssh web1.sandbox.test exit 3; echo $?`,
    );
    expect(err).toBe("");
    expect(out).toEqual(["Invoke 3"]);
  });

  test("sends Encrypt and AssumeRole side by side", () => {
    const { out } = inside(`bssh web1.sandbox.test true; cat "$BSSH_SANDBOX_LOG"`);
    const records = out.map((line) => JSON.parse(line) as { action: string; time: string });
    const at = (action: string) => Date.parse(records.find((record) => record.action === action)?.time ?? "");
    // Neither waits for the other: both are in before the next step begins, and closer to each other than two round trips.
    expect(Math.abs(at("Encrypt") - at("AssumeRole"))).toBeLessThan(at("Invoke") - at("GetSessionToken"));
    expect(
      records
        .map((record) => record.action)
        .slice(2, 4)
        .sort(),
    ).toEqual(["AssumeRole", "Encrypt"]);
  });
});

describe("the certificate", () => {
  test("is the first and only try, whatever the agent holds", () => {
    const { out, err } = inside(
      `for i in 1 2 3 4 5 6 7 8 9 10; do ssh-keygen -qt ed25519 -N '' -f k$i; ssh-add -q k$i; done
      cd "$HOME"; bssh -v web1.sandbox.test true 2>&1 | grep -c 'Offering public key'; bssh web1.sandbox.test exit 6; echo $?`.replace(
        "k$i; ssh-add -q k$i",
        '"$HOME/k$i"; ssh-add -q "$HOME/k$i"',
      ),
    );
    expect(err).toBe("");
    expect(out).toEqual(["1", "6"]);
  });

  test("takes no other key of the person's away", () => {
    const { out } = inside(
      `for t in ed25519 ecdsa; do ssh-keygen -qt $t -N '' -f "$HOME/.ssh/id_$t"; done
      bssh login; bssh -v -o CertificateFile=none -o PubkeyAcceptedAlgorithms=ssh-ed25519,ecdsa-sha2-nistp256 web1.sandbox.test true 2>&1 |
        sed -n "s|debug1: Offering public key: $HOME/.ssh/\\([a-z0-9_]*\\) .*|\\1|p"`,
    );
    expect(out).toEqual(["blessid", "id_ecdsa", "id_ed25519"]);
  });

  test("is accepted with an rsa key, and with a key that has a passphrase", () => {
    const rsa =
      inside(`printf 'key_type = "rsa"\\n%s' "$(cat "$BSSH_CONFIG")" > "$HOME/c"; cat "$HOME/c" > "$BSSH_CONFIG"
      bssh web1.sandbox.test exit 9; echo $?; ssh-keygen -lf "$HOME/.ssh/blessid" | sed 's/ .*(/ /'`);
    expect(rsa.err).toBe("");
    expect(rsa.out).toEqual(["9", "4096 RSA)"]);
    const locked = inside(`ssh-keygen -qt ed25519 -N secret -f "$HOME/.ssh/blessid"
      printf '#!/bin/sh\\necho secret\\n' > "$HOME/askpass"; chmod +x "$HOME/askpass"
      export SSH_ASKPASS="$HOME/askpass" SSH_ASKPASS_REQUIRE=force
      bssh web1.sandbox.test exit 11; echo $?
      ssh-add -q "$HOME/.ssh/blessid"; export SSH_ASKPASS=/bin/false; bssh web1.sandbox.test exit 12; echo $?`);
    expect(locked.out).toEqual(["11", "12"]);
  });

  test("is what ssh-keygen says it is", () => {
    const { out } = inside(
      `bssh login; ssh-keygen -L -f "$HOME/.ssh/blessid-cert.pub"; readlink "$HOME/.ssh/blessid-cert"`,
    );
    const text = out.join("\n");
    expect(text).toContain("ssh-ed25519-cert-v01@openssh.com user certificate");
    expect(text).toMatch(/Principals: \n\s+alice\n/);
    expect(text).toMatch(/source-address 127\.0\.0\.1\n/);
    expect(out.at(-1)).toBe("blessid-cert.pub");
  });
});

describe("scp and a link named ssh", () => {
  test("a link named ssh in front of PATH is the wrapper and finds the real ssh", () => {
    const { out, err } =
      inside(`mkdir "$HOME/b"; ln -s "$(command -v bssh)" "$HOME/b/ssh"; PATH="$HOME/b:$PATH"; ssh web2.sandbox.test exit 8; echo $?
      ssh status; echo $?`);
    expect(err).toContain("status");
    expect(out).toEqual(["8", "255"]);
  });
});
