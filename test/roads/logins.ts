// ssh itself, called in all the ways that lead to a login.
import { CHAIN, type Instead, type Road } from "./road.ts";

const HOST = "web1.sandbox.test";
const BLESSED = ["  IdentityFile SANDBOX/home/.ssh/blessid"];
const PROXY = [`Host ${HOST}`, "  ProxyCommand bssh proxy '%h' '%p'", ...BLESSED];

const LATE: Instead = {
  why: "ssh has read its files before the proxy makes the certificate",
  status: 255,
  out: "",
  err: [
    "bssh: the certificate is there now, but this ssh had read its files before; run the same again, or let bssh setup write your ssh_config, where it comes first",
    /: Permission denied \(publickey\)\.$/,
  ],
  asked: CHAIN,
  questions: 1,
};

export const LOGINS: readonly Road[] = [
  { name: "`bssh host command`", script: `bssh ${HOST} echo in` },
  { name: "`ssh host command` after `bssh setup`", setUp: true, script: `ssh ${HOST} echo in` },
  {
    name: "`ProxyCommand bssh proxy`, pipes",
    config: PROXY,
    script: `ssh ${HOST} echo in`,
    instead: { "cold without agent": LATE },
  },
  {
    name: "`ProxyCommand bssh proxy`, `ProxyUseFdpass yes`",
    config: [...PROXY, "  ProxyUseFdpass yes"],
    insteadFrom105: { "cold without agent": LATE },
    script: `ssh ${HOST} echo in`,
  },
  { name: "`ssh` with a `Host` alias", setUp: true, script: "ssh short echo in && bssh short true" },
  { name: "`bssh` with a `Host` alias", script: "bssh short echo in" },
  {
    name: "`ssh` with `CanonicalizeHostname yes`",
    setUp: true,
    script: `ssh -o CanonicalizeHostname=yes ${HOST} echo in`,
  },
  { name: "`bssh ssh://host`", script: `bssh ssh://${HOST} echo in` },
];
