import { lstatSync, statSync, writeFileSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import { replaceFile } from "../identity/store.ts";
import { splitFunction } from "../issue/lambda.ts";
import { sendRequest } from "../issue/request.ts";
import { askOnTerminal } from "../terminal/ask.ts";
import { say, tracer } from "../terminal/say.ts";
import type { HostRequest, UserRequest } from "../wire/bless.ts";
import { WireError } from "../wire/bytes.ts";
import { formatPublicKey, parsePublicKey } from "../wire/public-key.ts";
import type { CommandCall } from "./call.ts";
import { type OptionTable, parseWords, usage } from "./words.ts";

export const help = `
One request to a BLESS Lambda, invoked with the AWS credentials at hand: no session, token or role is made for it. It does
what BLESS's bless_client.py and bless_client_host.py do, but shows no token and looks at the certificate before it is saved.

Fields of a person's certificate, all of them wanted:
  --bastion-user NAME         who asks
  --bastion-user-ip ADDRESS   from where
  --remote-usernames A,B      principals
  --bastion-ips LIST          addresses and networks that the certificate is good from
  --command TEXT              what goes into the key ID
  --public-key FILE           key to certify: a .pub file, or a public key in RFC 4716's form or as PEM
Fields of a host's certificate, both wanted:
  --host-names A,B            names of the host
  --public-key FILE           as above
Options:
  --kmsauth-token-file FILE   file with the kmsauth token; - is standard input
  --region REGION             AWS region; the config's first when not given
  --function NAME[:VERSION]   function; the config's when not given (of [lambda], for a host's of [host])
  --output FILE               where the certificate is saved; printed when not given

Example:
  $ bssh request --region us-east-1 --function bless:PROD --bastion-user alice --bastion-user-ip 198.51.100.7 \\
      --remote-usernames alice --bastion-ips 198.51.100.7 --command '*' --public-key ~/.ssh/blessid.pub
`;

const FIELDS = ["bastion-user", "bastion-user-ip", "remote-usernames", "bastion-ips", "command", "public-key"] as const;

export const OPTIONS: OptionTable = Object.fromEntries(
  [...FIELDS, "host-names", "kmsauth-token-file", "region", "function", "output"].map((name) => [name, "value"]),
);

/** `bssh request`: one BLESS request with every field given by hand; 0, or Failure. */
export async function request(call: CommandCall): Promise<number> {
  const { values, rest } = parseWords("request", call.words, OPTIONS);
  if (rest.length > 0) throw usage("request", "bssh request takes no words beside its options");
  const hostnames = values.get("host-names");
  const isHosts = hostnames !== undefined;
  const missing = FIELDS.filter((name) => !values.has(name) && (!isHosts || name === "public-key"));
  if (missing.length > 0) throw usage("request", `bssh request wants --${missing.join(", --")}`);
  const astray = [...FIELDS, "kmsauth-token-file"].find((name) => name !== "public-key" && values.has(name));
  if (isHosts && astray !== undefined) throw usage("request", `--${astray} is no field of a host's request`);
  const field = (name: (typeof FIELDS)[number]) => values.get(name) ?? "";

  const { settings, paths } = loadConfig(call.environment, call.readText);
  const invoked = functionOf(values.get("function"), isHosts ? hostsFunction(settings) : settings);
  const awsRegion = values.get("region") ?? settings.regions[0]?.awsRegion;
  if (awsRegion === undefined) throw usage("request", "no region is configured, and --region is not given");
  const tokenFile = values.get("kmsauth-token-file");
  const token = tokenFile === undefined ? null : await readToken(call, tokenFile);
  const publicKey = await readKey(call, field("public-key"));
  const order: UserRequest | HostRequest = isHosts
    ? { hostnames, public_key_to_sign: publicKey }
    : {
        bastion_ips: field("bastion-ips"),
        bastion_user: field("bastion-user"),
        bastion_user_ip: field("bastion-user-ip"),
        command: field("command"),
        public_key_to_sign: publicKey,
        remote_usernames: field("remote-usernames"),
        ...(token === null ? {} : { kmsauth_token: token }),
      };
  const line = await sendRequest(
    {
      settings: { ...settings, ...invoked },
      state: paths.state,
      publicKey,
      environment: call.environment,
      ask: ({ text, kind, signal }) => askOnTerminal({ text, secret: kind === "code", signal }),
      say,
      trace: tracer(call.environment),
      now: () => Date.now(),
      useCaches: true,
      region: null,
    },
    awsRegion,
    order,
  );
  const output = values.get("output");
  if (output === undefined) call.out(line);
  else save(call, output, line);
  return 0;
}

type Invoked = Pick<Settings, "function" | "functionVersion">;

function hostsFunction({ hostFunction, hostFunctionVersion }: Settings): Invoked {
  return { function: hostFunction, functionVersion: hostFunctionVersion };
}

function functionOf(word: string | undefined, settings: Invoked): Invoked {
  if (word === undefined) {
    if (settings.function === null) throw usage("request", "no function is configured, and --function is not given");
    return { function: settings.function, functionVersion: settings.functionVersion };
  }
  const target = splitFunction(word);
  if (target === null) throw usage("request", `--function ${printable(word, 80)} is no function's name`);
  return { function: target.name, functionVersion: target.version };
}

async function readKey(call: CommandCall, path: string): Promise<string> {
  const text = call.readText(path);
  if (text === null) throw new Failure(`there is no ${printable(path)}`, "name a .pub file with --public-key");
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new Failure(`${printable(path)} is a private key`, `name its public half: ${printable(path)}.pub`);
  }
  try {
    return formatPublicKey(parsePublicKey(text.trim()));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const { readForeignPublicKey } = await import("../identity/foreign-public-key.ts");
    const line = readForeignPublicKey(text);
    if (line !== null) return line;
    throw new Failure(`${printable(path)} is no public key`, "name a .pub file with --public-key");
  }
}

async function readToken(call: CommandCall, path: string): Promise<string> {
  const text = path === "-" ? await Bun.stdin.text() : call.readText(path);
  if (text === null) throw new Failure(`there is no ${printable(path)}`, "name the file that holds the token");
  return text.trim();
}

function save(call: CommandCall, path: string, line: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isFile() === true && /^-----BEGIN/.test(call.readText(path) ?? "")) {
      call.out(line);
      throw new Failure(`${printable(path)} is a key and stays as it is`, "the certificate is printed instead");
    }
    // A pipe, a device, or a link to a file elsewhere is written to and not replaced.
    const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (link || there?.isFile() === false) writeFileSync(path, `${line}\n`);
    else replaceFile(path, `${line}\n`, 0o644);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const code = (error as { code?: string }).code ?? "unknown error";
    // It was asked for and given: it isn't thrown away.
    call.out(line);
    throw new Failure(`could not write ${printable(path)} (${code})`, "the certificate is printed instead");
  }
}
