import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHostAnswer } from "../../src/host/answer.ts";
import { FOREVER, parseCertificate } from "../../src/wire/certificate.ts";
import type { CertificateOrder } from "../../src/wire/certificate-maker.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { makeRandom, sshKeygen } from "../wire/support.ts";
import { authority, hostCertificate, makeAuthority, NOW } from "./support.ts";

const blob = publicBlob(generateKeyPairSync("ed25519").privateKey);
const publicKey = { type: "ssh-ed25519", blob, comment: "" };
const now = BigInt(NOW / 1000);
const expected = { publicKey, names: [] as readonly string[], caKeys: [authority.line], now: NOW };

async function refusal(wishes: Partial<CertificateOrder>, names: readonly string[] = [], by = authority) {
  const line = await hostCertificate(wishes.publicKey ?? blob, wishes, by);
  return sentenceOf(() => checkHostAnswer(line, { ...expected, names }));
}

function sentenceOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { sentence: string }).sentence;
  }
  return "accepted";
}

describe("a CA's answer for a host", () => {
  test("is taken when it is the host certificate that was asked for, its comment left out", async () => {
    const line = await hostCertificate(blob, { comment: "\u001b[2J evil" });
    const { certificate, line: kept } = checkHostAnswer(`${line}\n`, { ...expected, names: ["web1.corp.example"] });
    expect(certificate.principals).toEqual(["web1.corp.example"]);
    expect(kept.split(" ")).toHaveLength(2);
    expect(parseCertificate(kept).serial).toBe(7n);
  });

  const other = publicBlob(generateKeyPairSync("ed25519").privateKey);
  const HOSTILE: readonly (readonly [string, Partial<CertificateOrder>, string])[] = [
    ["for another key", { publicKey: other }, "the CA certified another key than this host's"],
    ["for a user", { kind: "user" }, "the CA answered with a user's certificate, not a host's"],
    ["for every host", { principals: ["*"] }, "names *, which is no host's name"],
    [
      "for a domain",
      { principals: ["web1.corp.example", "*.corp.example"] },
      "names *.corp.example, which is no host's name",
    ],
    ["for all but one", { principals: ["!web1.corp.example"] }, "names !web1.corp.example, which is no host's name"],
    ["for a list", { principals: ["a.example,b.example"] }, "which is no host's name"],
    ["for an empty name", { principals: [""] }, "which is no host's name"],
    ["for a name with an escape", { principals: ["web\u001b[2J"] }, "names web?[2J, which is no host's name"],
    ["for nobody, which is everybody", { principals: [] }, "names no host, so that it would be good for all"],
    ["for ever", { validBefore: FOREVER }, "lasts longer than 400 days"],
    ["for two years", { validBefore: now + 2n * 31_536_000n }, "lasts longer than 400 days"],
    ["ended", { validAfter: now - 60n, validBefore: now }, "has ended already"],
    ["not yet valid", { validAfter: now + 31n }, "isn't valid yet"],
    [
      "with a critical option",
      { criticalOptions: new Map([["source-address", "10.0.0.1"]]) },
      "critical option source-address",
    ],
    ["with an extension", { extensions: new Map([["permit-pty", ""]]) }, "extension permit-pty"],
  ];
  for (const [name, wishes, sentence] of HOSTILE) {
    test(`is refused when it is ${name}`, async () => {
      const said = await refusal(wishes);
      expect(said).toContain(sentence);
      expect(said).toContain("nothing was changed");
    });
  }

  test("is refused when it is for a name that was not asked for, and taken for some of them", async () => {
    expect(await refusal({ principals: ["web1.corp.example", "db1.corp.example"] }, ["web1.corp.example"])).toContain(
      "is for db1.corp.example, which was not asked for",
    );
    expect(await refusal({}, ["web1.corp.example", "db1.corp.example"])).toBe("accepted");
  });

  test("is refused when another CA signed it, by the other's fingerprint", async () => {
    expect(await refusal({}, [], makeAuthority())).toMatch(
      /^the certificate is signed by SHA256:\S{43}, which ca_keys/,
    );
  });

  test("is refused when the signature is SHA-1", () => {
    const folder = mkdtempSync(join(tmpdir(), "bssh-host-"));
    try {
      sshKeygen(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", `${folder}/ca`]);
      sshKeygen(["-q", "-t", "ed25519", "-N", "", "-f", `${folder}/key`]);
      const { stderr, status } = sshKeygen([
        "-q",
        "-s",
        `${folder}/ca`,
        "-t",
        "ssh-rsa",
        "-h",
        "-I",
        "x",
        "-n",
        "a",
        `${folder}/key.pub`,
      ]);
      expect([status, stderr]).toEqual([0, ""]);
      const certificate = parseCertificate(readFileSync(`${folder}/key-cert.pub`, "utf8").trim());
      const own = { type: "ssh-ed25519", blob: certificate.publicKey, comment: "" };
      const caKeys = [readFileSync(`${folder}/ca.pub`, "utf8").trim()];
      const line = readFileSync(`${folder}/key-cert.pub`, "utf8");
      expect(sentenceOf(() => checkHostAnswer(line, { publicKey: own, names: [], caKeys, now: NOW }))).toContain(
        "SHA-1",
      );
      writeFileSync(`${folder}/key.pub`, "");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("is refused, and not quoted, when it is no certificate", () => {
    for (const text of ["", "\0\0", "x".repeat(1_000_000), "ssh-ed25519-cert-v01@openssh.com AAAA", authority.line]) {
      expect(sentenceOf(() => checkHostAnswer(text, expected))).toBe(
        "the CA's answer is no certificate; nothing was changed: tell the CA's administrators",
      );
    }
  });

  test("is refused with any of its bytes changed", async () => {
    const [type = "", base64 = ""] = (await hostCertificate(blob)).split(" ");
    const random = makeRandom("a host certificate's bytes");
    for (let times = 0; times < 500; times++) {
      const bytes = Uint8Array.fromBase64(base64);
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
      expect(sentenceOf(() => checkHostAnswer(`${type} ${bytes.toBase64()}`, expected))).not.toBe("accepted");
    }
  });
});
