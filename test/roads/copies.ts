// What copies files: scp, sftp, rsync and git.
import type { Road } from "./road.ts";

const HOST = "node1.sandbox.test";

/** There and back: a folder `up` on the way, and `down` printed. */
const copy = (there: string, back: string) => `echo in >from; ${there} && ${back} && cat down`;

const sftp = "printf 'put %s %s\\nget %s %s\\n' from $PWD/up $PWD/up down >batch";

const rsync = (more: string) =>
  `mkdir from up; echo in >from/file; rsync -a ${more}from/ ${HOST}:$PWD/up/ && rsync -a ${more}${HOST}:$PWD/up/ down && cat down/file`;

/** Clones by an address of either form, pushes, and prints what came back; `words` are git's own options. */
const git = (words = "", setting = "") => `${setting}
  export GIT_AUTHOR_NAME=Alice GIT_AUTHOR_EMAIL=alice@sandbox.test GIT_COMMITTER_NAME=Alice GIT_COMMITTER_EMAIL=alice@sandbox.test
  git init -qb main bare && git -C bare commit -q --allow-empty -m first && git -C bare checkout -q --detach &&
  git ${words} clone -qb main ssh://${HOST}$PWD/bare one && cd one && echo in >file && git add file && git commit -qm second &&
  git ${words} push -q origin main && cd .. && git ${words} clone -qb main ${HOST}:$PWD/bare two && cat two/file`;

export const COPIES: readonly Road[] = [
  {
    name: "`scp`",
    setUp: true,
    script: copy(`scp -q from ${HOST}:$PWD/up`, `scp -q ${HOST}:$PWD/up down`),
  },
  {
    name: "`scp -O`",
    setUp: true,
    script: copy(`scp -qO from ${HOST}:$PWD/up`, `scp -qO ${HOST}:$PWD/up down`),
  },
  {
    name: "`scp -S bssh`",
    script: copy(`scp -q -S bssh from ${HOST}:$PWD/up`, `scp -qO -S bssh ${HOST}:$PWD/up down`),
  },
  {
    name: "`sftp`",
    setUp: true,
    script: copy(sftp, `sftp -q ${HOST} <batch >/dev/null`),
  },
  {
    name: "`sftp -b`",
    setUp: true,
    script: copy(sftp, `sftp -qb batch ${HOST} >/dev/null`),
    instead: {
      "no terminal": {
        why: "`-b` says `BatchMode yes`, which means that nobody is to be asked",
        status: 255,
        out: "",
        err: [
          "bssh: a second factor is needed, and no MFA code was given; run bssh login in a terminal, or set mfa_command",
          "Connection closed",
        ],
        asked: ["GetCallerIdentity"],
        questions: 0,
      },
    },
  },
  { name: "`rsync -e bssh`", script: rsync("-e bssh ") },
  { name: "`rsync`", setUp: true, script: rsync("") },
  { name: "`GIT_SSH=bssh git`", script: git("", "export GIT_SSH=bssh") },
  { name: "`git -c core.sshCommand=bssh`", script: git("-c core.sshCommand=bssh") },
  { name: "`git`", setUp: true, script: git() },
  {
    name: "a link named `ssh` first on `PATH`",
    script: `mkdir links; ln -s "$(command -v bssh)" links/ssh; export PATH="$PWD/links:$PATH"
      ssh ${HOST} true && echo in >from && scp -q -S "$PWD/links/ssh" from ${HOST}:$PWD/to && test -s to && (${git()})`,
  },
];
