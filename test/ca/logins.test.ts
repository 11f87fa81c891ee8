// The promise: what the CA signs, real sshd lets in, and keeps out where it should: every kind of CA key and of user key,
// addresses, principals, times, and two CAs while keys are rotated. ssh-keygen, sshd and ssh judge.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSigner } from "../../src/ca/keys.ts";
import { makeReader } from "../../src/wire/bytes.ts";
import type { CertificateSigner } from "../../src/wire/certificate-maker.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { sshKeygen } from "../wire/support.ts";
import { run, type Server, startServer } from "./server.ts";
import { makeWorld, request, type WorldParts } from "./world.ts";

const CAS = {
  ed25519: () => generateKeyPairSync("ed25519"),
  rsa: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  "ecdsa-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "ecdsa-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "ecdsa-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
} as const;
type CaType = keyof typeof CAS;
const CA_TYPES = Object.keys(CAS) as CaType[];
/** ssh-keygen's words for each kind of key; the security keys are played by an agent in software. */
const KEYS = {
  ed25519: ["-t", "ed25519"],
  rsa: ["-t", "rsa", "-b", "2048"],
  "ecdsa-256": ["-t", "ecdsa", "-b", "256"],
  "ecdsa-384": ["-t", "ecdsa", "-b", "384"],
  "ecdsa-521": ["-t", "ecdsa", "-b", "521"],
} as const;
const SECURITY_KEYS = ["ed25519", "ecdsa"] as const;

const signers = Object.fromEntries(
  CA_TYPES.map((type) => {
    const { privateKey } = CAS[type]();
    return [type, readSigner(String(privateKey.export({ format: "pem", type: "pkcs8" })))];
  }),
) as Record<CaType, CertificateSigner>;

let server: Server;
type Token = { readonly kind: string; readonly line: string; readonly socket: string; readonly stop: () => void };
const tokens: Token[] = [];

function lineOf({ publicBlob }: CertificateSigner): string {
  return formatPublicKey({ type: makeReader(publicBlob).text(), blob: publicBlob, comment: "" });
}

/** Asks the CA of that type, now, without kmsauth; stores the certificate in a file of the server's folder. */
async function certify(
  name: string,
  ca: CaType,
  publicKey: string,
  fields: Partial<typeof request> = {},
  parts: WorldParts = {},
): Promise<string> {
  const world = makeWorld({ kmsauth: null }, { now: Date.now, signer: signers[ca], ...parts });
  const ours = { bastion_ips: "127.0.0.1", remote_usernames: "alice", public_key_to_sign: publicKey, ...fields };
  const { kmsauth_token: _, ...event } = { ...request, ...ours };
  const answer = await world.ask(event);
  if (!("certificate" in answer)) throw new Error(answer.errorMessage);
  const path = join(server.folder, `${name}-cert.pub`);
  writeFileSync(path, `${answer.certificate}\n`);
  return path;
}

function publicKeyOf(kind: keyof typeof KEYS): string {
  return readFileSync(join(server.folder, `${kind}.pub`), "utf8");
}

/** Not `toContain`, which would print the whole log. */
function hasLogged(what: string | RegExp): boolean {
  return typeof what === "string" ? server.log().includes(what) : what.test(server.log());
}

async function loginWith(kind: keyof typeof KEYS, certificate: string): Promise<number> {
  const { status } = await server.login(["-i", join(server.folder, kind), "-o", `CertificateFile=${certificate}`]);
  return status;
}

beforeAll(async () => {
  server = await startServer((folder) => {
    writeFileSync(join(folder, "cas.pub"), CA_TYPES.map((type) => `${lineOf(signers[type])}\n`).join(""));
    writeFileSync(join(folder, "principals"), "alice\n");
    return [`TrustedUserCAKeys ${folder}/cas.pub`, `AuthorizedPrincipalsFile ${folder}/principals`];
  });
  for (const [kind, words] of Object.entries(KEYS)) {
    run(["ssh-keygen", "-q", ...words, "-N", "", "-C", "alice's laptop", "-f", join(server.folder, kind)]);
  }
  for (const kind of SECURITY_KEYS) {
    const socket = join(server.folder, `token-${kind}`);
    const agent = Bun.spawn([process.execPath, join(import.meta.dir, "../e2e/security-key-agent.ts"), socket, kind], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const { value } = await agent.stdout.getReader().read();
    const line = new TextDecoder().decode(value).split("\n")[0] ?? "";
    tokens.push({ kind, line, socket, stop: () => agent.kill() });
  }
});
afterAll(async () => {
  for (const { stop } of tokens) stop();
  await server.close();
});

describe("a CA with a key of the kind", () => {
  for (const ca of CA_TYPES) {
    test(`${ca} certifies every kind of user key, so that ssh-keygen verifies it and sshd lets it in`, async () => {
      const plain = async (kind: keyof typeof KEYS) => {
        const path = await certify(`${ca}-${kind}`, ca, publicKeyOf(kind));
        const { status, stdout } = sshKeygen(["-L", "-f", path]);
        expect(status).toBe(0);
        expect(stdout).toContain("source-address 127.0.0.1");
        const using = /Signing CA: .* \(using ([a-z0-9-]+)\)/.exec(stdout)?.[1];
        expect(using).toBe(
          { rsa: "rsa-sha2-512", ed25519: "ssh-ed25519" }[ca as string] ?? `ecdsa-sha2-nistp${ca.slice(6)}`,
        );
        expect(await loginWith(kind, path), `${kind} by ${ca}`).toBe(52);
      };
      const onToken = async ({ kind, line, socket }: Token) => {
        const path = await certify(`${ca}-sk-${kind}`, ca, line);
        expect(sshKeygen(["-L", "-f", path]).status).toBe(0);
        const key = join(server.folder, `sk-${kind}.pub`);
        writeFileSync(key, `${line}\n`);
        const words = ["-i", key, "-o", `CertificateFile=${path}`, "-o", `IdentityAgent=${socket}`];
        expect((await server.login(words)).status, `sk-${kind} by ${ca}`).toBe(52);
      };
      await Promise.all([...(Object.keys(KEYS) as (keyof typeof KEYS)[]).map(plain), ...tokens.map(onToken)]);
    }, 60_000);
  }
});

describe("sshd keeps out a certificate", () => {
  const refused = 255;

  test("for other addresses than the one it is used from, and takes it where one of several fits", async () => {
    const key = publicKeyOf("ed25519");
    expect(await loginWith("ed25519", await certify("there", "ed25519", key, { bastion_ips: "192.0.2.1" }))).toBe(
      refused,
    );
    expect(await loginWith("ed25519", await certify("v6", "ed25519", key, { bastion_ips: "::1,2001:db8::/32" }))).toBe(
      refused,
    );
    const several = await certify("several", "ed25519", key, { bastion_ips: "192.0.2.1,2001:db8::/32,127.0.0.0/8" });
    expect(await loginWith("ed25519", several)).toBe(52);
    expect(hasLogged("not from a permitted source address")).toBe(true);
  });

  test("without a principal that the account's AuthorizedPrincipalsFile names, among them one that only looks like it", async () => {
    const key = publicKeyOf("ed25519");
    for (const remote_usernames of ["bob", "Alice", "alice2,root"]) {
      expect(await loginWith("ed25519", await certify("other", "ed25519", key, { remote_usernames }))).toBe(refused);
    }
    const path = await certify("both", "ed25519", key, { remote_usernames: "bob,alice" });
    expect(await loginWith("ed25519", path)).toBe(52);
  });

  test("that has expired, is not yet valid, or is the test user's", async () => {
    const key = publicKeyOf("ed25519");
    for (const hours of [-1, 1]) {
      const now = () => Date.now() + hours * 3_600_000;
      expect(await loginWith("ed25519", await certify(`time${hours}`, "ed25519", key, {}, { now }))).toBe(refused);
    }
    expect(hasLogged("Certificate invalid: expired")).toBe(true);
    expect(hasLogged("Certificate invalid: not yet valid")).toBe(true);
    const world = makeWorld({ kmsauth: null, testUser: "alice" }, { now: Date.now, signer: signers.ed25519 });
    const answer = await world.ask({ ...request, bastion_ips: "127.0.0.1", public_key_to_sign: key });
    if (!("certificate" in answer)) throw new Error(answer.errorMessage);
    const path = join(server.folder, "canary-cert.pub");
    writeFileSync(path, `${answer.certificate}\n`);
    expect(sshKeygen(["-L", "-f", path]).status).toBe(0);
    expect(await loginWith("ed25519", path)).toBe(refused);
  });

  test("of a CA that has been taken out of TrustedUserCAKeys, while the other's still serve", async () => {
    const key = publicKeyOf("ed25519");
    const [old, young] = [await certify("old", "rsa", key), await certify("young", "ecdsa-256", key)];
    expect(await loginWith("ed25519", old)).toBe(52);
    expect(await loginWith("ed25519", young)).toBe(52);
    // sshd reads the file at every login.
    const file = join(server.folder, "cas.pub");
    const both = readFileSync(file, "utf8");
    writeFileSync(
      file,
      both
        .split("\n")
        .filter((line) => line !== lineOf(signers.rsa))
        .join("\n"),
    );
    expect(await loginWith("ed25519", old)).toBe(refused);
    expect(await loginWith("ed25519", young)).toBe(52);
    writeFileSync(file, both);
  });

  test("and logs the serial and the key ID of one that it lets in", async () => {
    const path = await certify("logged", "ed25519", publicKeyOf("ed25519"));
    const { stdout } = sshKeygen(["-L", "-f", path]);
    expect(await loginWith("ed25519", path)).toBe(52);
    const serial = /Serial: (\d+)/.exec(stdout)?.[1];
    const line = `ID request\\[9a7e-request\\] for\\[alice\\].* \\(serial ${serial}\\) CA ED25519 `;
    expect(hasLogged(new RegExp(line))).toBe(true);
  });
});
