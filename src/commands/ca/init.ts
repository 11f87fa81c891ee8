import { existsSync, linkSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readDeployConfig } from "../../ca/deploy-config.ts";
import { variableOf } from "../../ca/deploy-options.ts";
import { Failure, printable } from "../../failure.ts";
import { beforeTheEnd } from "../../terminal/ends.ts";
import { say } from "../../terminal/say.ts";
import type { CommandCall } from "../call.ts";
import { type OptionTable, parseWords, usage } from "../words.ts";
import { describeTrouble } from "./files.ts";
import { type CaPlan, filesOf, KEY_FILE, nextMoves } from "./init-files.ts";
import { isEncrypted } from "./key-form.ts";
import { replaceWhole } from "./replace.ts";

export const help = `
Writes into DIR what a new CA is made of: bless_deploy.cfg, hosts.json and revocations.json for the function, two CloudFormation
templates (of the people's account and of the CA's), config.toml for the people and server.toml for the servers. Nothing that is
there is written over. It then says what to do next; nothing is done in AWS.

Options, of which the first three are wanted:
  --users-account N       account of the people and the servers, 12 digits
  --ca-account N          account of the CA; another one than the people's keeps its keys from whoever administers theirs
  --regions A,B           AWS regions of the CA, the main one first; people go on to the next when one is down
  --service NAME          the CA's name in proofs of identity (bless-production)
  --prefix NAME           what every name in AWS begins with (bless)
  --people WHO            iam: IAM users with a second factor (usual); identity-center: people of IAM Identity Center; both
  --permission-set NAME   the permission set of those people (Bssh)
  --domain NAME           of the hosts, such as example.com
  --key WHERE             kms: inside KMS, which nobody can take it from (usual); file: an Ed25519 key is made in DIR, its
                          passphrase asked by ssh-keygen, which is for trials; encrypted: you have one, as BLESS does

Example:
  $ bssh ca init ca --users-account 123456789012 --ca-account 210987654321 --regions eu-west-1,us-east-1 --domain example.com
`;

const WORDS = {
  key: ["kms", "file", "encrypted"],
  people: ["iam", "identity-center", "both"],
} as const;

export const OPTIONS: OptionTable = {
  "users-account": "value",
  "ca-account": "value",
  regions: "value",
  service: "value",
  prefix: "value",
  people: "value",
  "permission-set": "value",
  domain: "value",
  key: "value",
};

/** `bssh ca init DIR`: 0, or Failure; what was there before is there after, and nothing else when it fails. */
export async function init(call: CommandCall): Promise<number> {
  const { values, rest } = parseWords("ca init", call.words, OPTIONS);
  const [folder, ...others] = rest;
  if (folder === undefined || others.length > 0) throw usage("ca init", "bssh ca init wants one folder");
  const plan = readPlan(values);
  const files = filesOf(plan);
  check(plan, files.get("bless_deploy.cfg") ?? "");

  const made = new Set<string>();
  const names = [...files.keys(), ...(plan.key === "file" ? [KEY_FILE, `${KEY_FILE}.pub`] : [])];
  const there = names.find((name) => existsSync(join(folder, name)));
  if (there !== undefined) {
    throw new Failure(`${printable(join(folder, there))} is there already`, "name a new folder; nothing was written");
  }
  let first: string | undefined;
  const undo = () => {
    for (const name of made) rmSync(join(folder, name), { force: true });
    if (first !== undefined) removeEmpty(folder, first);
  };
  const isOver = beforeTheEnd(undo, "signal");
  try {
    first = mkdirSync(folder, { recursive: true });
    if (plan.key === "file") await makeKey(call, folder, made);
    for (const [name, text] of files) {
      create(join(folder, name), text);
      made.add(name);
    }
  } catch (error) {
    undo();
    if (error instanceof Failure) throw error;
    throw new Failure(
      `${printable(folder)} cannot be written: ${describeTrouble(error)}`,
      "name a folder that you may write to; nothing was left there",
    );
  } finally {
    isOver();
  }
  for (const name of names) call.out(`wrote ${printable(join(folder, name))}`);
  if (plan.key === "file")
    say(`a key that lies in a file can be copied: ${KEY_FILE} is for trials, --key kms is the safe way`);
  for (const line of nextMoves(plan, printable(folder))) call.out(line);
  return 0;
}

function readPlan(values: ReadonlyMap<string, string>): CaPlan {
  const missing = ["users-account", "ca-account", "regions"].filter((name) => !values.has(name));
  if (missing.length > 0) throw usage("ca init", `bssh ca init wants --${missing.join(", --")}`);
  const read = (name: string, form: RegExp, usual = ""): string => {
    const value = values.get(name) ?? usual;
    if (form.test(value)) return value;
    throw usage("ca init", `--${name} cannot be ${printable(value, 60) || "empty"}`);
  };
  const word = <Name extends keyof typeof WORDS>(name: Name): (typeof WORDS)[Name][number] => {
    const value = values.get(name) ?? WORDS[name][0];
    const found = WORDS[name].find((known) => known === value);
    if (found !== undefined) return found;
    throw usage("ca init", `--${name} is none of ${WORDS[name].join(", ")}`);
  };
  const regions = (values.get("regions") ?? "").split(",");
  const bad = regions.find((region) => !/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region));
  if (bad !== undefined) throw usage("ca init", `--regions: ${printable(bad, 60) || "an empty word"} is no AWS region`);
  const twice = regions.find((region, at) => regions.indexOf(region) !== at);
  if (twice !== undefined) throw usage("ca init", `--regions names ${twice} twice`);
  // The templates' own forms.
  return {
    key: word("key"),
    people: word("people"),
    usersAccount: read("users-account", /^\d{12}$/),
    caAccount: read("ca-account", /^\d{12}$/),
    regions,
    service: read("service", /^[A-Za-z0-9._-]{1,64}$/, "bless-production"),
    prefix: read("prefix", /^[a-z][a-z0-9-]{0,30}$/, "bless"),
    permissionSet: read("permission-set", /^[\w+=,.@-]{1,32}$/, "Bssh"),
    domain: values.has("domain") ? read("domain", /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/) : null,
  };
}

/** As the CA will read it, in each region, with what only the deployment knows. */
function check({ key, regions, usersAccount }: CaPlan, text: string): void {
  for (const region of regions) {
    readDeployConfig(text, {
      AWS_REGION: region,
      [variableOf("KMS Auth", "kmsauth_key_id")]: `arn:aws:kms:${region}:${usersAccount}:key/x`,
      ...(key === "kms"
        ? { [variableOf("Bssh", "ca_kms_key")]: `arn:aws:kms:${region}:${usersAccount}:key/x` }
        : { [variableOf("Bless CA", `${region}_password`)]: "AAAA" }),
    });
  }
}

/** A new file; there never is a half of it, and one that came in the meantime stays. */
function create(path: string, text: string): void {
  const beside = `${path}.new-${process.pid}`;
  replaceWhole(beside, new TextEncoder().encode(text), { mode: 0o644 });
  try {
    linkSync(beside, path);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** What ssh-keygen needs of the environment; the rest, such as AWS's credentials, is nothing to it. */
const KEYGEN_NEEDS = [
  ...["PATH", "HOME", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"],
  ...["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE"],
];

/** An Ed25519 key; ssh-keygen itself asks the person for the passphrase, which never passes through here. */
async function makeKey(call: CommandCall, folder: string, made: Set<string>): Promise<void> {
  const path = join(folder, KEY_FILE);
  for (const name of [KEY_FILE, `${KEY_FILE}.pub`]) made.add(name);
  const words = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "bssh CA", "-f", path];
  const child = Bun.spawn(words, {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    env: Object.fromEntries(KEYGEN_NEEDS.map((name) => [name, call.environment[name]])),
  });
  const status = await child.exited;
  const text = call.readText(path);
  if (status !== 0 || text === null) {
    throw new Failure("ssh-keygen made no key", "run it on a terminal, where it can ask for the passphrase");
  }
  if (!isEncrypted(Buffer.from(text))) {
    throw new Failure("a CA's key wants a passphrase", "run it again and give one; the key was thrown away");
  }
}

/** Removes the folder, and those above it down from `first`, the highest that was made for it. */
function removeEmpty(folder: string, first: string): void {
  try {
    for (let at = resolve(folder); at.startsWith(resolve(first)); at = dirname(at)) rmdirSync(at);
  } catch {
    // Something else is in it by now.
  }
}
