import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { type DeployConfig, type FileName, readDeployConfig } from "../../ca/deploy-config.ts";
import { CONFIG_FILE, readOptions, variableOf } from "../../ca/deploy-options.ts";
import { parseHostPolicy } from "../../ca/host-policy.ts";
import { parseRevocations } from "../../ca/revocations.ts";
import { Failure, printable } from "../../failure.ts";
import { WireError } from "../../wire/bytes.ts";
import { parsePublicKey } from "../../wire/public-key.ts";
import type { CommandCall } from "../call.ts";
import { type OptionTable, parseWords, usage } from "../words.ts";
import { checkNoPlainKey, checkPrivateKey } from "./build-keys.ts";
import { readBounded } from "./files.ts";
import { functionZip } from "./function.ts";
import { placeAt, replaceWhole } from "./replace.ts";
import { makeZip } from "./zip.ts";

export const help = `
Puts bless_deploy.cfg and the files that it names (host policy, revocations, trusted keys, certificates of instance identity
documents, the encrypted key where it is not inside KMS) beside the function's code, which this bssh has with it. Each is read as
the CA will read it, and nothing is written when one is wrong. The same files give the same bytes.

Options:
  --config DIR   the folder of bless_deploy.cfg, as bssh ca init makes it (this one)
  --out ZIP      where to (ca-lambda.zip)
  --code ZIP     another function than the one that comes with this bssh

Example:
  $ bssh ca build --config ca --out ca-lambda.zip
  $ aws lambda update-function-code --function-name bless --zip-file fileb://ca-lambda.zip
`;

export const OPTIONS: OptionTable = { config: "value", out: "value", code: "value" };

const LARGEST = 16 * 1024 * 1024;
const LARGEST_ZIP = 64 * 1024 * 1024;
/** Stands for a region where the config names none. */
const SOME_REGION = "us-east-1";

/** `bssh ca build`: 0, or Failure, and then nothing is written. */
export async function build(call: CommandCall): Promise<number> {
  const { values, rest } = parseWords("ca build", call.words, OPTIONS);
  if (rest.length > 0) throw usage("ca build", "bssh ca build takes no words beside its options");
  const folder = values.get("config") ?? ".";
  const out = values.get("out") ?? "ca-lambda.zip";
  const read = (name: string) => readBounded(join(folder, name), LARGEST);

  const config = read(CONFIG_FILE);
  if (config === null) {
    throw new Failure(
      `there is no ${printable(join(folder, CONFIG_FILE))}`,
      "name its folder with --config, or make one: bssh ca init",
    );
  }
  const text = decode(config, CONFIG_FILE);
  const { configs, left } = readConfigs(text);
  const added = new Map<string, Uint8Array>([[CONFIG_FILE, config]]);
  for (const one of configs) for (const [name, bytes] of filesOf(one, read)) added.set(name, bytes);
  for (const [name, bytes] of added) checkNoPlainKey(bytes, name);

  const files = codeIn(await codeZip(values.get("code")));
  const taken = [...added.keys()].find((name) => files.has(name));
  if (taken !== undefined)
    throw new Failure(`${printable(taken)} is a name of the function's own`, "give the file another name");
  const zip = makeZip(new Map([...files, ...added]));
  checkPlace(out);
  // With a key in it, though that has a passphrase, it is nobody else's.
  const hasKey = configs.some(({ key }) => key.kind === "file");
  const note = replaceWhole(out, zip, hasKey ? { mode: 0o600, how: "private" } : { mode: 0o644 });
  if (note !== null) call.out(note);
  call.out(
    `wrote ${printable(out)} (${(zip.length / 1000).toFixed(0)} kB) with ${[...added.keys()].sort().join(", ")}`,
  );
  if (configs.some(({ user }) => user === null)) {
    call.out(
      "people get nothing from it: nobody would have to prove who they are (use_kmsauth, caller_identity_accounts)",
    );
  }
  if (
    configs.some((one) => one.instanceCertificates === null && wantsDocument(added.get(one.hostPolicy?.name ?? "")))
  ) {
    call.out(
      "servers whose rule wants a document get nothing from it: it has no instance_identity_certificates to verify one by",
    );
  }
  if (left.length > 0) call.out(`left to the function's environment, as template.yaml sets it: ${left.join(", ")}`);
  return 0;
}

function wantsDocument(policy: Uint8Array | undefined): boolean {
  return (
    policy !== undefined && parseHostPolicy(decode(policy, "")).rules.some(({ document }) => document === "required")
  );
}

/** The config as each region reads it, and the options that are not in it because the template gives them. */
function readConfigs(text: string): { readonly configs: readonly DeployConfig[]; readonly left: readonly string[] } {
  const regions = new Set(text.match(/^[a-z]{2}(-[a-z]+)+-\d(?=_(password|ca_kms_key)\b)/gm) ?? [SOME_REGION]);
  const left = new Set<string>();
  const configs = [...regions].map((region) =>
    inConfig(() => {
      const { find } = readOptions(text, {});
      const isLeft = (names: readonly (readonly ["KMS Auth" | "Bless CA" | "Bssh", string])[]) =>
        names.every(([section, name]) => find(section, name) === null);
      const environment: Record<string, string> = { AWS_REGION: region };
      const leave = (section: "KMS Auth" | "Bssh", name: string) => {
        left.add(name);
        environment[variableOf(section, name)] = `arn:aws:kms:${region}:123456789012:key/x`;
      };
      if (isLeft([["KMS Auth", "kmsauth_key_id"]])) leave("KMS Auth", "kmsauth_key_id");
      const keys = [
        ["Bssh", "ca_kms_key"],
        ["Bssh", `${region}_ca_kms_key`],
        ["Bless CA", "ca_private_key"],
        ["Bless CA", "ca_private_key_file"],
      ] as const;
      if (isLeft(keys)) leave("Bssh", "ca_kms_key");
      return readDeployConfig(text, environment);
    }),
  );
  return { configs, left: [...left] };
}

/** The files that the config names, each read as the CA reads it. */
function filesOf(config: DeployConfig, read: (name: string) => Uint8Array | null): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const take = (file: FileName | null, check: (text: string) => void) => {
    if (file === null) return;
    const bytes = read(file.name);
    if (bytes === null) {
      if (file.required)
        throw new Failure(`${CONFIG_FILE} names ${printable(file.name)}, which is not there`, "put it beside it");
      return;
    }
    try {
      check(decode(bytes, file.name));
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure(`${printable(file.name)}: ${printable((error as Error).message)}`, "correct it");
    }
    files.set(file.name, bytes);
  };
  take(config.hostPolicy, (text) => void parseHostPolicy(text));
  take(config.revocations, (text) => void parseRevocations(text).list);
  take(config.trustedKeys, checkKeys);
  take(config.instanceCertificates, checkCertificates);
  if (config.key.kind !== "file") return files;
  const { file, compression } = config.key;
  if (typeof file !== "string") checkPrivateKey(file, compression, `ca_private_key in ${CONFIG_FILE}`);
  else {
    const bytes = read(file);
    if (bytes === null)
      throw new Failure(`${CONFIG_FILE} names ${printable(file)}, which is not there`, "put it beside it");
    checkPrivateKey(bytes, compression, file);
    files.set(file, bytes);
  }
  return files;
}

function checkKeys(text: string): void {
  const lines = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
  for (const [index, line] of lines.entries()) {
    try {
      parsePublicKey(line.trim());
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new Error(`key ${index + 1} is no public key (${error.message})`);
    }
  }
}

function checkCertificates(text: string): void {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error("it holds no certificate in PEM");
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new Error(`certificate ${index + 1} cannot be read`);
    }
  }
}

async function codeZip(path: string | undefined): Promise<Uint8Array> {
  if (path === undefined) return await functionZip();
  const zip = readBounded(path, LARGEST);
  if (zip === null) throw new Failure(`there is no ${printable(path)}`, "check its path");
  return zip;
}

function codeIn(zip: Uint8Array): Map<string, Uint8Array> {
  let files: Map<string, Uint8Array>;
  try {
    let size = 0;
    const filter = ({ originalSize }: { originalSize: number }) => {
      size += originalSize;
      if (size > LARGEST) throw new Error("too large");
      return true;
    };
    files = new Map(Object.entries(unzipSync(zip, { filter })));
  } catch {
    throw new Failure("the function's zip cannot be read", "name another with --code");
  }
  if (!files.has("index.mjs")) throw new Failure("the function's zip has no index.mjs", "name bssh's with --code");
  return files;
}

function inConfig<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof Failure && error.message.startsWith(CONFIG_FILE)) throw error;
    const said = (error as Error).message.replace(`${SOME_REGION}_password`, "REGION_password");
    throw new Failure(printable(said, 500), `correct ${CONFIG_FILE}`, 78);
  }
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Failure(`${printable(name)} is not UTF-8`, "correct it");
  }
}

/** Nothing but a zip is written over. */
function checkPlace(path: string): void {
  if (placeAt(path) === null) return;
  const [first, second, ...more] = readBounded(path, LARGEST_ZIP)?.subarray(0, 4) ?? [];
  if (first === undefined || (first === 0x50 && second === 0x4b && more.length === 2)) return;
  throw new Failure(`${printable(path)} is there and no zip`, "name another file with --out");
}
