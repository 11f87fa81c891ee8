// What the CA costs: the zip's own code in plain Node.js, from its loading to the first certificate and for each one after it,
// beside node:crypto alone and ssh-keygen -s. KMS is a server on loopback that answers at once.
import { constants, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleFunction } from "../../.ci/build-ca.ts";
import { signDigest } from "../../src/sandbox/aws/ecdsa.ts";
import { formatValidity } from "../../src/wire/kmsauth.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { median } from "./measure.ts";

/** Milliseconds, medians. */
export type CaKind = {
  readonly name: string;
  /** From the import of the function to its first certificate, and the import alone. */
  readonly cold: number;
  readonly load: number;
  /** One certificate more without the signature, and the signature; where KMS signs, its call is in the first. */
  readonly handled: number;
  readonly signed: number;
};
export type CaFigures = { readonly kinds: readonly CaKind[]; readonly sshKeygen: number; readonly zipped: number };

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const TOKEN = Buffer.from("token");
const PASSPHRASE = "not much of a secret";
/** DigestInfo of SHA-512 up to the digest: RFC 8017, section 9.2, note 1. */
const DIGEST_INFO = Buffer.from("3051300d060960864801650304020305000440", "hex");

const PAIRS: Readonly<Record<string, () => Pair>> = {
  ed25519: () => generateKeyPairSync("ed25519"),
  "ecdsa-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "ecdsa-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "ecdsa-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  rsa: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
};

/** Compiles the function and measures it with every kind of key, `rounds` containers of each. */
export async function measureCa(folder: string, rounds: number): Promise<CaFigures> {
  const files = await bundleFunction();
  const kinds: CaKind[] = [];
  let keygen = Number.NaN;
  // A trial run of one round only shows that it can be measured.
  for (const [type, make] of Object.entries(PAIRS).slice(0, rounds > 1 ? undefined : 1)) {
    const pair = make();
    const kms = startKms(pair);
    try {
      for (const place of ["file", "kms"] as const) {
        const at = join(folder, `ca-${place}-${type}`);
        layOut(at, files, pair, place);
        kinds.push(await measureKind(at, place, type, kms, rounds));
      }
      if (type === "ed25519") keygen = sshKeygen(join(folder, "ca-file-ed25519"), rounds);
    } finally {
      await kms.stop();
    }
  }
  const zipped = [...files.values()].reduce((sum, bytes) => sum + Bun.gzipSync(new Uint8Array(bytes)).length, 0);
  return { kinds, sshKeygen: keygen, zipped };
}

function layOut(folder: string, files: ReadonlyMap<string, Uint8Array>, { privateKey }: Pair, place: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  const encrypted = { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: PASSPHRASE } as const;
  writeFileSync(join(folder, "ca.pem"), privateKey.export(encrypted), { mode: 0o600 });
  const key =
    place === "kms"
      ? ["[Bssh]", `ca_kms_key = ${KEY_ARN}`]
      : [
          "[Bless CA]",
          `default_password = ${Buffer.from(PASSPHRASE).toString("base64")}`,
          "ca_private_key_file = ca.pem",
        ];
  const kmsauth = ["[KMS Auth]", "use_kmsauth = True", `kmsauth_key_id = ${KEY_ARN}`, "kmsauth_serviceid = bless"];
  writeFileSync(join(folder, "bless_deploy.cfg"), [...key, ...kmsauth, ""].join("\n"));
  const user = generateKeyPairSync("ed25519").publicKey;
  const event = {
    bastion_ips: "192.0.2.1",
    bastion_user: "alice",
    bastion_user_ip: "192.0.2.1",
    command: "*",
    public_key_to_sign: formatPublicKey({ type: "ssh-ed25519", blob: publicBlob(user), comment: "alice" }),
    remote_usernames: "alice",
    kmsauth_token: TOKEN.toString("base64"),
  };
  writeFileSync(join(folder, "event.json"), JSON.stringify(event));
}

type Kms = {
  readonly url: string;
  /** Milliseconds that it has thought since it was last asked: AWS's time, not the CA's. */
  readonly spent: () => number;
  readonly stop: () => Promise<void>;
};

/** KMS that knows one key and believes everybody. */
function startKms({ publicKey, privateKey }: Pair): Kms {
  const validity = formatValidity(Date.now() - 180_000, Date.now() + 3_400_000);
  const spki = publicKey.export({ format: "der", type: "spki" });
  let spent = 0;
  function signature(message: Uint8Array): Uint8Array {
    if (privateKey.asymmetricKeyType === "ed25519") return sign(null, message, privateKey);
    if (privateKey.asymmetricKeyType === "ec") return signDigest(privateKey, message);
    const padded = Buffer.concat([DIGEST_INFO, message]);
    return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, padded);
  }
  function answer(action: string, { CiphertextBlob = "", Message = "" }: Record<string, string>): object {
    if (action === "GetPublicKey") return { PublicKey: spki.toString("base64") };
    if (action === "Sign")
      return { Signature: Buffer.from(signature(Buffer.from(Message, "base64"))).toString("base64") };
    const isToken = CiphertextBlob === TOKEN.toString("base64");
    return { Plaintext: isToken ? Buffer.from(validity).toString("base64") : CiphertextBlob };
  }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const fields = (await request.json()) as Record<string, string>;
      const from = performance.now();
      const said = answer(request.headers.get("x-amz-target")?.replace("TrentService.", "") ?? "", fields);
      spent += performance.now() - from;
      return Response.json({ KeyId: KEY_ARN, ...said });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    spent() {
      const before = spent;
      spent = 0;
      return before;
    },
    stop: () => server.stop(true),
  };
}

type Container = Omit<CaKind, "name">;

async function measureKind(
  folder: string,
  place: "file" | "kms",
  type: string,
  kms: Kms,
  rounds: number,
): Promise<CaKind> {
  const containers: Container[] = [];
  for (let round = -1; round < rounds; round++) {
    kms.spent();
    const cold = await runContainer(folder, 0, kms);
    if (round >= 0) containers.push({ ...cold, cold: cold.cold - kms.spent() });
  }
  // What is warm is what the engine has compiled: some hundred certificates; a trial run has no time for that.
  const warm = await runContainer(folder, rounds > 1 ? 300 : 5, kms, rounds > 1 ? 1500 : 5);
  const of = (name: "cold" | "load") => median(containers.map((container) => container[name]));
  const { handled, signed } = warm;
  return { name: `${place === "kms" ? "KMS, " : ""}${type}`, cold: of("cold"), load: of("load"), handled, signed };
}

async function runContainer(folder: string, rounds: number, { url }: Kms, warmUp = 0): Promise<Container> {
  const child = Bun.spawn(["node", join(import.meta.dir, "ca-container.mjs"), folder, `${rounds}`, `${warmUp}`], {
    env: {
      PATH: process.env["PATH"] ?? "",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "none",
      AWS_SESSION_TOKEN: "none",
      AWS_ENDPOINT_URL: url,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`the CA's function: ${said.slice(0, 2000)}`);
  return JSON.parse(said) as Container;
}

/** What ssh-keygen takes for a certificate, its own start included: milliseconds, median. */
function sshKeygen(folder: string, rounds: number): number {
  const run = (words: readonly string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["ssh-keygen", "-q", ...words], { stdin: "ignore", stdout: "ignore" });
    if (exitCode !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  };
  const [ca, user] = [join(folder, "ssh-ca"), join(folder, "user")];
  for (const path of [ca, user]) run(["-t", "ed25519", "-N", "", "-f", path]);
  const times: number[] = [];
  for (let round = -1; round < rounds * 4; round++) {
    const from = performance.now();
    run(["-s", ca, "-I", "alice", "-n", "alice", "-V", "+2m", `${user}.pub`]);
    if (round >= 0) times.push(performance.now() - from);
  }
  return median(times);
}
