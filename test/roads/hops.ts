// Roads by way of other hosts, and ports that ssh forwards.
import { forwardedPort, throughPort, throughSocks } from "./ports.ts";
import { CHAIN, type Road } from "./road.ts";
import type { World } from "./world.ts";

const HOST = "node1.sandbox.test";
const INNER = "inner.sandbox.test";
const OTHER = "other.example.test";

const ports = async ({ echo }: World) => ({ ...(await forwardedPort()), ECHO: String(echo) });
/** What the file holds that the test leaves once it has been through the port. */
const awaited = "while [ ! -s word ]; do sleep 0.02; done; cat word";
export const HOPS: readonly Road[] = [
  {
    name: "`bssh -J one,two`",
    script: `bssh -J ${HOST} ${INNER} true && bssh -J ${HOST},node2.sandbox.test ${INNER} echo in`,
  },
  {
    name: "`ssh` with `ProxyJump one,two`",
    setUp: true,
    config: [`Host ${INNER}`, `  ProxyJump ${HOST},node2.sandbox.test`],
    script: `ssh ${INNER} echo in && bssh ${INNER} true`,
  },
  { name: "`bssh -J` by our host to another's", script: `bssh -J ${HOST} ${OTHER} echo in` },
  { name: "`bssh -J` by another's host to ours", script: `bssh -J ${OTHER} ${INNER} echo in` },
  { name: "`ssh -J` by our host to another's", setUp: true, script: `ssh -J ${HOST} ${OTHER} echo in` },
  { name: "`ssh -J` by another's host to ours", setUp: true, script: `ssh -J ${OTHER} ${INNER} echo in` },
  {
    name: "`bssh -A`, then `ssh` from there",
    script: `bssh -A bastion.sandbox.test ssh -F SANDBOX/second/ssh_config ${INNER} echo in`,
    instead: {
      "cold without agent": {
        why: "there is no agent to forward",
        status: 255,
        out: "",
        err: [/: Permission denied \(publickey\)\.$/],
        asked: CHAIN,
        questions: 1,
      },
    },
  },
  {
    name: "`bssh -N -L`",
    variables: ports,
    meanwhile: throughPort,
    script: `bssh -N -L $PORT:127.0.0.1:$ECHO ${HOST} & ${awaited}; kill -TERM $!; wait $!`,
  },
  {
    name: "`ssh -N -L`",
    setUp: true,
    variables: ports,
    meanwhile: throughPort,
    script: `ssh -N -L $PORT:127.0.0.1:$ECHO ${HOST} & ${awaited}; kill -TERM $!; wait $!`,
  },
  {
    name: "VS Code: `ssh -T -D port host bash`",
    setUp: true,
    variables: ports,
    meanwhile: throughSocks,
    script: `mkfifo words; ssh -T -o ConnectTimeout=15 -D $PORT ${HOST} bash <words & exec 3>words
      ${awaited} >/dev/null; echo 'echo in; exit 5' >&3; wait $!; test $? = 5`,
  },
  {
    name: "VS Code with `bssh` as its `remote.SSH.path`",
    variables: ports,
    meanwhile: throughSocks,
    script: `mkfifo words; bssh -T -D $PORT ${HOST} bash <words & exec 3>words
      ${awaited} >/dev/null; echo 'echo in; exit 5' >&3; wait $!; test $? = 5`,
  },
];
