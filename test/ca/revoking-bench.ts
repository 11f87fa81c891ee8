/** What the tests of `bssh ca revoke` share: two CAs, each with a certificate of the same serial, and what ssh-keygen makes of a list. */
import { parseRevocations, type Revocation } from "../../src/ca/revocations.ts";
import { sshKeygen } from "../wire/support.ts";
import { type Bench, makeBench, type Ran } from "./running.ts";

export type RevokingBench = Bench & {
  certify(ca: string, key: string, serial: string, keyId: string): void;
  revoke(...words: readonly string[]): Promise<Ran>;
  list(): readonly Revocation[];
  /** The list's entries, in short. */
  brief(): string[];
  /** What ssh-keygen finds revoked. */
  revoked(): string[];
};

export function makeRevokingBench(): RevokingBench {
  const bench = makeBench();
  const revoking: RevokingBench = {
    ...bench,
    certify(ca, key, serial, keyId) {
      sshKeygen(["-q", "-s", bench.path(ca), "-I", keyId, "-n", key, "-z", serial, bench.path(`${key}.pub`)]);
    },
    revoke: (...words) => bench.run(["revoke", "--file", bench.path("revocations.json"), ...words]),
    list: () => parseRevocations(bench.read("revocations.json")).list,
    brief: () => revoking.list().map(({ kind, value }) => `${kind} ${value}`),
    revoked: () =>
      ["alice-cert.pub", "bob-cert.pub", "alice.pub", "bob.pub"].filter((name) =>
        sshKeygen(["-Q", "-f", bench.path("revocations.krl"), bench.path(name)]).stdout.includes("REVOKED"),
      ),
  };
  for (const name of ["ca", "other-ca", "alice", "bob"]) bench.key(name);
  revoking.certify("ca", "alice", "71", "request[a1] for[alice]");
  revoking.certify("other-ca", "bob", "71", "request[b1] for[bob]");
  return revoking;
}
