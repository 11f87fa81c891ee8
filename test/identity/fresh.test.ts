// promise: a certificate is used without asking anybody exactly when it will do
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import {
  certificateUnfitness,
  storedCertificate,
  type Unfit,
  unfitness,
  type Wanted,
} from "../../src/identity/fresh.ts";
import { storeCertificate } from "../../src/identity/store.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import type { CertificateOrder } from "../../src/wire/certificate-maker.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import {
  authority,
  certificateLine,
  makeAuthority,
  makeIdentity,
  NOW,
  removeFolders,
  strangeKey,
  system,
} from "./support.ts";

afterAll(removeFolders);

const wanted: Wanted = { principals: [], caKeys: [], renewMarginSeconds: 60, addresses: null, now: NOW };
const seconds = BigInt(NOW / 1000);

async function judge(wishes: Partial<CertificateOrder>, more: Partial<Wanted> = {}): Promise<Unfit | null> {
  const { files, publicKey } = makeIdentity();
  storeCertificate(files, await certificateLine(publicKey, wishes));
  return unfitness(system, files, { ...wanted, ...more });
}

const source = (value: string) => ({ criticalOptions: new Map([["source-address", value]]) });

const CASES: readonly [string, Partial<CertificateOrder>, Partial<Wanted>, Unfit | null][] = [
  ["a good one", {}, {}, null],
  ["a host's", { kind: "host" }, {}, "host certificate"],
  ["one without principals", { principals: [] }, {}, "other principals"],
  ["one with the principals that are wanted", { principals: ["alice", "ops"] }, { principals: ["ops", "alice"] }, null],
  ["one with fewer principals than are wanted", {}, { principals: ["alice", "ops"] }, null],
  ["one with a principal too many", { principals: ["alice", "root"] }, { principals: ["alice"] }, "other principals"],
  ["one of a pinned CA", {}, { caKeys: [makeAuthority().line, authority.line] }, null],
  ["one of a CA that isn't pinned", {}, { caKeys: [makeAuthority().line] }, "other CA"],
  ["any, when what is pinned can't be read", {}, { caKeys: ["ssh-ed25519 rubbish"] }, "other CA"],
  ["one that begins now", { validAfter: seconds }, {}, null],
  ["one that begins in a second", { validAfter: seconds + 1n }, {}, "not yet valid"],
  ["one that ends now", { validBefore: seconds }, { renewMarginSeconds: 0 }, "expired"],
  ["one that ends in a second", { validBefore: seconds + 1n }, { renewMarginSeconds: 0 }, null],
  ["one that ends just within the margin", { validBefore: seconds + 60n }, {}, "expired"],
  ["one that ends just after the margin", { validBefore: seconds + 61n }, {}, null],
  ["one without an end", { validBefore: 2n ** 64n - 1n }, {}, null],
  ["one with the epoch for its beginning", { validAfter: 0n }, {}, null],
  ["one bound to the own address", source("192.0.2.7/32,10.0.0.0/8"), { addresses: ["10.1.2.3"] }, null],
  ["one bound to another address", source("192.0.2.7/32"), { addresses: ["192.0.2.8"] }, "other address"],
  ["one bound to an address when the own isn't known", source("192.0.2.7/32"), {}, null],
  [
    "one bound to both own addresses",
    source("192.0.2.7,2001:db8::/64"),
    { addresses: ["192.0.2.7", "2001:db8::7"] },
    null,
  ],
  ["one bound to one of two", source("192.0.2.7"), { addresses: ["192.0.2.7", "2001:db8::7"] }, "other address"],
  ["one bound to an address in a new network", source("192.0.2.7"), { addresses: "other network" }, "other network"],
  ["one bound to nothing in a new network", {}, { addresses: "other network" }, null],
  ["one bound to rubbish", source("here,there"), { addresses: ["192.0.2.8"] }, "other address"],
  ["one with a forced command", { criticalOptions: new Map([["force-command", "id"]]) }, {}, null],
];

describe("of certificates,", () => {
  for (const [name, wishes, more, expected] of CASES) {
    test(`${name} is ${expected === null ? "used" : `not: ${expected}`}`, async () => {
      expect(await judge(wishes, more)).toBe(expected);
    });
  }
});

test("the clock that counts is the one that is handed in", async () => {
  const certificate = parseCertificate(await certificateLine(strangeKey()));
  expect(certificateUnfitness(certificate, { ...wanted, now: NOW - 121_000 })).toBe("not yet valid");
  expect(certificateUnfitness(certificate, { ...wanted, now: NOW - 120_000 })).toBe(null);
  expect(certificateUnfitness(certificate, { ...wanted, now: NOW + 1_739_999 })).toBe(null);
  expect(certificateUnfitness(certificate, { ...wanted, now: NOW + 1_740_000 })).toBe("expired");
});

test("one that is signed with SHA-1 is used only where that is allowed, and by no name for SHA-2", async () => {
  const honest = parseCertificate(await certificateLine(strangeKey()));
  const certificate = { ...honest, signatureType: "ssh-rsa" };
  expect(certificateUnfitness(certificate, wanted)).toBe("signed with SHA-1");
  expect(certificateUnfitness(certificate, { ...wanted, allowSha1: false })).toBe("signed with SHA-1");
  expect(certificateUnfitness(certificate, { ...wanted, allowSha1: true })).toBe(null);
  for (const signatureType of ["rsa-sha2-256", "rsa-sha2-512"]) {
    expect(certificateUnfitness({ ...honest, signatureType }, wanted)).toBe(null);
  }
});

test("without a key there is nothing to use", async () => {
  const { files, publicKey } = makeIdentity();
  storeCertificate(files, await certificateLine(publicKey));
  rmSync(files.key);
  // The agent, or a token, may hold it.
  expect(unfitness(system, files, wanted)).toBe(null);
  rmSync(files.publicKey);
  expect(unfitness(system, files, wanted)).toBe("no key");
});

test("without a certificate there is none", () => {
  const { files } = makeIdentity();
  expect(unfitness(system, files, wanted)).toBe("no certificate");
  expect(storedCertificate(system, files)).toBe(null);
});

test("a certificate of another key is not used", async () => {
  const { files } = makeIdentity();
  storeCertificate(files, await certificateLine(strangeKey()));
  expect(unfitness(system, files, wanted)).toBe("other key");
});

test("KEY.pub of another key doesn't make its certificate one of ours, and doesn't take ours away", async () => {
  const { files, publicKey } = makeIdentity();
  const other = strangeKey();
  writeFileSync(files.publicKey, `${formatPublicKey({ type: "ssh-ed25519", blob: other, comment: "" })}\n`);
  storeCertificate(files, await certificateLine(other));
  expect(unfitness(system, files, wanted)).toBe("other key");
  storeCertificate(files, await certificateLine(publicKey));
  expect(unfitness(system, files, wanted)).toBe(null);
});

test("KEY.pub decides for a key in another format, and nothing without it", async () => {
  const { files, publicKey } = makeIdentity();
  storeCertificate(files, await certificateLine(publicKey));
  writeFileSync(files.key, "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n");
  expect(unfitness(system, files, wanted)).toBe(null);
  rmSync(files.publicKey);
  expect(unfitness(system, files, wanted)).toBe("other key");
});

test("KEY.pub need not be there beside an OpenSSH key", async () => {
  const { files, publicKey } = makeIdentity();
  storeCertificate(files, await certificateLine(publicKey));
  rmSync(files.publicKey);
  expect(unfitness(system, files, wanted)).toBe(null);
});

describe("what can't be read counts as no certificate:", () => {
  const hostile: Readonly<Record<string, (path: string, line: string) => void>> = {
    "an empty file": (path) => writeFileSync(path, ""),
    "a cut line": (path, line) => writeFileSync(path, line.slice(0, line.length / 2)),
    "two certificates": (path, line) => writeFileSync(path, `${line}\n${line}\n`),
    "bytes that are no text": (path) =>
      writeFileSync(
        path,
        Uint8Array.from({ length: 4096 }, (_, at) => at & 0xff),
      ),
    "a private key": (path) => writeFileSync(path, "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
    "two megabytes": (path) => writeFileSync(path, "x".repeat(2 << 20)),
    "a folder": (path) => mkdirSync(path),
  };
  for (const [name, write] of Object.entries(hostile)) {
    test(name, async () => {
      const { files, publicKey } = makeIdentity();
      write(files.certificate, await certificateLine(publicKey));
      expect(unfitness(system, files, wanted)).toBe("unreadable certificate");
      expect(storedCertificate(system, files)).toBe(null);
    });
  }
  test("a certificate with a changed byte is of another key or unreadable", async () => {
    const { files, publicKey } = makeIdentity();
    const line = await certificateLine(publicKey);
    const at = line.indexOf(" ") + 120;
    writeFileSync(files.certificate, `${line.slice(0, at)}${line[at] === "A" ? "B" : "A"}${line.slice(at + 1)}\n`);
    expect(["other key", "unreadable certificate"]).toContain(unfitness(system, files, wanted) ?? "used");
  });
});

test("a key with open permissions is left for ssh to refuse", async () => {
  const { files, publicKey } = makeIdentity();
  storeCertificate(files, await certificateLine(publicKey));
  chmodSync(files.key, 0o644);
  expect(unfitness(system, files, wanted)).toBe(null);
});
