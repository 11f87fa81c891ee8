// What AWS knows of the CA's keys, asked with the credentials at hand; no session, token or role is made for it.
import { createPublicKey } from "node:crypto";
import { loadConfig } from "../../config/load.ts";
import { Failure, printable } from "../../failure.ts";
import { call as callAws, type Errand } from "../../issue/errand.ts";
import type { About } from "../../issue/errors.ts";
import type { Keys } from "../../issue/keys.ts";
import { invokeFunction, splitFunction } from "../../issue/lambda.ts";
import { openErrand } from "../../issue/open.ts";
import { ownKeys } from "../../issue/own-keys.ts";
import { askOnTerminal } from "../../terminal/ask.ts";
import { say, tracer } from "../../terminal/say.ts";
import { WireError } from "../../wire/bytes.ts";
import { parsePublicKey } from "../../wire/public-key.ts";
import { publicBlob } from "../../wire/signature.ts";
import type { CommandCall } from "../call.ts";
import { usage } from "../words.ts";

export type CaQuestions = {
  /** Blob of the public half of a KMS key, named by its ARN, its id or an alias. Throws Failure. */
  readonly kmsKey: (key: string) => Promise<Uint8Array>;
  /** Blobs of the public keys that a CA's function gives for its own. Throws Failure. */
  readonly functionKeys: (name: string) => Promise<readonly Uint8Array[]>;
  readonly close: () => void;
};

const LONGEST_ANSWER = 256 * 1024;

/** Opens the way to AWS; `region` is for what is not named by an ARN, null for the environment's or the config's. */
export async function askAws(call: CommandCall, region: string | null): Promise<CaQuestions> {
  const { settings, paths } = loadConfig(call.environment, call.readText);
  const errand = await openErrand({
    settings: { ...settings, function: settings.function ?? "-" },
    state: paths.state,
    publicKey: "",
    environment: call.environment,
    ask: ({ text, kind, signal }) => askOnTerminal({ text, secret: kind === "code", signal }),
    say,
    trace: tracer(call.environment),
    now: () => Date.now(),
    useCaches: true,
    region: null,
  });
  const elsewhere = () => {
    const found = region ?? errand.source.region ?? settings.regions[0]?.awsRegion;
    if (found === undefined) throw usage("ca public-key", "no AWS region is configured, and --region is not given");
    return found;
  };
  const keysIn = (where: string) => ownKeys(errand, where, (device) => errand.questioner.code(device, undefined));
  return {
    async kmsKey(key) {
      const where = regionOf(key, "kms") ?? elsewhere();
      return await kmsKey(errand, await keysIn(where), where, key);
    },
    async functionKeys(name) {
      const where = regionOf(name, "lambda") ?? elsewhere();
      return await functionKeys(errand, await keysIn(where), where, name);
    },
    close: () => errand.close(),
  };
}

function regionOf(arn: string, service: string): string | null {
  return new RegExp(`^arn:[^:]+:${service}:([a-z0-9-]+):`).exec(arn)?.[1] ?? null;
}

async function kmsKey(errand: Errand, keys: Keys, region: string, KeyId: string): Promise<Uint8Array> {
  // Not "KMS": what is said of that service is said of the kmsauth key.
  const about: About = { service: "AWS KMS", action: "GetPublicKey", region, source: errand.source.name };
  const answer = await callAws(errand, about, (abortSignal) =>
    errand.clients.kms(region, keys, (client, sdk) =>
      client.send(new sdk.GetPublicKeyCommand({ KeyId }), { abortSignal }),
    ),
  );
  const { PublicKey: der, KeyUsage: use } = answer;
  const name = printable(KeyId, 200);
  if (use !== "SIGN_VERIFY" || der === undefined) {
    throw new Failure(`the KMS key ${name} is not one that signs`, "name the CA's asymmetric key");
  }
  try {
    return publicBlob(createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" }));
  } catch {
    throw new Failure(
      `the KMS key ${name} is of a kind that ssh does not know`,
      "a CA takes ECDSA on a NIST curve, Ed25519 or RSA",
    );
  }
}

async function functionKeys(errand: Errand, keys: Keys, region: string, word: string): Promise<Uint8Array[]> {
  const target = splitFunction(word) ?? { name: word, version: null };
  const source = errand.source.name;
  const about: About = {
    service: "Lambda",
    action: "Invoke",
    region,
    source,
    function: target.name,
    role: `the credentials of ${source}`,
  };
  const answer = await invokeFunction(errand, about, keys, target, new TextEncoder().encode('{"bssh":"check"}'));
  try {
    const payload = answer.Payload ?? new Uint8Array(0);
    if (payload.length > LONGEST_ANSWER) throw new WireError("an answer that is too long");
    const { publicKeys } = JSON.parse(new TextDecoder().decode(payload)) as { publicKeys?: unknown };
    if (!Array.isArray(publicKeys) || publicKeys.length === 0) throw new WireError("an answer without keys");
    return publicKeys.map((line) => parsePublicKey(String(line)).blob);
  } catch {
    throw new Failure(
      `the function ${printable(target.name, 200)} does not tell its public keys`,
      "it is not bssh's CA, or an older one: take the key from where it was made, with --key or --kms",
    );
  }
}
