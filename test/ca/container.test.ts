// The function as it is shipped: the zip's code under Node.js alone, AWS's part played by the sandbox.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { CaAws } from "../../src/ca/aws.ts";
import { signedHeaders } from "../../src/ca/aws-signature.ts";
import { makeContainer } from "../../src/ca/container.ts";
import type { CheckAnswer } from "../../src/ca/container-check.ts";
import type { ContainerParts } from "../../src/ca/container-parts.ts";
import { CA_KEY_TYPES } from "../../src/sandbox/aws/ca-key.ts";
import { openSession, roleCaller, worldSecrets } from "../../src/sandbox/aws/credentials.ts";
import { sealUnder } from "../../src/sandbox/aws/kms.ts";
import type { World } from "../../src/sandbox/aws/world.ts";
import { encodeProof, PROOF_BODY } from "../../src/wire/caller-identity.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { sha256Fingerprint, verifyCertificate } from "../../src/wire/signature.ts";
import { makeAuthorities, sshKeygen } from "../wire/support.ts";
import { type Deployed, deploy, tokenOf } from "./function.ts";
import { personLine, request } from "./world.ts";

let deployed: Deployed | null = null;
afterEach(async () => {
  await deployed?.stop();
  deployed = null;
});
async function start(...words: Parameters<typeof deploy>): Promise<Deployed> {
  deployed = await deploy(...words);
  return deployed;
}

const context = { awsRequestId: "r-1", invokedFunctionArn: "arn:aws:lambda:us-east-1:210987654321:function:bless" };

function eventFor(world: World, more: object = {}): object {
  return { ...request, kmsauth_token: tokenOf(world), ...more };
}

/** The certificate's description by ssh-keygen. */
function described(line: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), "bssh-function-"));
  try {
    writeFileSync(join(folder, "cert.pub"), `${line}\n`);
    return sshKeygen(["-L", "-f", join(folder, "cert.pub")]).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("under Node.js alone, the function for people", () => {
  for (const caKeyType of CA_KEY_TYPES) {
    test(`certifies with a CA key of the kind ${caKeyType}`, async () => {
      const { world, run } = await start({ caKeyType });
      const forged = eventFor(world, { kmsauth_token: tokenOf(world, "mallory") });
      const { answers, log } = await run([
        { event: eventFor(world) },
        { event: forged },
        { event: eventFor(world, { bastion_ips: "0.0.0.0/0" }) },
        { event: { bssh: "check" } },
      ]);

      const [good, bad, wide, check] = answers;
      const certificate = parseCertificate(`${good?.["certificate"]}`);
      expect(verifyCertificate(certificate)).toBe(true);
      expect(certificate.signatureKey).toEqual(parsePublicKey(world.ca.publicKey).blob);
      expect(certificate.principals).toEqual(["alice"]);
      const text = described(good?.["certificate"]);
      expect(text).toContain(`Signing CA: `);
      expect(text).toContain(sha256Fingerprint(certificate.signatureKey));
      expect(text).toContain("source-address 192.0.2.1");
      expect(bad?.["errorType"]).toBe("KMSAuthValidationError");
      expect(wide?.["errorType"]).toBe("InputValidationError");
      expect((check as CheckAnswer | undefined)?.checks.filter(({ ok }) => !ok)).toEqual([]);
      const trusted = (check as CheckAnswer | undefined)?.publicKeys.map((line) => parsePublicKey(line).blob);
      expect(trusted).toEqual([certificate.signatureKey]);

      expect(log.map(({ event, decision }) => decision ?? event)).toEqual(["granted", "refused", "refused", "check"]);
      expect(log[0]).toMatchObject({ requestId: "request-0", serial: `${certificate.serial}` });
      const said = JSON.stringify([answers, log]);
      for (const secret of [tokenOf(world), ...worldSecrets(world)]) expect(said).not.toContain(secret);
    });
  }

  test("reads OpenSSH's keys with a passphrase, compressed in each of BLESS's ways", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bssh-function-"));
    try {
      const path = join(folder, "key");
      for (const [compression, compress] of [
        ["zlib", () => new Uint8Array(deflateSync(readFileSync(path)))],
        ["bz2", () => new Uint8Array(Bun.spawnSync(["bzip2", "-c", path]).stdout)],
      ] as const) {
        const passphrase = `secret-${compression}`;
        rmSync(path, { force: true });
        sshKeygen(["-q", "-t", "ecdsa", "-N", passphrase, "-a", "2", "-Z", "aes256-gcm@openssh.com", "-f", path]);
        const packed = compress();
        const { world, run, stop } = await start({}, "user", (files) => {
          const lines = `ca_private_key_compression = ${compression}\nca_private_key_file = key.packed`;
          const config = `${files.get("bless_deploy.cfg")}`.replace(/^ca_private_key_file = .*$/m, lines);
          files.set("bless_deploy.cfg", config).set("key.packed", packed);
        });
        const { answers } = await run([{ event: eventFor(world) }], {
          bless_ca_us_east_1_password: sealPassphrase(world, passphrase),
        });
        const certificate = parseCertificate(`${answers[0]?.["certificate"]}`);
        const line = await Bun.file(`${path}.pub`).text();
        expect(certificate.signatureKey).toEqual(parsePublicKey(line).blob);
        await stop();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("says which permission is missing to whoever checks it, and the name of the error to others", async () => {
    const { world, run } = await start({
      caKeyType: "kms-ecdsa-256",
      policies: () => ({
        execution: {
          Version: "2012-10-17",
          Statement: [{ Effect: "Deny", Action: "kms:GetPublicKey", Resource: "*" }],
        },
      }),
    });
    const { answers, log } = await run([{ event: eventFor(world) }, { event: { bssh: "check" } }]);
    expect(answers[0]).toEqual({
      errorType: "ClientError",
      errorMessage: "The CA's key cannot be opened (AccessDeniedException).",
      offers: [],
    });
    expect(log[0]).toMatchObject({ decision: "refused", errorType: "ClientError" });
    expect(`${log[0]?.["cause"]}`).toContain("is not authorized to perform: kms:GetPublicKey");
    const check = (answers[1] as CheckAnswer | undefined)?.checks.find(({ name }) => name === "ca-key");
    expect(check?.ok).toBe(false);
    expect(check?.detail).toContain("is not authorized to perform: kms:GetPublicKey");
  });

  test("takes a signed identity where there is Identity Center", async () => {
    const { world, run } = await start({ identityCenter: true, user: "alice" });
    const engineer = [...world.roles.values()].find(({ name }) => name.startsWith("AWSReservedSSO_"));
    if (engineer === undefined) throw new Error("no role of Identity Center");
    const { kmsauth_token: _, ...without } = request;
    const event = (name: string) => ({ ...without, caller_identity: proofOf(world, engineer, name, personLine) });
    const { answers, log } = await run([{ event: event("alice") }, { event: event("mallory") }]);
    expect(answers[0]).toHaveProperty("certificate");
    expect(answers[1]).toMatchObject({ errorType: "KMSAuthValidationError" });
    expect(log[0]).toMatchObject({ decision: "granted", proof: "caller-identity" });
  });
});

test("under Node.js alone, the function for hosts gives a host its own names and no others", async () => {
  const { world, run } = await start({ hosts: ["web1.example.com"] }, "host");
  const { instance } = world;
  const [{ blob } = { blob: new Uint8Array() }] = makeAuthorities().filter(({ name }) => name === "ed25519");
  const line = formatPublicKey({ type: "ssh-ed25519", blob, comment: "" });
  const event = {
    public_key_to_sign: line,
    caller_identity: proofOf(world, instance.role, instance.id, line),
    instance_identity_document: instance.document,
    instance_identity_signature: instance.signature,
  };
  const { answers, log } = await run([
    { entry: "hostHandler", event },
    { entry: "hostHandler", event: { ...event, hostnames: "other.example.com" } },
    { entry: "hostHandler", event: { bssh: "check" } },
    { entry: "handler", event: { ...request } },
  ]);
  expect(parseCertificate(`${answers[0]?.["certificate"]}`).principals).toEqual(["web1.example.com"]);
  expect(described(answers[0]?.["certificate"])).toContain("host certificate");
  expect(answers[1]).toMatchObject({ errorType: "KMSAuthValidationError" });
  expect((answers[2] as CheckAnswer | undefined)?.checks.filter(({ ok }) => !ok)).toEqual([]);
  // Its configuration says nothing of people.
  expect(answers[3]).toMatchObject({ errorType: "ClientError" });
  expect(`${answers[3]?.["errorMessage"]}`).toContain("nobody would have to prove who they are");
  expect(log).toHaveLength(4);
});

describe("a container", () => {
  const [authority] = makeAuthorities();
  const config = "[Bless CA]\nca_private_key_file = key.pem\ndefault_password = AAAA\n[Bssh]\nallow_unproven = yes\n";
  const pem = authority?.privateKey.export({ format: "pem", type: "pkcs8" }) ?? "";
  const never: CaAws = new Proxy({} as CaAws, { get: () => () => Promise.reject(new Error("AWS is not asked")) });

  function container(parts: Partial<ContainerParts>) {
    const records: Record<string, unknown>[] = [];
    const made = makeContainer({
      config,
      environment: { AWS_REGION: "us-east-1" },
      readFile: (name) => (name === "key.pem" ? Buffer.from(pem) : null),
      aws: { ...never, decrypt: async () => ({ plaintext: Buffer.from("x"), keyId: "k" }) },
      now: Date.now,
      random: (count) => crypto.getRandomValues(new Uint8Array(count)),
      log: (record) => records.push(record),
      ...parts,
    });
    return { ...made, records };
  }
  const { kmsauth_token: _, ...event } = request;

  test("that could not open its key tries again at the next request, and asks once when it could", async () => {
    let asked = 0;
    const decrypt: CaAws["decrypt"] = async () => {
      if (asked++ === 0) throw Object.assign(new Error("slow down"), { name: "ThrottlingException" });
      return { plaintext: Buffer.from("x"), keyId: "k" };
    };
    const { handler } = container({ aws: { ...never, decrypt } });
    expect(await handler(event, context)).toMatchObject({ errorType: "ClientError" });
    expect(await handler(event, context)).toHaveProperty("certificate");
    expect(await handler(event, context)).toHaveProperty("certificate");
    expect(asked).toBe(2);
  });

  test("that cannot write its log certifies nothing", async () => {
    const log = () => {
      throw new Error("no space");
    };
    const { handler } = container({ log });
    expect(await handler(event, context)).toMatchObject({ errorType: "ClientError" });
  });

  test("that is wrongly configured says so to everybody, with a line in the log", async () => {
    const wrong = [
      [{ config: "[Bssh]\nallow_unprovn = yes" }, "bless_deploy.cfg:2: [Bssh] has no option allow_unprovn"],
      [{ config: null }, "the CA has no key"],
      [{ config: config.replace("[Bssh]\nallow_unproven = yes\n", "") }, "nobody would have to prove who they are"],
      [{ readFile: () => null }, "names a file that is not there"],
      [{ readFile: (name: string) => (name === "key.pem" ? Buffer.from("CANARY") : null) }, "cannot be opened"],
      [{ config: `${config}revocations = gone.json` }, "gone.json, which is not there"],
    ] as const;
    for (const [parts, what] of wrong) {
      const { handler, records } = container(parts);
      const answer = await handler(event, context);
      expect(answer).toMatchObject({ errorType: "ClientError" });
      expect(JSON.stringify(answer)).toContain(what);
      expect(JSON.stringify([answer, records])).not.toContain("CANARY");
      expect(records).toMatchObject([{ decision: "refused", requestId: "r-1" }]);
    }
  });

  test("refuses who is revoked, and does not work with a list that is broken", async () => {
    const list = (text: string) => ({
      readFile: (name: string) => Buffer.from(name === "key.pem" ? pem : name === "revocations.json" ? text : ""),
    });
    const entry = { kind: "person", value: "alice", at: "2024-01-01T00:00:00Z", reason: "left" };
    const revoked = container(list(JSON.stringify({ version: 1, revocations: [entry] })));
    expect(await revoked.handler(event, context)).toMatchObject({ errorMessage: "alice is revoked." });
    const broken = await container(list("{")).handler(event, context);
    expect(broken).toMatchObject({ errorType: "ClientError" });
    // A CA whose own key is revoked has nothing left to certify with.
    const own = { ...entry, kind: "key", value: sha256Fingerprint(authority?.blob ?? new Uint8Array()) };
    const ended = container(list(JSON.stringify({ version: 1, revocations: [own] })));
    expect(await ended.handler(event, context)).toMatchObject({
      errorType: "ClientError",
      errorMessage: "The CA's own key is revoked.",
    });
    expect(ended.records).toMatchObject([{ decision: "refused", user: "alice", principals: ["alice"] }]);
    const check = (await ended.handler({ bssh: "check" }, context)) as CheckAnswer;
    expect(check.checks.find(({ name }) => name === "revocations")).toMatchObject({ ok: false });
  });

  test("answers whatever it is called with, and takes nothing but the whole event for a check", async () => {
    const { handler } = container({});
    const bare = handler as unknown as (event: unknown) => Promise<object>;
    expect(await bare(event)).toHaveProperty("certificate");
    expect(await handler({ bssh: "check", bastion_user: "alice" }, context)).toMatchObject({
      errorType: "InputValidationError",
    });
  });

  test("lists the keys of a rotation in its check, and logs requests without their proofs when told to", async () => {
    const more = `${config}trusted_ca_keys = old.pub\nlog_requests = on\n`;
    const { handler, records } = container({
      config: more,
      readFile: (name) => (name === "key.pem" ? Buffer.from(pem) : name === "old.pub" ? Buffer.from(personLine) : null),
    });
    const check = (await handler({ bssh: "check" }, context)) as CheckAnswer;
    expect(check.publicKeys[1]).toBe(personLine);
    expect(check.offers).toEqual([]);
    await handler({ ...event, kmsauth_token: "CANARY", caller_identity: "CANARY" }, context);
    expect(records.map((record) => record["event"])).toEqual(["check", "request", "decision"]);
    expect(records[1]).toMatchObject({
      fields: { bastion_user: "alice" },
      others: ["kmsauth_token", "caller_identity"],
    });
    expect(JSON.stringify(records)).not.toContain("CANARY");
  });

  test("resolves kmsauth keys that are no ARNs, once", async () => {
    const named: string[] = [];
    const arn = "arn:aws:kms:us-east-1:111122223333:key/k";
    const { handler } = container({
      config: config.replace(
        "[Bssh]\nallow_unproven = yes\n",
        `[KMS Auth]\nuse_kmsauth = 1\nkmsauth_serviceid = s\nkmsauth_key_id = alias/k, ${arn}\n`,
      ),
      aws: {
        ...never,
        decrypt: async () => ({ plaintext: Buffer.from("x"), keyId: "k" }),
        keyArn: async (key) => {
          named.push(key);
          return `${arn}2`;
        },
      },
    });
    for (let round = 0; round < 2; round++) {
      const { checks } = (await handler({ bssh: "check" }, context)) as CheckAnswer;
      expect(checks.find(({ name }) => name === "kmsauth-keys")?.detail).toBe(`${arn}2,${arn}`);
    }
    expect(named).toEqual(["alias/k"]);
  });
});

function sealPassphrase(world: World, passphrase: string): string {
  const { caKey } = world.regions[0] ?? { caKey: "" };
  return tokenUnder(world, caKey, passphrase);
}

function tokenUnder(world: World, keyArn: string, text: string): string {
  const key = world.keys.get(keyArn);
  if (key?.spec !== "SYMMETRIC_DEFAULT") throw new Error("no such key");
  return Buffer.from(sealUnder(key, Buffer.from(text), {})).toString("base64");
}

/** A proof that a session of the role wants the key in `line` certified. */
function proofOf(world: World, role: Parameters<typeof roleCaller>[0], name: string, line: string): string {
  const session = openSession(world, roleCaller(role, name, null), 900);
  const url = new URL(deployed?.url ?? "");
  const headers = signedHeaders(
    {
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      host: url.host,
      "x-bssh-audience": world.kmsauthService,
      "x-bssh-public-key": sha256Fingerprint(parsePublicKey(line).blob),
    },
    Buffer.from(PROOF_BODY),
    { region: "us-east-1", service: "sts" },
    session,
    world.now(),
  );
  return encodeProof({ region: "us-east-1", headers });
}
