// promise: bssh request sends a host's request as BLESS's own client does, and takes nothing but what it asked for
import { expect, test } from "bun:test";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Failure } from "../../src/failure.ts";
import { sendRequest } from "../../src/issue/request.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { type CertificateOrder, makeCertificate } from "../../src/wire/certificate-maker.ts";
import { parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes } from "../../src/wire/signature.ts";
import { inScene, openScene, type Scene } from "./support.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const signer = { publicBlob: publicBlob(privateKey), sign: (bytes: Uint8Array) => signBytes(privateKey, bytes) };

/** BLESS's host handler in the function's place: signs for whatever names it is given. */
function hostCa(scene: Scene, heard: unknown[], change: Partial<CertificateOrder> = {}): void {
  scene.world.functions.set(scene.world.functionName, async (payload) => {
    const request = JSON.parse(new TextDecoder().decode(payload));
    heard.push(request);
    const now = BigInt(Math.floor(Date.now() / 1000));
    const order: CertificateOrder = {
      publicKey: parsePublicKey(request.public_key_to_sign).blob,
      kind: "host",
      serial: 0n,
      keyId: "request[x]",
      principals: request.hostnames.split(","),
      validAfter: now - 120n,
      validBefore: now + 31_536_000n,
      criticalOptions: new Map(),
      extensions: new Map(),
      nonce: new Uint8Array(randomBytes(32)),
    };
    const certificate = await makeCertificate({ ...order, ...change }, signer);
    return { payload: new TextEncoder().encode(JSON.stringify({ certificate })) };
  });
}

/** Sends it with the role's session, which may invoke the function. */
async function send(scene: Scene, hostnames: string): Promise<string> {
  const { world, settings, publicKey, environment, said, traced } = scene;
  const { openSession, roleCaller } = await import("../../src/sandbox/aws/credentials.ts");
  const keys = openSession(world, roleCaller(world.userRole, "alice", null), 900);
  return sendRequest(
    {
      settings,
      state: `${scene.state}/state`,
      publicKey,
      environment: {
        ...environment,
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        AWS_SESSION_TOKEN: keys.sessionToken,
      },
      ask: async () => null,
      say: (line) => said.push(line),
      trace: (line) => traced.push(line),
      now: () => Date.now(),
      useCaches: true,
      region: null,
    },
    "us-east-1",
    { hostnames, public_key_to_sign: publicKey },
  );
}

test("a host's certificate is asked for with two fields", () =>
  inScene(openScene(), async (scene) => {
    const heard: unknown[] = [];
    hostCa(scene, heard);
    const certificate = parseCertificate(await send(scene, "web1.corp.example,10.0.0.1"));
    expect(certificate.kind).toBe("host");
    expect(certificate.principals).toEqual(["web1.corp.example", "10.0.0.1"]);
    expect(heard).toEqual([{ hostnames: "web1.corp.example,10.0.0.1", public_key_to_sign: scene.publicKey }]);
    expect(scene.calls()).toEqual(["lambda Invoke"]);
    expect(scene.traced.join("\n")).toMatch(/the invocation's request id is [\w-]+/);
  }));

test("a person's certificate in its place is refused", () =>
  inScene(openScene(), async (scene) => {
    hostCa(scene, [], { kind: "user" });
    const error = await send(scene, "web1").catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).message).toBe("the certificate is a user's, not a host's");
  }));
