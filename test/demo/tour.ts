// The way in, step by step, told from inside a sandbox: three logins, what was asked of whom and what was kept, the
// certificate, and what bssh costs.
import { readFileSync, rmSync } from "node:fs";
import { interleave, median } from "../bench/measure.ts";
import { stepsOf } from "./steps.ts";

const environment = process.env;
const [host = "web1.sandbox.test"] = (environment["BSSH_SANDBOX_HOSTS"] ?? "").split(" ");
const log = environment["BSSH_SANDBOX_LOG"] ?? "";
const debug = `${environment["BSSH_SANDBOX"]}/debug`;
const key = `${environment["HOME"]}/.ssh/blessid`;
const asked = process.argv.includes("--ask");
const REMOTE = 'echo "hello from $(hostname), logged in as $(id -un)"; exit 52';

/** Rounds of the two measurements at the end. */
const STARTS = 25;
const LOGINS = 7;

/** A person may mistype the code so often. */
const TRIES = 3;

function heading(text: string): void {
  console.log(`\n── ${text}`);
}

function show(words: readonly string[]): void {
  console.log(`$ ${words.map((word) => (/^[\w./@:-]+$/.test(word) ? word : `'${word}'`)).join(" ")}`);
}

function run(words: readonly string[], set: Readonly<Record<string, string>> = {}): number {
  const child = Bun.spawnSync([...words], {
    env: { ...environment, ...set },
    stdio: ["inherit", "inherit", "inherit"],
  });
  // Ctrl-C was for all of us.
  if (child.signalCode !== undefined && child.exitCode === null) process.exit(130);
  return child.exitCode ?? 130;
}

function requests(): number {
  return readFileSync(log, "utf8").split("\n").filter(Boolean).length;
}

/** Runs bssh, and then says what it did on the way; the exit status. */
function tell(words: readonly string[]): number {
  const before = requests();
  rmSync(debug, { force: true });
  const from = Date.now();
  show(words);
  const status = run(words, { BLESSDEBUG: debug });
  console.log(`(exit status ${status})\n`);
  let lines = "";
  try {
    lines = readFileSync(debug, "utf8");
  } catch {
    // Nothing was worth a line.
  }
  for (const step of stepsOf(lines, from)) console.log(step);
  const count = requests() - before;
  if (count === 0) console.log("Nobody was asked anything: the certificate is there.");
  else
    console.log(
      `(${count} request${count === 1 ? "" : "s"} to AWS by the sandbox's own log, times since bssh was started)`,
    );
  return status;
}

function firstLogin(): number {
  for (let left = TRIES; ; left--) {
    if (asked) {
      const { stdout } = Bun.spawnSync(["bssh", "sandbox", "mfa"], { stdin: "ignore", stderr: "inherit" });
      console.log(`\nYour MFA device shows   ${stdout.toString().trim()}`);
      console.log("Type that when you are asked; it is not shown while you type.\n");
    }
    const status = tell(["bssh", host, REMOTE]);
    if (status === 52 || !asked || left === 1) return status;
    console.log("\nThat did not get you in; once more, with the code that the device shows now.");
  }
}

function whatItAdds(): void {
  const inPlace = { BSSH_SSH: "/bin/true" };
  const starts = interleave(
    [
      { name: "true", words: ["/bin/true", host] },
      { name: "bssh", words: ["bssh", host], set: inPlace },
    ],
    STARTS,
  );
  const logins = interleave(
    [
      { name: "ssh", words: ["ssh", "-i", key, host, "true"] },
      { name: "bssh", words: ["bssh", host, "true"] },
    ],
    LOGINS,
    1,
  );
  const of = (times: typeof starts, name: string) => median(times.get(name) ?? []);
  const added = of(starts, "bssh") - of(starts, "true");
  console.log(`bssh added ${added.toFixed(1)} ms to the start of ssh.`);
  console.log(
    `  Method: true(1) in ssh's place, run by bssh and by itself, in turn, ${STARTS} times each; from start to end,`,
  );
  console.log("  the difference of the medians.");
  console.log(
    `A whole login took ${of(logins, "bssh").toFixed(0)} ms with bssh, and ${of(logins, "ssh").toFixed(0)} ms with ssh -i and the same certificate beside the key`,
  );
  console.log(`  (in turn, ${LOGINS} times each, medians). npm run bench measures more, and longer.`);
}

heading("The first login: there is no key, no certificate and no session yet");
if (firstLogin() !== 52) process.exit(1);

heading("What is there now");
show(["bssh", "status"]);
run(["bssh", "status"]);

heading("The certificate, as ssh-keygen reads it");
show(["ssh-keygen", "-L", "-f", `${key}-cert.pub`]);
run(["ssh-keygen", "-L", "-f", `${key}-cert.pub`]);

heading("The second login: everything is there");
if (tell(["bssh", host, REMOTE]) !== 52) process.exit(1);
console.log();
whatItAdds();

heading(
  "Half an hour later the certificate has ended: the CA is asked for the next one, KMS this once for a token bound to the key, and no code",
);
if (tell(["bssh", "login", "--force"]) !== 0) process.exit(1);
