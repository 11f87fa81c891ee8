// promise: what bssh ca revokes a real sshd refuses at the next login; a passphrase is asked on the terminal; a kill loses nothing
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRevocations } from "../../src/ca/revocations.ts";
import { OPTIONS as PUBLIC_KEY } from "../../src/commands/ca/public-key.ts";
import { OPTIONS as REVOKE } from "../../src/commands/ca/revoke.ts";
import { OPTIONS as SIGN } from "../../src/commands/ca/sign.ts";
import { OPTIONS as TRACE } from "../../src/commands/ca/trace.ts";
import { CA_WORDS } from "../../src/commands/ca.ts";
import { openPty } from "../terminal/pty.ts";
import { bssh, inside } from "./inside.ts";

let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-ca-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = () => ({ ...process.env, HOME: folder, BSSH_HOME: path("bssh") });
function run(...words: string[]): { status: number; out: string; err: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([bssh, "ca", ...words], {
    env: environment(),
    cwd: folder,
    stdin: "ignore",
  });
  return { status: exitCode, out: stdout.toString(), err: stderr.toString() };
}
const keygen = (...words: string[]) => Bun.spawnSync(["ssh-keygen", "-q", ...words], { cwd: folder });

test("a real sshd refuses certificates that are still valid: by serial, key, key id and person", () => {
  const { out, err } = inside(`
    cd $HOME; kinds='serial key keyid person'
    for name in ca $kinds; do ssh-keygen -q -t ed25519 -N '' -f $name; done
    for name in $kinds; do bssh ca sign --key ca --principals alice --user user-$name $name.pub >signed || echo not signed; done
    bssh ca sign --key ca --principals alice --user USER-person --out person2-cert.pub person.pub >signed
    cat ca.pub >>$BSSH_SANDBOX/sshd/ca.pub; cp person.pub person2.pub; cp person person2
    logins() {
      said=''; round=$1; shift
      for name; do
        ssh -o BatchMode=yes -o IdentitiesOnly=yes -o CertificateFile=$HOME/$name-cert.pub -i $HOME/$name web1.sandbox.test true 2>>ssh.log &&
          said="$said $name"
      done
      echo "$round:$said"
    }
    revoke() { bssh ca revoke --file list.json --krl $BSSH_SANDBOX/sshd/revoked "$@" >said || echo failed; }
    serial=$(ssh-keygen -Lf serial-cert.pub | sed -n 's/.*Serial: //p')
    id=$(ssh-keygen -Lf keyid-cert.pub | sed -n 's/.*Key ID: "\\(.*\\)"/\\1/p')
    revoke --serial 1; logins before $kinds person2
    revoke --serial $serial --ca-key ca.pub; logins serial serial key
    revoke --key key.pub; logins key key keyid
    revoke --key-id "$id"; logins keyid keyid person
    revoke --person user-person --log ca-log.jsonl; logins person serial person person2
    bssh ca trace $serial --ca-log ca-log.jsonl | grep -c '^  decision'`);
  expect(err).toBe("");
  expect(out).toEqual([
    "before: serial key keyid person person2",
    "serial: key",
    "key: keyid",
    "keyid: person",
    "person:",
    "1",
  ]);
});

test("a certificate that was signed by hand, without a network where that can be had, lets in, and trace finds its logins", () => {
  const { out, err } = inside(`
    cd $HOME
    ssh-keygen -q -t ed25519 -N '' -f ca; ssh-keygen -q -t ed25519 -N '' -f alice; cat ca.pub >>$BSSH_SANDBOX/sshd/ca.pub
    alone=$(unshare -rn true 2>/dev/null && echo unshare -rn)
    $alone env -i HOME=$HOME PATH=$PATH bssh ca sign --key ca --principals alice --source-address 127.0.0.1 alice.pub >signed
    ssh -i alice web1.sandbox.test echo in
    serial=$(sed -n 's/.*serial \\([0-9]*\\);.*/\\1/p' signed)
    bssh ca trace alice-cert.pub --ca-log ca-log.jsonl >by-file; bssh ca trace $serial --ca-log ca-log.jsonl >by-serial
    echo $?; cmp by-file by-serial && grep -c 'Accepted publickey' by-serial
    bssh ca sign --key ca --principals alice --source-address 192.0.2.1 alice.pub >signed
    ssh -o BatchMode=yes -i alice web1.sandbox.test echo in 2>/dev/null; echo $?`);
  expect(err).toBe("");
  expect(out).toEqual(["in", "1", "1", "255"]);
});

test("in a sandbox trace knows all three logs, and who is revoked there is out", () => {
  const { out, err } = inside(`
    cd $HOME; bssh web1.sandbox.test echo in
    serial=$(ssh-keygen -Lf .ssh/blessid-cert.pub | sed -n 's/.*Serial: //p')
    bssh ca trace $serial >traced; echo $?
    sed -n 's/^[0-9(].*  \\([a-zA-Z]*\\)$/\\1/p' traced | uniq
    bssh ca revoke --file list.json --krl $BSSH_SANDBOX/sshd/revoked --person alice --log $BSSH_SANDBOX/ca.log >said
    grep -c "^serial $serial of alice, .* is revoked$" said
    ssh -o BatchMode=yes -i .ssh/blessid web1.sandbox.test echo in 2>/dev/null; echo $?`);
  expect(err).toBe("");
  expect(out).toEqual(["in", "0", "CA", "client", "sshd", "1", "255"]);
});

test("the passphrase is asked on the terminal, unseen, again when it is wrong, and nobody else's", async () => {
  keygen("-t", "ed25519", "-a", "4", "-N", "open sesame", "-f", "locked");
  keygen("-t", "ed25519", "-N", "", "-f", "alice");
  const command = `cd ${folder}; ${bssh} ca sign --key locked --principals alice alice.pub </dev/null >signed 2>said; echo status $?`;
  const pty = openPty(command, { HOME: folder, BSSH_HOME: path("bssh") });
  await pty.until("passphrase for locked: ");
  await pty.untilEcho(false);
  pty.type("close sesame\n");
  await pty.until("that passphrase is wrong; next passphrase for locked: ");
  await pty.untilEcho(false);
  pty.type("open sesame\n");
  expect(await pty.end()).toBe(0);
  expect(pty.screen()).toEqual(["status 0"]);
  expect(pty.output()).not.toContain("sesame");
  expect(readFileSync(path("said"), "utf8")).toBe("");
  expect(readFileSync(path("signed"), "utf8")).toStartWith("alice-cert.pub\n");
  const { status, err } = run("sign", "--key", "locked", "--passphrase-file", "-", "--principals", "a", "alice.pub");
  expect([status, err.includes("needs its passphrase")]).toEqual([1, true]);
});

test("the list keeps every entry that was confirmed, whenever it is killed and however many add at once", async () => {
  const confirmed: string[] = [];
  for (let round = 1; round <= 12; round++) {
    const children = [0, 1].map((which) => {
      const serial = `${round * 10 + which}`;
      const words = [bssh, "ca", "revoke", "--file", "killed.json", "--serial", serial];
      return { serial, child: Bun.spawn(words, { env: environment(), cwd: folder, stdout: "pipe", stderr: "pipe" }) };
    });
    // Each round is killed at another point of its life; the last ones live.
    if (round <= 9) {
      await Bun.sleep(round * 5);
      for (const { child } of children) child.kill("SIGKILL");
    }
    for (const { serial, child } of children) {
      const said = await new Response(child.stdout).text();
      await child.exited;
      if (said.includes("next: ")) confirmed.push(serial);
    }
    const text = confirmed.length === 0 ? null : readFileSync(path("killed.json"), "utf8");
    const values = text === null ? [] : parseRevocations(text).list.map(({ value }) => value);
    expect(confirmed.filter((serial) => !values.includes(serial))).toEqual([]);
  }
  expect(confirmed.length).toBeGreaterThanOrEqual(6);
});

test("twelve who revoke at once, each with a home of their own, lose no entry", async () => {
  const serials = Array.from({ length: 12 }, (_, at) => `${at + 1}`);
  const children = serials.map((serial) =>
    Bun.spawn([bssh, "ca", "revoke", "--file", "many.json", "--serial", serial], {
      env: { ...environment(), BSSH_HOME: path(`home${serial}`) },
      cwd: folder,
      stdout: "ignore",
      stderr: "ignore",
    }),
  );
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual(serials.map(() => 0));
  const { list } = parseRevocations(readFileSync(path("many.json"), "utf8"));
  expect(list.map(({ value }) => Number(value)).sort((left, right) => left - right)).toEqual(serials.map(Number));
});

test("every word has a help with its usage, its options and no others, and an example", () => {
  const options: Readonly<Record<string, object>> = {
    "public-key": PUBLIC_KEY,
    revoke: REVOKE,
    sign: SIGN,
    trace: TRACE,
  };
  for (const [name, table] of Object.entries(options)) {
    const entry = CA_WORDS[name];
    const { status, out, err } = run(name, "--help");
    expect([status, err]).toEqual([0, ""]);
    expect(out).toStartWith(`Usage: bssh ca ${name} ${entry?.usage}\n\n${entry?.summary}.\n`);
    expect(out).toContain(`$ bssh ca ${name} `);
    const documented = new Set([...out.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, option]) => option ?? ""));
    expect([...documented].sort()).toEqual(Object.keys(table).sort());
  }
  expect(run("revok")).toEqual({
    status: 64,
    out: "",
    err: "bssh: bssh ca has no word revok; did you mean bssh ca revoke?\n",
  });
  expect(run("xyz", "--help").status).toBe(64);
  expect(run().status).toBe(64);
});
