import { printable } from "../failure.ts";
import type { Ssh } from "../ssh/find.ts";

export type Verdict = {
  /** Null when ssh accepts the config, else what it says. */
  readonly refusal: string | null;
  /** True when it read our own file on the way. */
  readonly readOwn: boolean;
};

/** A command of the user's own Match exec may hang. */
const LIMIT_MS = 30_000;

/** A name that is nobody's (RFC 2606). */
const NOBODY = "bssh-setup.invalid";

/** Asks `ssh -G` what it makes of a config; nothing is fetched meanwhile. `own` is the path of our file. */
export function askSsh(
  ssh: Ssh,
  config: string,
  own: string,
  environment: Readonly<Record<string, string | undefined>>,
): Verdict {
  const answer = Bun.spawnSync([ssh.path, "-F", config, "-v", "-G", "--", NOBODY], {
    env: { ...environment, BLESS_COMPLETE: "1" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: LIMIT_MS,
  });
  const lines = answer.stderr.toString().split("\n");
  const said = lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(debug\d|OpenSSH_|Pseudo-)/.test(line));
  const silent = answer.exitedDueToTimeout === true ? "it did not answer" : `it ended with status ${answer.exitCode}`;
  return {
    refusal: answer.exitCode === 0 ? null : printable(said.find(namesPlace) ?? said.at(-1) ?? silent),
    readOwn: lines.some((line) => line.trimEnd().endsWith(`Reading configuration data ${shown(own)}`)),
  };
}

/** Whether a line names file, line and word; an option that this ssh merely lacks is no error. */
function namesPlace(line: string): boolean {
  return /\bline \d+: /.test(line) && !/: (?:unsupported|deprecated) option /i.test(line);
}

/** As ssh's log shows a path (strnvis() with VIS_SAFE and VIS_OCTAL, log.c). */
function shown(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => {
      if (byte === 0x5c) return "\\\\";
      const plain = (byte >= 0x20 && byte <= 0x7e) || "\x07\b\t\r".includes(String.fromCharCode(byte));
      if (!plain) return `\\${byte.toString(8).padStart(3, "0")}`;
      return String.fromCharCode(byte);
    })
    .join("");
}
