import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { leftAfter, makeGround, openWorkshop, runBssh, type Workshop } from "./support.ts";

let shop: Workshop;
let ground: string;
beforeAll(() => {
  shop = openWorkshop();
  ground = makeGround(shop);
});
afterAll(() => shop.close());

const inside = (script: string, words: readonly string[] = [], before: readonly string[] = []) =>
  runBssh(shop, ["sandbox", ...words, "--", "sh", "-c", script], { TMPDIR: ground }, before);

describe("the sandbox's sshd", () => {
  test("lets the person in, as themselves, with a certificate of the CA for the IAM user", async () => {
    const { status, out, err } = await inside(
      'bssh certificate; ssh -i $HOME/.ssh/blessid web1.sandbox.test "id -un; exit 52"',
    );
    expect([status, out, err]).toEqual([52, `${Bun.spawnSync(["id", "-un"]).stdout.toString().trim()}\n`, ""]);
  });

  test("refuses a plain key, a certificate of another CA and one with another principal", async () => {
    const { out } = await inside(`
      keygen() { ssh-keygen -q "$@"; }
      keygen -t ed25519 -N '' -f $HOME/key && keygen -t ed25519 -N '' -f $HOME/ca
      ssh -o BatchMode=yes -i $HOME/key web1.sandbox.test echo in; echo plain $?
      keygen -s $HOME/ca -I other -n alice -V +5m $HOME/key.pub
      ssh -o BatchMode=yes -i $HOME/key web1.sandbox.test echo in; echo other CA $?
      bssh certificate
      echo mallory >$BSSH_SANDBOX/sshd/principals
      ssh -o BatchMode=yes -i $HOME/.ssh/blessid web1.sandbox.test echo in; echo principal $?`);
    expect(out).toBe("plain 255\nother CA 255\nprincipal 255\n");
  });

  test("serves every host name, scp, sftp, a jump and the agent; the host key is known beforehand", async () => {
    const { out, err } = await inside(`
      bssh certificate; ssh-add -q $HOME/.ssh/blessid
      for host in $BSSH_SANDBOX_HOSTS 127.0.0.1; do ssh $host echo $host; done
      ssh -J bastion.sandbox.test db1.sandbox.test 'read -r line; echo $line'<<END
over the bastion
END
      echo text >$HOME/one; scp -q $HOME/one web1.sandbox.test:$HOME/two && cat $HOME/two
      scp -q -O $HOME/one web1.sandbox.test:$HOME/three && cat $HOME/three
      echo "put $HOME/one $HOME/four" | sftp -q -b - web2.sandbox.test >/dev/null && cat $HOME/four
      ssh -F /dev/null -o BatchMode=yes web1.sandbox.test true 2>/dev/null || echo -F is the caller\\'s`);
    expect(err.replace(/^.*pseudo-terminal.*\n/i, "")).toBe("");
    expect(out).toBe(
      "web1.sandbox.test\nweb2.sandbox.test\ndb1.sandbox.test\nbastion.sandbox.test\n127.0.0.1\nover the bastion\ntext\ntext\ntext\n-F is the caller's\n",
    );
  });

  test("takes more logins at once than sshd does by default", async () => {
    const { out } = await inside(`
      bssh certificate
      for count in $(seq 20); do ssh -o LogLevel=ERROR -i $HOME/.ssh/blessid -s web1.sandbox.test sftp </dev/null && echo in & done; wait`);
    expect(out.split("\n").filter((line) => line === "in").length).toBe(20);
  });

  test("does not name identity files in its ssh_config, so that nothing stands before bssh's own", async () => {
    expect((await inside("cat $BSSH_SSH_CONFIG")).out).not.toMatch(/identity/i);
  });

  test("trusts the certificate of --user, and only for --cert-seconds", async () => {
    const { status, out } = await inside(
      "bssh certificate bob; ssh-keygen -Lf $HOME/.ssh/blessid-cert.pub; ssh -i $HOME/.ssh/blessid web1.sandbox.test exit 52",
      ["--user", "bob", "--cert-seconds", "600"],
    );
    expect(status).toBe(52);
    expect(out).toMatch(/Principals: *\n *bob\n/);
    const [, from = "", to = ""] = /from (\S+) to (\S+)/.exec(out) ?? [];
    const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(600);
    expect(seconds).toBeLessThanOrEqual(1200);
  });
});

test("an ordinary user has a sandbox as well as root", async () => {
  // As root, somebody else is looked for: somebody with a shell if there is one, for whom sshd can run a command.
  const { before, name, hasShell } = ordinaryUser();
  const script = `id -u; bssh certificate; echo text >$HOME/one
    echo "put $HOME/one $HOME/two" | sftp -q -i $HOME/.ssh/blessid -b - web1.sandbox.test >/dev/null && cat $HOME/two
    ${hasShell ? "ssh -i $HOME/.ssh/blessid web1.sandbox.test 'id -un; exit 52'" : `echo ${name}; exit 52`}`;
  const { status, out, err } = await inside(script, [], before);
  const [uid, ...lines] = out.trim().split("\n");
  expect([status, ...lines, err.replace(/^Could not chdir.*\n/gm, "")]).toEqual([52, "text", name, ""]);
  expect(Number(uid)).toBeGreaterThan(0);
  expect(await leftAfter(5, ground)).toEqual([]);
});

function ordinaryUser(): { before: string[]; name: string; hasShell: boolean } {
  const own = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
  if (process.getuid?.() !== 0) return { before: [], name: own, hasShell: true };
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([, , id]) => id !== undefined && id !== "0");
  const hasShell = (user: string[]) => /\/(ba|da|z|k|a)?sh$/.test(user[6] ?? "");
  const found = users.find(hasShell) ?? users.find(([name]) => name === "nobody");
  const [name = "", , id = "", group = ""] = found ?? [];
  const before = ["setpriv", `--reuid=${id}`, `--regid=${group}`, "--clear-groups"];
  return { before, name, hasShell: found !== undefined && hasShell(found) };
}
