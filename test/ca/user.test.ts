import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { auditLine } from "../../src/ca/audit.ts";
import { parseRevocations } from "../../src/ca/revocations.ts";
import { encodeUserRequest } from "../../src/wire/bless.ts";
import { concat, string, text } from "../../src/wire/bytes.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint, signBytes } from "../../src/wire/signature.ts";
import { sshKeygen } from "../wire/support.ts";
import { authorityBlob, certificateIn, invocation, makeToken, makeWorld, NOW, personLine, request } from "./world.ts";

describe("the certificate", () => {
  test("has the contents that BLESS gives it, and our serial and signature", async () => {
    const certificate = certificateIn(await makeWorld().ask(request));
    expect(certificate).toMatchObject({
      type: "ssh-ed25519-cert-v01@openssh.com",
      kind: "user",
      principals: ["alice"],
      publicKey: parsePublicKey(personLine).blob,
      signatureKey: authorityBlob,
      signatureType: "ssh-ed25519",
      validAfter: BigInt(NOW / 1000 - 120),
      validBefore: BigInt(NOW / 1000 + 120),
      comment: "alice's laptop",
    });
    expect([...certificate.criticalOptions]).toEqual([["source-address", "192.0.2.1"]]);
    expect([...certificate.extensions.keys()]).toEqual([
      "permit-X11-forwarding",
      "permit-agent-forwarding",
      "permit-port-forwarding",
      "permit-pty",
      "permit-user-rc",
    ]);
    expect(certificate.nonce.length).toBe(32);
    const digits = new Bun.CryptoHasher("md5").update(parsePublicKey(personLine).blob).digest("hex").match(/../g) ?? [];
    expect(certificate.keyId).toBe(
      `request[9a7e-request] for[alice] from[198.51.100.7] command[ssh web1] ssh_key[ED25519 ${digits.join(":")}]  ` +
        "ca[arn:aws:lambda:eu-west-1:111122223333:function:bless] valid_to[2024/05/06 07:10:09]",
    );
  });

  test("is one that ssh-keygen reads and verifies", async () => {
    const answer = await makeWorld().ask(request);
    if (!("certificate" in answer)) throw new Error(answer.errorMessage);
    const { status, stdout } = sshKeygen(["-L", "-f", "-"], `${answer.certificate}\n`);
    expect(status).toBe(0);
    expect(stdout).toContain("source-address 192.0.2.1");
  });

  test("follows the settings", async () => {
    const world = makeWorld({
      validityBeforeSeconds: 0,
      validityAfterSeconds: 1800,
      extensions: [],
      functionArn: "arn:other",
      remoteUsernamesValidation: "useradd",
      remoteUsernamesAllowed: ["*"],
    });
    const certificate = certificateIn(await world.ask({ ...request, remote_usernames: "web,alice,db" }));
    expect(certificate.principals).toEqual(["web", "alice", "db"]);
    expect(certificate.extensions.size).toBe(0);
    expect(certificate.validAfter).toBe(BigInt(NOW / 1000));
    expect(certificate.validBefore).toBe(BigInt(NOW / 1000 + 1800));
    expect(certificate.keyId).toContain(" ca[arn:other] valid_to[2024/05/06 07:38:09]");
  });

  test("has a serial of 63 bits that differs each time and is never 0", async () => {
    const serials = new Set<bigint>();
    for (let round = 0; round < 20; round++) serials.add(certificateIn(await makeWorld().ask(request)).serial);
    expect(serials.size).toBe(20);
    for (const byte of [0x00, 0x80, 0xff]) {
      const random = (count: number): Uint8Array =>
        new Uint8Array(count).map((_, index) => (index === 0 || byte > 0x80 ? byte : 0));
      const { serial } = certificateIn(await makeWorld({}, { random }).ask(request));
      expect(serial).toBe(byte === 0xff ? 2n ** 63n - 1n : 1n);
    }
  });

  test("keeps whatever the command holds within its brackets, on one line and short", async () => {
    const forged = "x] for[root]\n request[1]\u0007\u2028\u202e é";
    const { keyId } = certificateIn(await makeWorld().ask({ ...request, command: forged }));
    expect(keyId).toContain("command[x} for{root}  request{1}  é]");
    expect(keyId.match(/for\[/g)?.length).toBe(1);
    const long = certificateIn(await makeWorld().ask({ ...request, command: "a\u{1f512}".repeat(20_000) })).keyId;
    expect(long.length).toBeLessThan(700);
    expect(long).toContain("…]");
    expect(certificateIn(await makeWorld().ask({ ...request, command: "" })).keyId).toContain("command[] ");
  });

  test("keeps names with brackets within theirs", async () => {
    const world = makeWorld({ usernameValidation: "principal" });
    const name = "a]for[root]";
    const event = { ...request, bastion_user: name, remote_usernames: name, kmsauth_token: makeToken({ from: name }) };
    const certificate = certificateIn(await world.ask(event));
    expect(certificate.keyId).toContain("for[a}for{root}] from[");
    expect(certificate.principals).toEqual([name]);
  });

  test("is signed with SHA-512 by an rsa CA, and never with SHA-1", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signer = { publicBlob: publicBlob(privateKey), sign: (bytes: Uint8Array) => signBytes(privateKey, bytes) };
    expect(certificateIn(await makeWorld({}, { signer }).ask(request)).signatureType).toBe("rsa-sha2-512");
  });

  test("is for any kind of key that ssh has", async () => {
    const keys = [
      generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
      generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey,
    ];
    for (const [index, type] of ["ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521"].entries()) {
      const key = keys[index];
      if (key === undefined) throw new Error("no key");
      const line = formatPublicKey({ type, blob: publicBlob(key), comment: "" });
      const certificate = certificateIn(await makeWorld().ask({ ...request, public_key_to_sign: line }));
      expect(certificate.type).toBe(`${type}-cert-v01@openssh.com`);
      expect(certificate.keyId).toContain(type === "ssh-rsa" ? "ssh_key[RSA " : "ssh_key[ECDSA ");
      expect(certificate.comment).toBe("");
    }
  });
});

describe("the handler", () => {
  test("takes what the client encodes", async () => {
    const event = JSON.parse(new TextDecoder().decode(encodeUserRequest(request)));
    expect(certificateIn(await makeWorld().ask(event)).principals).toEqual(["alice"]);
  });

  test("without kmsauth trusts whoever may invoke it", async () => {
    const { kmsauth_token: _, ...event } = request;
    const world = makeWorld({ kmsauth: null });
    expect(certificateIn(await world.ask({ ...event, remote_usernames: "root" })).principals).toEqual(["root"]);
  });

  test("answers ClientError when the CA cannot sign, and gives no cause away", async () => {
    const signers = [
      () => Promise.reject(new TypeError("secret detail")),
      async () => new Uint8Array(3),
      (bytes: Uint8Array) => signBytes(generateKeyPairSync("ed25519").privateKey, bytes),
    ];
    for (const sign of signers) {
      const world = makeWorld({}, { signer: { publicBlob: authorityBlob, sign } });
      expect(await world.ask(request)).toEqual({
        errorType: "ClientError",
        errorMessage: "The certificate could not be signed.",
      });
      expect(JSON.stringify(world.records)).not.toContain("secret detail");
    }
  });

  test("logs one record for each answer, and never the token", async () => {
    const world = makeWorld();
    const answer = await world.ask(request);
    await world.ask({ ...request, kmsauth_token: undefined });
    await world.ask({ ...request, remote_usernames: "root" });
    await world.ask({ ...request, kmsauth_token: makeToken({ keyId: "other" }) });
    await world.ask({ ...request, kmsauth_token: `${request.kmsauth_token}x` });
    expect(world.records.length).toBe(5);
    expect(world.records[0]).toEqual({
      time: "2024-05-06T07:08:09.000Z",
      event: "decision",
      decision: "granted",
      kind: "user",
      ...invocation,
      user: "alice",
      proof: "kmsauth",
      userAddress: "198.51.100.7",
      sourceAddress: "192.0.2.1",
      command: "ssh web1",
      principals: ["alice"],
      validAfter: "2024-05-06T07:06:09Z",
      validBefore: "2024-05-06T07:10:09Z",
      ca: sha256Fingerprint(authorityBlob),
      publicKey: sshKeygen(["-l", "-f", "-"], `${personLine}\n`).stdout.split(" ")[1],
      keyId: certificateIn(answer).keyId,
      serial: `${certificateIn(answer).serial}`,
    });
    expect(world.records.slice(1).map((record) => record["errorType"])).toEqual([
      "InputValidationError",
      "KMSAuthValidationError",
      "KMSAuthValidationError",
      "KMSAuthValidationError",
    ]);
    expect(JSON.stringify(world.records)).not.toContain((request.kmsauth_token ?? "").slice(0, 40));
  });

  test("gives its test user a certificate that is good at no time, after the same proof as anyone's", async () => {
    for (const testUser of ["alice", "canary"]) {
      const world = makeWorld({ testUser, remoteUsernamesAllowed: ["*"] });
      const certificate = certificateIn(await world.ask({ ...request, remote_usernames: "canary" }));
      expect(certificate.validAfter).toBe(BigInt(NOW / 1000 + 1));
      expect(certificate.validBefore).toBe(BigInt(NOW / 1000));
      const stranger = { ...request, remote_usernames: "canary", kmsauth_token: makeToken({ from: "mallory" }) };
      expect(await world.ask(stranger)).toHaveProperty("errorType", "KMSAuthValidationError");
    }
  });

  test("certifies no key of the CA's own, and no key that is nobody's", async () => {
    const ca = formatPublicKey({ type: "ssh-ed25519", blob: authorityBlob, comment: "" });
    expect(await makeWorld().ask({ ...request, public_key_to_sign: ca })).toEqual({
      errorType: "InputValidationError",
      errorMessage: "The public key is the CA's own.",
    });
    for (const sign of [0, 0x80]) {
      const point = Uint8Array.of(1, ...new Uint8Array(30), sign);
      const line = formatPublicKey({
        type: "ssh-ed25519",
        blob: concat(text("ssh-ed25519"), string(point)),
        comment: "",
      });
      expect(await makeWorld().ask({ ...request, public_key_to_sign: line })).toEqual({
        errorType: "InputValidationError",
        errorMessage: "{'public_key_to_sign': ['Invalid SSH Public Key.']}",
      });
    }
  });

  test("logs every principal that it certifies, and all that could be read of what it refuses", async () => {
    const names = [...Array.from({ length: 200 }, (_, index) => `u${index}`), "root"];
    const world = makeWorld({ remoteUsernamesAllowed: ["*"] });
    certificateIn(await world.ask({ ...request, remote_usernames: names.join() }));
    await world.ask({ ...request, remote_usernames: "root", bastion_ips: "nowhere" });
    expect(world.records[0]).toMatchObject({ decision: "granted", principals: names });
    expect(world.records[1]).toMatchObject({
      decision: "refused",
      user: "alice",
      principals: ["root"],
      sourceAddress: "nowhere",
      command: "ssh web1",
      publicKey: sha256Fingerprint(parsePublicKey(personLine).blob),
    });
  });

  test("writes lines that move no cursor and break nowhere", () => {
    const hostile = "\u009b2J\u0085\u2028\u202e\n\u0000\u{e0001}é";
    const line = auditLine({ command: hostile });
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(line)).toEqual({ command: hostile });
  });

  test("gives nothing to a key or a person that is revoked", async () => {
    const revocations = parseRevocations(
      JSON.stringify({
        version: 1,
        revocations: [
          { kind: "person", value: "mallory", at: "2024-05-01T00:00:00Z", reason: "left" },
          {
            kind: "key",
            value: sha256Fingerprint(parsePublicKey(personLine).blob),
            at: "2024-05-01T00:00:00Z",
            reason: "",
          },
        ],
      }),
    );
    const world = makeWorld({ revocations, remoteUsernamesAllowed: ["*"] });
    expect(await world.ask(request)).toEqual({
      errorType: "InputValidationError",
      errorMessage: "The public key is revoked.",
    });
    const other = formatPublicKey({
      type: "ssh-ed25519",
      blob: publicBlob(generateKeyPairSync("ed25519").publicKey),
      comment: "",
    });
    for (const names of [{ bastion_user: "mallory" }, { remote_usernames: "web,mallory" }]) {
      expect(await world.ask({ ...request, ...names, public_key_to_sign: other })).toEqual({
        errorType: "KMSAuthValidationError",
        errorMessage: "mallory is revoked.",
      });
    }
    expect(await world.ask({ ...request, public_key_to_sign: other })).toHaveProperty("certificate");
    expect(world.records.map(({ decision }) => decision)).toEqual(["refused", "refused", "refused", "granted"]);
  });

  test("gives nothing out when it cannot log", async () => {
    const log = (): void => {
      throw new Error("the log is full");
    };
    await expect(makeWorld({}, { log }).ask(request)).rejects.toThrow("the log is full");
  });

  test("cannot be made with times that cannot be", () => {
    expect(() => makeWorld({ validityAfterSeconds: 0 })).toThrow();
    expect(() => makeWorld({ validityBeforeSeconds: -1 })).toThrow();
    expect(() => makeWorld({ validityAfterSeconds: 86_400 })).toThrow("longer than 86400 seconds");
    expect(() => makeWorld({ validityAfterSeconds: Number.NaN })).toThrow();
  });
});
