/** What sshd itself says of its config: `sshd -T` and `sshd -t` (sshd(8)). */
import { Failure, printable } from "../failure.ts";
import type { Ran, Run } from "./run.ts";

/** One sshd: its program and its config file, both absolute. */
export type Sshd = { readonly program: string; readonly config: string };

export type SshdFacts = {
  /** Paths of the private host keys, whether they are there or not. */
  readonly hostKeys: readonly string[];
  readonly certificates: readonly string[];
  /** Where it listens; a wildcard address as the loopback one. */
  readonly addresses: readonly Address[];
  /** Null when it writes none. */
  readonly pidFile: string | null;
};

export type Address = { readonly host: string; readonly port: number };

/** Asks sshd for its settings. Throws Failure with its own words when it doesn't take its config. */
export async function askSshd(run: Run, sshd: Sshd): Promise<SshdFacts> {
  const ran = await run([sshd.program, "-T", "-f", sshd.config]);
  if (ran.status !== 0) {
    const next = process.getuid?.() === 0 ? "correct its config first" : "run this as root";
    throw new Failure(`sshd doesn't take its config: ${wordsOf(ran)}`, next);
  }
  const values = new Map<string, string[]>();
  for (const line of ran.out.split("\n")) {
    const [, key = "", value = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (key !== "") values.set(key, [...(values.get(key) ?? []), value]);
  }
  const all = (key: string) => (values.get(key) ?? []).filter((value) => value !== "none");
  return {
    hostKeys: all("hostkey"),
    certificates: all("hostcertificate"),
    addresses: all("listenaddress").flatMap(addressIn),
    pidFile: all("pidfile")[0] ?? null,
  };
}

/**
 * Has sshd test its config, as if `staged` certificates were in it too. Null when all is well; else its words. It reports
 * certificates that it can't use, and starts without them: of `certificates` and `staged` that counts as a fault here.
 */
export async function testSshd(
  run: Run,
  sshd: Sshd,
  {
    certificates = [],
    staged = [],
  }: { readonly certificates?: readonly string[]; readonly staged?: readonly string[] },
): Promise<string | null> {
  const options = staged.flatMap((path) => ["-o", `HostCertificate=${path}`]);
  const ran = await run([sshd.program, "-t", "-f", sshd.config, ...options]);
  if (ran.status !== 0) return wordsOf(ran);
  const lines = ran.err.split("\n");
  const fault = lines.find((line) => [...certificates, ...staged].some((path) => line.includes(path)));
  return fault === undefined ? null : printable(fault.trim());
}

/** What a program said, in a line: that which names a place in a file, else the last. */
export function wordsOf({ out, err, status }: Ran): string {
  const lines = `${out}\n${err}`.trim().split("\n");
  const said = lines.find((line) => /\bline \d+: /.test(line)) ?? lines.at(-1) ?? "";
  return printable(said.trim() || `it ended with ${status === null ? "a signal" : `status ${status}`}`);
}

function addressIn(text: string): Address[] {
  const [, six, four, port = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = six === "::" ? "::1" : four === "0.0.0.0" ? "127.0.0.1" : (six ?? four);
  return host === undefined ? [] : [{ host, port: Number(port) }];
}
