import { nearest } from "../config/nearest.ts";
import { Failure, printable } from "../failure.ts";
import type { CaKeyType } from "../sandbox/aws/ca-key.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
bssh sandbox starts AWS (STS, KMS, Lambda, IAM) with its policies, the CA, a real sshd that trusts it and an ssh-agent, all
on loopback and in one folder, and ends with Ctrl-C. With a COMMAND it runs that inside and exits with its status. Either
way nothing is left.

Options:
  --user NAME             the IAM user (alice)
  --hosts A,B             host names that the sshd answers to (web1, web2, db1 and bastion.sandbox.test)
  --cert-seconds N        how long a certificate is valid (1800)
  --session-seconds N     no AWS session lives longer
  --ca-key SPEC           the CA's key: ed25519, rsa, ecdsa-256, ecdsa-384 or ecdsa-521 beside its code, or the same inside
                          KMS, as in kms-ed25519 (ed25519)
  --identity-center       alice comes from IAM Identity Center: no IAM user, no MFA device of AWS
  --ask                   you are asked for the MFA code; otherwise the sandbox's own config answers
  --fast-clock            the MFA device's code changes every second

  bssh sandbox mfa        prints the MFA device's code; waits for the next one when it is used up

COMMAND finds in its environment BSSH_SANDBOX (the folder), BSSH_SANDBOX_HOSTS (the names), BSSH_SANDBOX_LOG (a JSON object
a line for every request to AWS), BSSH_SANDBOX_HOST_ENV (shell lines that make a server of who reads them; bssh host is then
about the sandbox's sshd, and touches neither the machine's below /etc nor its timers), alice's AWS keys, and first on its PATH bssh and an ssh, scp and sftp that know the hosts. In the folder, ca.log has a JSON object a line
for every decision of the CA, and ca/ and ca-host/ what its functions are deployed with: to change a file is to deploy it.

A session:
  $ bssh sandbox -- sh
  $ bssh web1.sandbox.test 'echo I am in; exit 52'
  I am in
  $ echo $?
  52
  $ bssh status
  $ bssh sandbox mfa
  287082
  $ exit
`;

/** What of a command's call the sandbox needs. */
export type SandboxCall = {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly program: string;
  readonly out: (line: string) => void;
};

export const OPTIONS = {
  user: "value",
  hosts: "value",
  "cert-seconds": "value",
  "session-seconds": "value",
  "ca-key": "value",
  "identity-center": "flag",
  ask: "flag",
  "fast-clock": "flag",
  help: "flag",
} as const;

const MOST_SECONDS = 31_536_000;
/** As many names as sshd's certificate may hold. */
const MOST_HOSTS = 256;

/**
 * `bssh sandbox`: see `help`. The exit status is COMMAND's; 0 without one. Throws Failure, with status 64 for words that
 * are not understood.
 */
export async function sandbox({ words, environment, program, out }: SandboxCall): Promise<number> {
  const split = words.indexOf("--");
  const { flags, values, rest } = parseWords("sandbox", split < 0 ? words : words.slice(0, split), OPTIONS);
  if (flags.has("help")) {
    out(help.trim());
    return 0;
  }
  if (rest[0] === "mfa") {
    if (rest.length > 1 || split >= 0 || flags.size > 0 || values.size > 0) {
      throw usage("sandbox", "bssh sandbox mfa takes no further words");
    }
    const { printCode } = await import("../sandbox/index.ts");
    return await printCode(environment, out);
  }
  if (rest.length > 0) throw unknownWord(rest[0] ?? "");
  const command = split < 0 ? null : words.slice(split + 1);
  if (command?.length === 0 || command?.[0] === "") throw usage("sandbox", "no command follows the --");
  if (command?.[0]?.startsWith("-")) throw usage("sandbox", `${printable(command[0], 60)} is no program`);

  const user = values.get("user");
  const hosts = values.get("hosts");
  const certSeconds = readSeconds("cert-seconds", values);
  const sessionSeconds = readSeconds("session-seconds", values);
  const caKey = values.get("ca-key");
  const caKeyType = caKey === undefined ? null : await readCaKey(caKey);
  const { runSandbox } = await import("../sandbox/index.ts");
  return await runSandbox({
    command,
    ...(user === undefined ? {} : { user: readUser(user) }),
    ...(hosts === undefined ? {} : { hosts: readHosts(hosts) }),
    ...(certSeconds === null ? {} : { certSeconds }),
    ...(sessionSeconds === null ? {} : { sessionSeconds }),
    ...(caKeyType === null ? {} : { caKeyType }),
    identityCenter: flags.has("identity-center"),
    ask: flags.has("ask"),
    fastClock: flags.has("fast-clock"),
    program,
    environment,
    out,
  });
}

function unknownWord(word: string): Failure {
  const near = nearest(word, ["mfa"]);
  const fact = `bssh sandbox does not know ${printable(word, 60)}`;
  return near === null
    ? new Failure(fact, "write a command to run behind --, as in bssh sandbox -- COMMAND", 64)
    : new Failure(fact, `did you mean bssh sandbox ${near}?`, 64);
}

// Names of IAM users: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html; sshd's list of principals
// takes what has neither white space nor a comma in it.
function readUser(text: string): string {
  if (/^[A-Za-z0-9_][\w+=.@-]{0,63}$/.test(text)) return text;
  throw usage("sandbox", `--user ${printable(text, 60)} is no name of an IAM user`);
}

function readHosts(text: string): string[] {
  const hosts = text.split(",");
  if (hosts.length > MOST_HOSTS) throw usage("sandbox", `--hosts takes ${MOST_HOSTS} names at most`);
  for (const host of hosts) {
    if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)) continue;
    throw usage("sandbox", `--hosts: ${printable(host, 60) || "an empty word"} is no host name`);
  }
  return [...new Set(hosts)];
}

async function readCaKey(text: string): Promise<CaKeyType> {
  const { CA_KEY_TYPES } = await import("../sandbox/aws/ca-key.ts");
  const found = CA_KEY_TYPES.find((type) => type === text);
  if (found !== undefined) return found;
  throw usage("sandbox", `--ca-key ${printable(text, 60)} is none of ${CA_KEY_TYPES.join(", ")}`);
}

function readSeconds(name: string, values: ReadonlyMap<string, string>): number | null {
  const text = values.get(name);
  if (text === undefined) return null;
  const seconds = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= MOST_SECONDS) return seconds;
  throw usage("sandbox", `--${name} wants a whole number of seconds from 1 to ${MOST_SECONDS}`);
}
