import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint } from "../../src/wire/signature.ts";
import { makeRandom, sshKeygen } from "../wire/support.ts";
import {
  ACCOUNT,
  HOST_A,
  HOST_B,
  hostAuthority,
  hostBlob,
  hostCertificateIn,
  hostLine,
  makeHostWorld,
  proofText,
  withDocument,
} from "./host-world.ts";
import { invocation, NOW } from "./world.ts";

const nameA = `${HOST_A}.hosts.example.com`;
const nameB = `${HOST_B}.hosts.example.com`;
const request = { public_key_to_sign: hostLine, caller_identity: proofText() };
const hostB = proofText({ accessKey: "ASIAHOSTBHOSTBHOSTBB" });

describe("the certificate of a host", () => {
  test("has BLESS's contents, and our serial and names", async () => {
    const certificate = hostCertificateIn(await makeHostWorld().ask(request));
    expect(certificate).toMatchObject({
      type: "ssh-ed25519-cert-v01@openssh.com",
      kind: "host",
      principals: [nameA],
      publicKey: hostBlob,
      signatureKey: hostAuthority,
      validAfter: BigInt(NOW / 1000 - 120),
      validBefore: BigInt(NOW / 1000 + 31_536_000),
      comment: "root@web1",
    });
    expect(certificate.criticalOptions.size).toBe(0);
    expect(certificate.extensions.size).toBe(0);
    expect(certificate.serial).toBeGreaterThan(0n);
    const digits = new Bun.CryptoHasher("md5").update(hostBlob).digest("hex").match(/../g) ?? [];
    expect(certificate.keyId).toBe(
      `request[9a7e-request] ssh_key[ED25519 ${digits.join(":")}] ` +
        "ca[arn:aws:lambda:eu-west-1:111122223333:function:bless] valid_to[2025/05/06 07:08:09]",
    );
  });

  test("is a host's to ssh-keygen, for just these names", async () => {
    const answer = await makeHostWorld().ask({ ...request, ...withDocument() });
    if (!("certificate" in answer)) throw new Error(answer.errorMessage);
    const { status, stdout } = sshKeygen(["-L", "-f", "-"], `${answer.certificate}\n`);
    expect(status).toBe(0);
    expect(stdout).toContain("host certificate");
    expect(stdout).toMatch(
      new RegExp(`Principals: \\n\\s+${nameA}\\n\\s+10\\.1\\.2\\.3\\n\\s+Critical Options: \\(none\\)`),
    );
    expect(stdout).toContain("Extensions: (none)");
  });

  test("never has the same serial", async () => {
    const world = makeHostWorld();
    const [one, other] = [hostCertificateIn(await world.ask(request)), hostCertificateIn(await world.ask(request))];
    expect(one.serial).not.toBe(other.serial);
  });

  test("follows the settings", async () => {
    const settings = { validityBeforeSeconds: 0, validityAfterSeconds: 3600, functionArn: "arn:other" };
    const certificate = hostCertificateIn(await makeHostWorld(settings).ask(request));
    expect(certificate.validAfter).toBe(BigInt(NOW / 1000));
    expect(certificate.validBefore).toBe(BigInt(NOW / 1000 + 3600));
    expect(certificate.keyId).toContain("ca[arn:other]");
  });

  test("is for all names of the policy, or for those of them that are asked for", async () => {
    const world = makeHostWorld();
    const names = async (change: Record<string, string>) =>
      hostCertificateIn(await world.ask({ ...request, ...change })).principals;
    expect(await names({})).toEqual([nameA]);
    expect(await names({ hostnames: nameA, ...withDocument() })).toEqual([nameA]);
    expect(await names({ hostnames: `10.1.2.3,${nameA}`, ...withDocument() })).toEqual(["10.1.2.3", nameA]);
    expect(await names({ caller_identity: hostB })).toEqual([nameB, "web2.example.com"]);
  });

  test("can be for each kind of key", async () => {
    const keys = [
      generateKeyPairSync("rsa", { modulusLength: 3072 }),
      generateKeyPairSync("ec", { namedCurve: "P-256" }),
      generateKeyPairSync("ec", { namedCurve: "P-521" }),
    ].map(({ publicKey }) => publicBlob(publicKey));
    for (const blob of keys) {
      const type = new TextDecoder().decode(blob.subarray(4, 4 + (blob[3] ?? 0)));
      const line = formatPublicKey({ type, blob, comment: "" });
      const event = { public_key_to_sign: line, caller_identity: proofText({ publicKey: blob }) };
      expect(hostCertificateIn(await makeHostWorld().ask(event)).publicKey).toEqual(blob);
    }
  });
});

describe("a request that is changed at random", () => {
  test("gives no certificate but for the host's own key and names, and always one line in the log", async () => {
    const random = makeRandom("host requests");
    const { ask, records } = makeHostWorld();
    const good: Record<string, string> = { ...request, ...withDocument(), hostnames: `${nameA},10.1.2.3` };
    const proof = atob(request.caller_identity);
    const strange = ["", ",", "*", "\0", "\n", ".", "A", "b", "\u{1f511}", "$", "x".repeat(5000)];
    const rounds = 3000;
    for (let round = 0; round < rounds; round++) {
      const event: Record<string, string> = { ...good };
      for (let changes = 1 + random.below(2); changes > 0; changes--) {
        const fields = Object.keys(good);
        const field = fields[random.below(fields.length)] ?? "hostnames";
        const inside = field === "caller_identity" && random.below(2) === 0;
        const before = inside ? proof : (event[field] ?? "");
        const at = random.below(before.length + 1);
        const with_ = strange[random.below(strange.length)] ?? "";
        const after = before.slice(0, at) + with_ + before.slice(at + random.below(3));
        event[field] = inside ? new TextEncoder().encode(after).toBase64() : after;
      }
      const answer = await ask(event);
      if ("errorType" in answer) continue;
      const certificate = hostCertificateIn(answer);
      expect(certificate.publicKey).toEqual(hostBlob);
      expect(certificate.principals.filter((name) => name !== nameA && name !== "10.1.2.3")).toEqual([]);
      expect(certificate.principals).not.toEqual([]);
    }
    expect(records).toHaveLength(rounds);
    expect(records.some(({ decision }) => decision === "granted")).toBe(true);
    expect(records.some(({ errorType }) => errorType === "ClientError")).toBe(false);
  });
});

describe("the log", () => {
  test("names who got what, and holds no proof", async () => {
    const { ask, records } = makeHostWorld();
    const certificate = hostCertificateIn(await ask({ ...request, ...withDocument() }));
    expect(records).toEqual([
      expect.objectContaining({
        decision: "granted",
        kind: "host",
        requestId: invocation.requestId,
        user: `arn:aws:sts::${ACCOUNT}:assumed-role/web-server/${HOST_A}`,
        proof: "caller-identity",
        principals: [nameA, "10.1.2.3"],
        publicKey: sha256Fingerprint(hostBlob),
        serial: `${certificate.serial}`,
        keyId: certificate.keyId,
        ca: sha256Fingerprint(hostAuthority),
      }),
    ]);
    expect(JSON.stringify(records)).not.toContain(request.caller_identity);
    expect(JSON.stringify(records)).not.toContain("Signature=");
  });
});

describe("the answers", () => {
  test("say what proofs count", async () => {
    expect(await makeHostWorld().ask(null)).toMatchObject({ offers: ["caller-identity", "instance-identity"] });
    expect(await makeHostWorld({ instanceCertificates: [] }).ask(request)).toMatchObject({
      offers: ["caller-identity"],
    });
    expect(await makeHostWorld({ policy: null }).ask(request)).toMatchObject({ offers: [] });
  });
});

describe("a CA that needs no proof, as BLESS", () => {
  const open = { allowUnproven: true, policy: null };
  const bare = { public_key_to_sign: hostLine, hostnames: "web1.example.com,10.0.0.1" };

  test("gives whatever name is asked for, and the log says that nothing was proved", async () => {
    const { ask, records, sts } = makeHostWorld(open);
    expect(hostCertificateIn(await ask(bare)).principals).toEqual(["web1.example.com", "10.0.0.1"]);
    expect(records[0]).toMatchObject({ decision: "granted", user: "", proof: "none" });
    expect(sts.asked).toEqual([]);
  });

  test("takes the names that BLESS's validation takes", async () => {
    for (const name of ["10.0.0.1", "[::1]", "a:22", "WEB1", "localhost"]) {
      expect(hostCertificateIn(await makeHostWorld(open).ask({ ...bare, hostnames: name })).principals).toEqual([name]);
    }
    const disabled = { ...open, hostnameValidation: "disabled" } as const;
    expect(hostCertificateIn(await makeHostWorld(disabled).ask({ ...bare, hostnames: "web_1" })).principals).toEqual([
      "web_1",
    ]);
    expect(await makeHostWorld(open).ask({ ...bare, hostnames: "web_1" })).toMatchObject({
      errorMessage: expect.stringContaining("Invalid hostname"),
    });
  });

  test.each(["", "*", "*.x", "a,", "a b", "a\nb", "a\0b", "a?", "!a", "x".repeat(300)])(
    "refuses %.30j, whatever its validation",
    async (names) => {
      for (const hostnameValidation of ["url", "disabled"] as const) {
        const { ask } = makeHostWorld({ ...open, hostnameValidation });
        expect(await ask({ ...bare, hostnames: names })).toMatchObject({ errorType: "InputValidationError" });
      }
    },
  );

  test("wants names", async () => {
    expect(await makeHostWorld(open).ask({ public_key_to_sign: hostLine })).toMatchObject({
      errorMessage: "{'hostnames': ['Missing data for required field.']}",
    });
  });

  test("holds those who bring a proof to its policy", async () => {
    const { ask } = makeHostWorld({ allowUnproven: true });
    expect(await ask({ ...request, hostnames: nameB })).toMatchObject({ errorType: "KMSAuthValidationError" });
    expect(hostCertificateIn(await ask(request)).principals).toEqual([nameA]);
  });
});

describe("settings that can't work", () => {
  test.each([
    [{ validityAfterSeconds: 31_622_401 }, "longer than 31622400 seconds"],
    [{ validityAfterSeconds: 0 }, "no number of seconds"],
    [{ validityBeforeSeconds: -1 }, "no number of seconds"],
    [{ instanceCertificates: ["hello"] }, "no certificate in PEM"],
  ])("make no handler: %j", (settings, words) => {
    expect(() => makeHostWorld(settings)).toThrow(words);
  });
});
