// The way in, step by step, told from inside a sandbox: two logins, what was asked of whom, the certificate, and what bssh costs.
import { readFileSync, writeFileSync } from "node:fs";

const environment = process.env;
const [host = "web1.sandbox.test"] = (environment["BSSH_SANDBOX_HOSTS"] ?? "").split(" ");
const log = environment["BSSH_SANDBOX_LOG"] ?? "";
const key = `${environment["HOME"]}/.ssh/blessid`;
const asked = process.argv.includes("--ask");
const REMOTE = 'echo "hello from $(hostname), logged in as $(id -un)"; exit 52';
/** Runs of each kind for a median. */
const RUNS = 15;

type Record = { readonly service: string; readonly action: string; readonly region: string; readonly ms: number };

/** What AWS was asked since the last time. */
function calls(): Record[] {
  const records = readFileSync(log, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record);
  writeFileSync(log, "");
  return records;
}

const MEANING: Readonly<{ [action: string]: string }> = {
  GetCallerIdentity: "who the access key belongs to",
  GetSessionToken: "a session that proves the second factor, good for 18 hours",
  Encrypt: "a kmsauth token: KMS vouches for the name and the second factor, for an hour",
  AssumeRole: "the role that may call the CA, for an hour",
  Invoke: "the CA's signature under the certificate",
};

function heading(text: string): void {
  console.log(`\n\u2500\u2500 ${text}`);
}

function show(words: readonly string[]): void {
  console.log(`$ ${words.map((word) => (/^[\w./@:-]+$/.test(word) ? word : `'${word}'`)).join(" ")}`);
}

function run(words: readonly string[]): number {
  return Bun.spawnSync([...words], { stdio: ["inherit", "inherit", "inherit"] }).exitCode ?? 255;
}

function output(words: readonly string[]): string {
  return Bun.spawnSync([...words], { stdin: "ignore", stderr: "inherit" })
    .stdout.toString()
    .trimEnd();
}

function tellCalls(records: readonly Record[]): void {
  if (records.length === 0) console.log("AWS was asked nothing.");
  for (const { service, action, region, ms } of records) {
    console.log(
      `  ${`${service} ${action}`.padEnd(24)}${region}  ${ms.toFixed(1).padStart(5)} ms  ${MEANING[action] ?? ""}`,
    );
  }
}

/** Milliseconds from start to end, of each kind in turn, RUNS times; the medians. */
function medians(
  kinds: readonly { readonly words: readonly string[]; readonly env?: { [name: string]: string } }[],
): number[] {
  const times = kinds.map(() => [] as number[]);
  for (let at = -2; at < RUNS; at++) {
    for (const [index, { words, env }] of kinds.entries()) {
      const from = performance.now();
      Bun.spawnSync([...words], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
        env: { ...environment, ...env },
      });
      if (at >= 0) times[index]?.push(performance.now() - from);
    }
  }
  return times.map((list) => list.sort((left, right) => left - right)[Math.floor(list.length / 2)] ?? 0);
}

heading("The first login: there is no key and no certificate yet");
if (asked) console.log(`The MFA device shows ${output(["bssh", "sandbox", "mfa"])}: type it when you are asked.`);
show(["bssh", host, REMOTE]);
const first = run(["bssh", host, REMOTE]);
console.log(`(exit status ${first})`);
if (first !== 52) process.exit(1);

heading("What was asked of whom");
tellCalls(calls());

heading("What is kept for the next login");
show(["bssh", "status"]);
run(["bssh", "status"]);

heading("The certificate, as ssh-keygen reads it");
show(["ssh-keygen", "-L", "-f", `${key}-cert.pub`]);
run(["ssh-keygen", "-L", "-f", `${key}-cert.pub`]);

heading("The second login: everything is there");
show(["bssh", host, REMOTE]);
const second = run(["bssh", host, REMOTE]);
console.log(`(exit status ${second})`);
tellCalls(calls());
if (second !== 52) process.exit(1);

heading("What bssh adds");
const [bare = 0, wrapped = 0] = medians([
  { words: ["/bin/true", host] },
  { words: ["bssh", host], env: { BSSH_SSH: "/bin/true" } },
]);
const [plain = 0, blessed = 0] = medians([
  { words: ["ssh", "-i", key, host, "true"] },
  { words: ["bssh", host, "true"] },
]);
console.log(`${(wrapped - bare).toFixed(1)} ms before ssh starts (/bin/true in ssh's place, with bssh and without it)`);
console.log(
  `a whole login takes ${blessed.toFixed(0)} ms; ssh -i key with the same certificate beside it takes ${plain.toFixed(0)} ms`,
);
console.log(`(medians of ${RUNS} runs of each, taken in turn on this machine just now)`);
