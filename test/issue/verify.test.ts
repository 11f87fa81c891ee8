import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { Failure } from "../../src/failure.ts";
import { type Expectation, verifyAnswer } from "../../src/issue/verify.ts";
import { concat, decodeBase64, encodeBase64, string, text } from "../../src/wire/bytes.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { type CertificateOrder, makeCertificate } from "../../src/wire/certificate-maker.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes } from "../../src/wire/signature.ts";
import { newPublicKey } from "./support.ts";

const NOW = 1_800_000_000_000;
const SECONDS = BigInt(NOW / 1000);

type Ca = { readonly key: KeyObject; readonly blob: Uint8Array; readonly line: string };

function makeCa(type: "ed25519" | "rsa"): Ca {
  const { privateKey } =
    type === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
  const blob = publicBlob(privateKey);
  const line = formatPublicKey({ type: type === "rsa" ? "ssh-rsa" : "ssh-ed25519", blob, comment: "" });
  return { key: privateKey, blob, line };
}

const ca = makeCa("ed25519");
const rsaCa = makeCa("rsa");
const publicKey = newPublicKey();
const EXPECTED: Expectation = {
  publicKey,
  principals: ["alice", "deploy"],
  sourceAddress: "192.0.2.9,198.51.100.0/24",
  caKeys: [rsaCa.line, ca.line],
  allowSha1: false,
  certificateMaxSeconds: 1800,
  now: NOW,
};

function certify(change: Partial<CertificateOrder> = {}, by: Ca = ca): Promise<string> {
  const order: CertificateOrder = {
    publicKey: parsePublicKey(publicKey).blob,
    kind: "user",
    serial: 7n,
    keyId: "alice",
    principals: ["alice"],
    validAfter: SECONDS - 120n,
    validBefore: SECONDS + 120n,
    criticalOptions: new Map([["source-address", EXPECTED.sourceAddress]]),
    extensions: new Map([["permit-pty", ""]]),
    nonce: new Uint8Array(randomBytes(32)),
    ...change,
  };
  return makeCertificate(order, { publicBlob: by.blob, sign: (bytes) => signBytes(by.key, bytes) });
}

/** The certificate signed again with SHA-1, as Netflix's BLESS does. */
async function withSha1(): Promise<string> {
  const { type, signed } = parseCertificate(await certify({}, rsaCa));
  const signature = concat(text("ssh-rsa"), string(new Uint8Array(sign("sha1", signed, rsaCa.key))));
  return `${type} ${encodeBase64(concat(signed, string(signature)))}`;
}

function complaint(line: string, change: Partial<Expectation> = {}): string {
  try {
    verifyAnswer(line, { ...EXPECTED, ...change });
    return "none";
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

describe("a certificate as it was asked for", () => {
  test("passes, by each of the pinned CAs", async () => {
    for (const by of [ca, rsaCa]) {
      const line = await certify({}, by);
      expect(verifyAnswer(line, EXPECTED)).toMatchObject({ line, notes: [] });
    }
  });

  test("passes with fewer principals, addresses in another order and the known extensions", async () => {
    const extensions = ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-user-rc"];
    const line = await certify({
      principals: ["deploy"],
      criticalOptions: new Map([["source-address", "198.51.100.0/24,192.0.2.9,192.0.2.9"]]),
      extensions: new Map(extensions.map((name) => [name, ""])),
    });
    expect(complaint(line)).toBe("none");
  });

  test("passes from any CA when none is pinned", async () => {
    expect(complaint(await certify({}, makeCa("ed25519")), { caKeys: [] })).toBe("none");
  });

  test("passes unbound only when no address was asked for", async () => {
    const line = await certify({ criticalOptions: new Map() });
    expect(complaint(line)).toBe("the CA's certificate isn't bound to your addresses");
    expect(complaint(line, { sourceAddress: "0.0.0.0/0,::/0" })).toBe("none");
  });

  test("is judged by AWS's clock: an answer a few seconds from the future is no fault", async () => {
    expect(complaint(await certify({ validAfter: SECONDS + 5n }))).toBe("none");
    expect(complaint(await certify({ validBefore: SECONDS + 1800n }))).toBe("none");
  });

  test("keeps its comment on one line, fit for a terminal", async () => {
    const { line } = verifyAnswer(`${await certify()} evil\u001b[2J comment \n`, EXPECTED);
    expect(line).toEndWith(" evil?[2J comment");
  });
});

describe("a certificate that is wrong", () => {
  const cases: readonly [string, () => Promise<string>, string, Partial<Expectation>?][] = [
    ["of a host", () => certify({ kind: "host" }), "the CA answered with a host's certificate, not a user's"],
    [
      "for another key",
      () => certify({ publicKey: parsePublicKey(newPublicKey()).blob }),
      "the CA certified another key than yours",
    ],
    [
      "for a key of another type",
      () => certify({ publicKey: rsaCa.blob }),
      "the CA certified a key of type ssh-rsa, not yours",
    ],
    [
      "of another CA",
      () => certify({}, makeCa("ed25519")),
      "the certificate is signed by another CA than ca_keys names",
    ],
    ["without principals", () => certify({ principals: [] }), "the CA's certificate names no principal"],
    [
      "with a principal more",
      () => certify({ principals: ["alice", "root"] }),
      "the CA's certificate is for root, which was not asked for",
    ],
    ["that isn't valid yet", () => certify({ validAfter: SECONDS + 60n }), "the CA's certificate isn't valid yet"],
    ["that has ended", () => certify({ validBefore: SECONDS }), "the CA's certificate has ended already"],
    [
      "that is too long",
      () => certify({ validBefore: SECONDS + 3600n }),
      "the CA's certificate lasts longer than 1800 seconds",
    ],
    [
      "that never ends",
      () => certify({ validBefore: 2n ** 64n - 1n }),
      "the CA's certificate lasts longer than 1800 seconds",
    ],
    [
      "with a command",
      () => certify({ criticalOptions: new Map([["force-command", "id"]]) }),
      "the CA's certificate runs a command of its own (force-command)",
    ],
    [
      "with an unknown option",
      () => certify({ criticalOptions: new Map([["x@y", ""]]) }),
      "the CA's certificate has the unknown critical option x@y",
    ],
    [
      "bound elsewhere",
      () => certify({ criticalOptions: new Map([["source-address", "0.0.0.0/0"]]) }),
      "the CA's certificate is bound to other addresses than those asked for",
    ],
    [
      "with an unknown extension",
      () => certify({ extensions: new Map([["permit-everything", ""]]) }),
      "the CA's certificate has the unknown extension permit-everything",
    ],
    ["signed with SHA-1", withSha1, "the CA signed with ssh-rsa, which is SHA-1 and refused by OpenSSH since 8.2"],
  ];
  test.each(cases)("%s is refused", async (_, make, fact, change) => {
    expect(complaint(await make(), change)).toBe(fact);
  });

  test("says each wrong in other words", () => {
    const facts = cases.map(([, , fact]) => fact);
    expect(new Set(facts).size).toBe(facts.length - 1); // too long and endless are the same wrong
  });

  test("signed with SHA-1 passes when allowed, and that is noted", async () => {
    const { notes } = verifyAnswer(await withSha1(), { ...EXPECTED, allowSha1: true });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain("SHA-1");
  });

  test("whose bytes were changed is refused wherever the change is", async () => {
    const [type = "", base64 = ""] = (await certify()).split(" ");
    const bytes = decodeBase64(base64);
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x21;
      expect(complaint(`${type} ${encodeBase64(changed)}`)).not.toBe("none");
    }
  });

  test.each(["", "ssh-ed25519 AAAA", "<html>", newPublicKey()])("%j is no certificate", (line) => {
    expect(complaint(line)).toBe("the CA's answer is no certificate");
  });
});
