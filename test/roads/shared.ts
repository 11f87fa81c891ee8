// Roads that share a connection: ControlMaster, and Ansible, which lives by it.
import { existsSync, readFileSync } from "node:fs";
import type { Column, Road } from "./road.ts";
import type { World } from "./world.ts";

const HOST = "node1.sandbox.test";

/** What a login left, and what it left at AWS's and the agent's, is taken away: only the master is there. */
const FORGET = `rm -rf SANDBOX/home/.ssh/blessid-cert* SANDBOX/bssh/state/cache; ssh-add -qD 2>/dev/null`;

const master = (program: string) => {
  const call = `${program} -o ControlMaster=auto -o ControlPersist=60 -o ControlPath=$PWD/%C ${HOST}`;
  return `${call} true; ${FORGET}; ${call} echo in && ssh -q -O exit -o ControlPath=$PWD/%C ${HOST} 2>/dev/null`;
};

/** The options that Ansible's ssh plugin gives (lib/ansible/plugins/connection/ssh.py). */
const OPTIONS = [
  "-o ControlMaster=auto -o ControlPersist=60s -o KbdInteractiveAuthentication=no",
  "-o PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey -o PasswordAuthentication=no",
  "-o ConnectTimeout=10",
].join(" ");

/** An sshd that isn't root gives a terminal only where devpts gives it the right group (sshpty.c, pty_setowner). */
const withTerminal =
  process.getuid?.() === 0 ||
  !existsSync("/proc/mounts") ||
  /^devpts .*\bgid=/m.test(readFileSync("/proc/mounts", "utf8"))
    ? "-tt"
    : "-T";

/** Fifty at once are many for a small machine: two columns have them. */
const forks = async (_: World, column: Column) => ({
  FORKS: column === "cold with agent" || column === "no terminal" ? "50" : "10",
});
/** So many of them do more than to begin. */
const WORKERS = 4;

/** Tasks at once on as many hosts as there are forks: the home is asked for; workers then put a module there and run it. */
const ansible = (ssh: string, sftp: string, forks = "$FORKS") => `
  task() {
    options="${OPTIONS} -o ControlPath=$PWD/$1.master"
    ${ssh} -C $options $1 "/bin/sh -c 'echo ~ && sleep 0'" >>homes && [ $i -le ${WORKERS} ] &&
    echo "put module $PWD/$1.module" | ${sftp} -qb - -C $options $1 >/dev/null &&
    ${ssh} -C $options ${withTerminal} $1 "/bin/sh -c '/bin/sh $PWD/$1.module && sleep 0'" >>ran
    ssh -F none -q -O exit -o ControlPath=$PWD/$1.master $1 2>/dev/null
  }
  echo 'echo in' >module
  i=0; while [ $i -lt ${forks} ]; do i=$((i+1)); task node$i.sandbox.test & done; wait
  [ $(wc -l <homes) -eq ${forks} ] && tr -d '\\r' <ran`;

const WORKED = "in\n".repeat(WORKERS);

/** Waiting for another's question is told of after two seconds, and so is the end of connections that -tt shared. */
const mayTell = /^bssh: waiting for process \d+, which is |^Shared connection to .* closed\.$/;

export const SHARED: readonly Road[] = [
  { name: "`ssh -o ControlMaster=auto`", setUp: true, script: master("ssh") },
  { name: "`bssh -o ControlMaster=auto`", script: master("bssh") },
  { name: "Ansible", setUp: true, variables: forks, script: ansible("ssh", "sftp"), out: WORKED, mayTell },
  {
    name: "Ansible with `ansible_ssh_executable=bssh`",
    script: ansible("bssh", "sftp -S bssh", String(WORKERS)),
    out: WORKED,
    mayTell,
  },
];
