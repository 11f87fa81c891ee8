// promise (issue 4, 6): a server gets certificates for its own keys by proving who it is, sshd shows them, and whatever goes wrong
// changes nothing. The server is an sshd of its own beside the sandbox's, with the role and the metadata service of the sandbox.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../src/sandbox/sshd.ts";
import { misfits, type Schema } from "../scenarios/schema.ts";
import { type Inside, inside } from "./inside.ts";

/** Everything that a server has, in $S; `host WORD…` is bssh host there, `client ALIAS` a person's ssh to it. */
const SERVER = String.raw`
S=$BSSH_SANDBOX/server
mkdir -p $S/sshd_config.d
ssh-keygen -q -t ed25519 -N '' -f $S/ssh_host_ed25519_key
ssh-keygen -q -t ecdsa -N '' -f $S/ssh_host_ecdsa_key
C=$S/sshd_config
{ printf 'Include %s/sshd_config.d/*.conf\nPort %s\nPidFile %s/pid\n' $S $P $S
  printf 'HostKey %s/ssh_host_ed25519_key\nHostKey %s/ssh_host_ecdsa_key\n' $S $S
  grep -vE '^(Port|PidFile|HostKey|HostCertificate) ' $BSSH_SANDBOX/sshd/config; } > $C
SSHD=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v sshd)
$SSHD -f $C -E $S/log
trap 'kill $(cat $S/pid)' EXIT
CA=$(cut -d' ' -f3- $HOME/.ssh/known_hosts)
account=$(sed -n 's/^account_id = "\(.*\)"$/\1/p' $BSSH_CONFIG)
{ sed '/^\[lambda\]/,$d' $BSSH_CONFIG
  printf '[hosts]\nca_keys = ["%s"]\npatterns = ["*.sandbox.test"]\n' "$CA"
  printf '[host]\nfunction = "%s:function:bless-host"\n' $account
  sed -n '/^\[lambda\]/,$p' $BSSH_CONFIG; } > $S/bssh.toml
as_host() { ( . $BSSH_SANDBOX_HOST_ENV; BSSH_CONFIG=$S/bssh.toml; export BSSH_CONFIG; "$@" ); }
host() { word=$1; shift; as_host bssh host $word --sshd-config $C "$@"; }
client() { ssh -o HostKeyAlias=$1 -o Port=$P -o StrictHostKeyChecking=yes -o UserKnownHostsFile=$S/known \
  -o GlobalKnownHostsFile=/dev/null -o HostKeyAlgorithms=$2-cert-v01@openssh.com,$2 web1.sandbox.test echo in 2>&1 | tr -d '\r'; }
state() { cat $S/*-cert.pub $S/sshd_config.d/* 2>&1; ls -lA $S $S/sshd_config.d | grep -v -e ' log$' -e ' state' -e .lock -e ^total; }
served() { ssh-keyscan -c -t ed25519,ecdsa -p $P 127.0.0.1 2>/dev/null | grep -o 'AAAA.*' | sort | cmp - $S/state-own; }
own() { cut -d' ' -f2 $S/*-cert.pub | sort > $S/state-own; }
asked() { grep -c Invoke $BSSH_SANDBOX_LOG; }
`;

/** Runs a script on a server in a fresh sandbox. */
async function onServer(script: string): Promise<Inside> {
  return inside(`P=${await freePort()}\n${SERVER}\n${script}`);
}

const AUTHORITY = "printf '@cert-authority *.sandbox.test %s\\n' \"$CA\" > $S/known";

describe("a server", () => {
  test("tells its state in JSON that fits docs/host-status.schema.json, without and with a certificate", async () => {
    const { out } = await onServer(
      "host status --json; host enroll >/dev/null; host status --json; host status --json --sshd /no",
    );
    const file = join(import.meta.dir, "../../docs/host-status.schema.json");
    const schema = JSON.parse(readFileSync(file, "utf8")) as Schema;
    const said = out.filter((line) => line !== "").map((line) => JSON.parse(line) as { state: string });
    expect(said.flatMap((value) => misfits(value, schema))).toEqual([]);
    expect(said.map(({ state }) => state)).toEqual(["none", "valid", "wrong"]);
  }, 60_000);

  test("that enrols is known to everybody who trusts its CA, without a question, and renews", async () => {
    const { out, err } = await onServer(`
      ${AUTHORITY}
      bssh login
      host status > $S/state-text; echo "status $?"
      client web1.sandbox.test ssh-ed25519 | tail -1
      host enroll --names web1.sandbox.test,web2.sandbox.test > $S/state-text; echo "enrolled $?"
      sed 's/,.*//' $S/state-text
      for kind in ssh-ed25519 ecdsa-sha2-nistp256; do client web1.sandbox.test $kind; done
      client db1.sandbox.test ssh-ed25519 | grep -c 'Host key verification failed'
      : > $S/known
      client web1.sandbox.test ssh-ed25519 | grep -c 'Host key verification failed'
      ${AUTHORITY}
      own; served && echo served
      before=$(asked); state > $S/state-1
      host renew --names web1.sandbox.test,web2.sandbox.test; echo "renewed $?"
      state | diff - $S/state-1 && echo unchanged; echo $(($(asked) - before)) asked
      host status --json | grep -o '"state":"[a-z]*"'
      host renew --force; echo "forced $?"
      own; served && echo served; client bastion.sandbox.test ssh-ed25519
      for key in $S/ssh_host_*_key; do ssh-keygen -L -f $key-cert.pub | grep -c -e 'host certificate' -e 'bastion.sandbox.test'; done
      rm $S/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f $S/ssh_host_ed25519_key
      host renew; echo "another key $?"
      own; served && echo served; client web1.sandbox.test ssh-ed25519
      tail -1 $BSSH_SANDBOX/ca.log | grep -o '"proof":"[a-z-]*"'
    `);
    expect(err).toBe("");
    expect(out).toEqual([
      "status 2",
      "Host key verification failed.",
      "enrolled 0",
      "ssh-ed25519: web1.sandbox.test",
      "ecdsa-sha2-nistp256: web1.sandbox.test",
      "in",
      "in",
      "1",
      "1",
      "served",
      "renewed 0",
      "unchanged",
      "0 asked",
      '"state":"valid"',
      "forced 0",
      "served",
      "in",
      "2",
      "2",
      "another key 0",
      "served",
      "in",
      '"proof":"caller-identity"',
    ]);
  });

  test("gets no other's names, and keeps what it has when CA or metadata service is down", async () => {
    const { out, err } = await onServer(`
      host enroll --names google.test; echo "first $?"
      ls $S $S/sshd_config.d | grep -c -e cert -e 50-bssh
      host enroll --no-timer | wc -l
      state > $S/state-1
      for names in web1.sandbox.test,google.test '*.sandbox.test' ''; do
        host enroll --names "$names"; echo "others $?"
      done
      as_host env AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9 bssh host renew --force --sshd-config $C
      echo "no metadata $?"
      as_host env AWS_ENDPOINT_URL=http://127.0.0.1:9 bssh host renew --force --sshd-config $C; echo "no CA $?"
      as_host env AWS_ENDPOINT_URL=http://127.0.0.1:9 bssh host renew --sshd-config $C; echo "nothing to do $?"
      cp $S/bssh.toml $BSSH_SANDBOX/right.toml
      sed 's/:bless-host"/:bless-hosts"/' $BSSH_SANDBOX/right.toml > $S/bssh.toml; host renew --force; echo "no function $?"
      ssh-keygen -q -t ed25519 -N '' -f $BSSH_SANDBOX/other; other=$(cut -d' ' -f1,2 $BSSH_SANDBOX/other.pub)
      sed "/^\\[hosts\\]/,/^\\[host\\]/s|^ca_keys.*|ca_keys = [\\"$other\\"]|" $BSSH_SANDBOX/right.toml > $S/bssh.toml
      host renew; echo "other CA $?"
      cp $BSSH_SANDBOX/right.toml $S/bssh.toml
      state | sed '/bssh.toml/d' > $S/state-2; sed '/bssh.toml/d' $S/state-1 | cmp - $S/state-2 && echo unchanged
      own; served && echo served
    `);
    expect(out).toEqual([
      ...["first 1", "0", "2", "others 1", "others 64", "others 64"],
      ...["no metadata 1", "no CA 1", "nothing to do 0", "no function 1", "other CA 1", "unchanged", "served"],
    ]);
    const said = err.replace(/ \(what is there is valid until [\d-]+T[\d:]+Z\)/g, " (kept)").trim();
    expect(said.split("\n").filter((line) => !/; trying us-west-2$/.test(line))).toEqual([
      expect.stringMatching(
        /^bssh: the CA in us-east-1 gives this host no certificate: The policy does not give this host the name google.test; /,
      ),
      expect.stringMatching(
        /^bssh: the CA in us-east-1 gives this host no certificate: The policy does not give this host the name google.test; /,
      ),
      expect.stringMatching(/^bssh: --names has a name that holds other characters/),
      expect.stringMatching(/^bssh: --names has a name that is empty; /),
      expect.stringMatching(/^bssh: this machine has no AWS credentials: .* \(kept\); /),
      expect.stringMatching(
        /^bssh: no region gave a certificate: Lambda in us-west-2 refuses the connection \(kept\); /,
      ),
      expect.stringMatching(/^bssh: .*bless-hosts in us-east-1.* \(kept\); /),
      expect.stringMatching(
        /^bssh: the certificate is signed by SHA256:\S+, which ca_keys in \[hosts\] doesn't name \(kept\); nothing was changed: /,
      ),
    ]);
  });

  test("whose sshd doesn't take the config, or whose disk is full, has everything as it was", async () => {
    const { out, err } = await onServer(`
      printf '#!/bin/sh\ncase "$*" in *HostCertificate=*) ;; "-t "*) echo "line 3: no" >&2; exit 255;; esac\nexec %s "$@"\n' \
        $SSHD > $BSSH_SANDBOX/fussy; chmod 755 $BSSH_SANDBOX/fussy
      state > $S/state-0
      host enroll --sshd $BSSH_SANDBOX/fussy; echo "first $?"
      state | diff - $S/state-0 && echo "as it was"
      printf '# an administrator wrote this\n' > $S/sshd_config.d/50-bssh-host.conf; chmod 640 $S/sshd_config.d/50-bssh-host.conf
      printf 'strange\n' > $S/ssh_host_ecdsa_key-cert.pub; chmod 604 $S/ssh_host_ecdsa_key-cert.pub
      state > $S/state-1
      host enroll --sshd $BSSH_SANDBOX/fussy; echo "with others' files $?"
      inject() { as_host strace -f -qq -o /dev/null -e trace=$1 -e inject=$1:error=$2:when=$3 bssh host enroll --sshd-config $C; echo "$2 $?"; }
      inject fsync ENOSPC 1; inject fsync ENOSPC 3; inject rename EROFS 1; inject rename EROFS 2; inject rename EROFS 3; inject link ENOSPC 2
      inject flock EAGAIN 1
      state | diff - $S/state-1 && echo "as it was"
      grep -c SIGHUP $S/log
      sed -i /Include/d $C; state > $S/state-2
      host enroll; echo "no Include $?"
      state | diff - $S/state-2 && echo "as it was"
      host status --json | grep -o '"state":"[a-z]*"'
      echo Bogus >> $C; host enroll; echo "broken $?"; host status; echo "broken $?"
    `);
    expect(out).toEqual([
      ...["first 1", "as it was", "with others' files 1", "ENOSPC 1", "ENOSPC 1", "EROFS 1", "EROFS 1", "EROFS 1"],
      ...["ENOSPC 1", "EAGAIN 1", "as it was", "0", "no Include 1", "as it was", '"state":"none"', "broken 1"],
      expect.stringMatching(/^set-up is wrong: sshd doesn't take its config: /),
      "broken 3",
    ]);
    expect(
      err
        .trim()
        .split("\n")
        .map((line) => line.replace(/\/\S+\//g, "")),
    ).toEqual([
      ...Array(2).fill("bssh: sshd doesn't take its config with the certificate, and all is as it was: line 3: no"),
      "bssh: could not write ssh_host_ed25519_key-cert.pub: the disk is full; make room and try again",
      "bssh: could not write 50-bssh-host.conf: the disk is full; make room and try again",
      "bssh: could not write ssh_host_ed25519_key-cert.pub: the file system is read-only; make it writable and try again",
      "bssh: could not write ssh_host_ecdsa_key-cert.pub: the file system is read-only; make it writable and try again",
      "bssh: could not write 50-bssh-host.conf: the file system is read-only; make it writable and try again",
      "bssh: could not write 50-bssh-host.conf: the disk is full; make room and try again",
      "bssh: another bssh host is at work for this sshd; try again in a minute",
      "bssh: sshd_config includes no folder that 50-bssh-host.conf could lie in, and nothing was changed; make its first line: Include *.conf",
      expect.stringMatching(/^bssh: sshd doesn't take its config: .*Bogus/),
    ]);
  });

  test("on which bssh is killed anywhere has a config that sshd takes, which the next renewal makes whole", async () => {
    const { out, err } = await onServer(`
      kill_at() {
        as_host strace -f -qq -o /dev/null -e trace=$2 -e inject=$2:signal=KILL:when=$3 bssh host $1 --sshd-config $C $4; status=$?
        test $status = 137 || echo "$* ended with $status"
        $SSHD -t -f $C 2>&1 | sed "s/^/$*: /"
        host renew || echo "$*: renew ended with $?"
        host status > $S/state-text || cat $S/state-text
        own; served || echo "$*: not served"
        ls -A $S $S/sshd_config.d | grep '^\\..*bssh' | grep -v lock
        $SSHD -T -f $C | grep -c '^hostcertificate' | grep -v 2
      }
      for point in rename:2 rename:3 unlink:2 ftruncate:1; do
        rm -f $S/*-cert.pub $S/sshd_config.d/*
        kill_at enroll \${point%:*} \${point#*:}
      done
      for point in rename:2 ftruncate:2; do kill_at renew \${point%:*} \${point#*:} --force; done
      host renew --force 2> /dev/null & host renew --force 2> /dev/null; wait $!
      own; served || echo "two at once: not served"
      host status > $S/state-text || cat $S/state-text
      echo done
    `);
    expect([out, err.replace(/^Killed\n/gm, "")]).toEqual([["done"], ""]);
  });
});

/** An sshd that takes no config of the machine's, should anybody ask it to. */
const GUARDED = String.raw`
G=$BSSH_SANDBOX/guarded; REAL=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v sshd)
printf '#!/bin/sh\ncase "$*" in */etc/*) exit 1;; esac\nexec %s "$@"\n' $REAL >$G; chmod +x $G
guarded() { ( . $BSSH_SANDBOX_HOST_ENV; word=$1; shift; bssh host $word --sshd $G "$@" 2>&1 ); }
`;

describe("in a sandbox bssh host", () => {
  test("is about the sandbox's own sshd, without a timer, and never about the machine's", async () => {
    const { out } = inside(String.raw`cd "$BSSH_SANDBOX"; ${GUARDED}
      printf '[hosts]\nca_keys = ["%s"]\npatterns = ["*.sandbox.test"]\n' "$(cut -d' ' -f3- $HOME/.ssh/known_hosts)" >lines
      grep -q '^.hosts' $BSSH_SANDBOX/sshd/bssh.toml || cat lines >>$BSSH_SANDBOX/sshd/bssh.toml
      ls -A /etc/ssh /etc/ssh/sshd_config.d >before
      guarded enroll --no-reload | cut -d: -f1; guarded status | sed -n 's/ *valid until.*/ valid/p'
      ls $BSSH_SANDBOX/sshd | grep -- -cert.pub | wc -l
      for config in /etc/ssh/sshd_config $BSSH_SANDBOX/../../etc/ssh/sshd_config; do
        for word in enroll renew status; do guarded $word --sshd-config $config | sed 's/ (BSSH.*//'; done
      done
      sed 's|^HostKey .*|HostKey /etc/ssh/ssh_host_ed25519_key|' $BSSH_SANDBOX/sshd/config >other
      guarded enroll --sshd-config $PWD/other | sed 's/ (BSSH.*//'
      ls -A /etc/ssh /etc/ssh/sshd_config.d | cmp - before && echo same`);
    const refused = "is the machine's own, and this is a sandbox";
    const machines = `bssh: /etc/ssh/sshd_config ${refused}`;
    const wrong = `set-up is wrong: /etc/ssh/sshd_config ${refused}`;
    expect(out).toEqual([
      "ssh-ed25519",
      "ssh-ed25519 valid",
      "1",
      ...[machines, machines, wrong, machines, machines, wrong],
      `bssh: /etc/ssh/ssh_host_ed25519_key ${refused}`,
      "same",
    ]);
  });
});
