import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { foreignDocument, readInstanceCertificates, readInstanceIdentity } from "../../src/ca/instance-identity.ts";
import { ACCOUNT, awsPem, HOST_A, HOST_B, makeDocument, makeRegion, signDocument } from "./host-world.ts";

const keys = readInstanceCertificates([awsPem]);

function read(document: string, signature = signDocument(document), by = keys) {
  return readInstanceIdentity(document, signature, by);
}

describe("an instance identity document", () => {
  test("is read when AWS signed it", () => {
    expect(read(makeDocument())).toEqual({
      accountId: ACCOUNT,
      instanceId: HOST_A,
      region: "eu-west-1",
      privateIp: "10.1.2.3",
      availabilityZone: "eu-west-1b",
      pendingTime: Date.UTC(2024, 4, 1, 2, 3, 4),
    });
  });

  test("may be of any region whose certificate is there, also by a key of 1024 bits as AWS has them", () => {
    const other = makeRegion(generateKeyPairSync("rsa", { modulusLength: 1024 }));
    const document = makeDocument();
    const signature = signDocument(document, other.key);
    expect(() => read(document, signature)).toThrow("no key of AWS");
    expect(
      read(document, signature, readInstanceCertificates([`# two regions\n${awsPem}\n${other.pem}`])),
    ).toBeObject();
    expect(read(document, signature, readInstanceCertificates([awsPem, other.pem]))).toBeObject();
  });

  test("is refused when a single character is another one", () => {
    const document = makeDocument();
    const signature = signDocument(document);
    expect(() => read(document.replace(HOST_A, HOST_B), signature)).toThrow("no key of AWS");
    expect(() => read(`${document}\n`, signature)).toThrow("no key of AWS");
    expect(() =>
      read(
        document,
        signature.replace(/^./, (first) => (first === "A" ? "B" : "A")),
      ),
    ).toThrow("no key of AWS");
  });

  test.each(["", "AAAA", "not base64!", "A".repeat(5000), "\0"])("is refused with the signature %.20j", (signature) => {
    expect(() => read(makeDocument(), signature)).toThrow();
  });

  test("is refused when no certificate is there", () => {
    expect(() => read(makeDocument(), undefined, [])).toThrow("no key of AWS");
  });

  const wrong: [string, unknown][] = [
    ["accountId", "12345678901"],
    ["accountId", 123456789012],
    ["instanceId", "i-0AAAAAAAAAAAAAAAA"],
    ["instanceId", null],
    ["instanceId", `${HOST_A}\n`],
    ["region", "eu-west-1.evil"],
    ["region", ["eu-west-1"]],
    ["availabilityZone", "us-east-1a"],
    ["availabilityZone", ""],
    ["privateIp", "10.0.0.0/8"],
    ["privateIp", "::1"],
    ["privateIp", "*"],
    ["pendingTime", "2024-02-30T00:00:00Z"],
    ["pendingTime", "yesterday"],
  ];
  test.each(wrong)("is refused although signed when its %s is %j", (name, value) => {
    expect(() => read(makeDocument({ [name]: value }))).toThrow(`${name} has not its form`);
  });

  test.each(["null", "[]", "3", "{", ""])("is refused although signed when it is %j", (document) => {
    expect(() => read(document)).toThrow("the instance identity document");
  });

  test("may have no private address", () => {
    expect(read(makeDocument({ privateIp: null })).privateIp).toBeNull();
  });

  test("is foreign to every other account and instance", () => {
    const document = read(makeDocument());
    expect(foreignDocument(document, { account: ACCOUNT, sessionName: HOST_A })).toBeNull();
    expect(foreignDocument(document, { account: ACCOUNT, sessionName: HOST_B })).toContain("another instance");
    expect(foreignDocument(document, { account: "999999999999", sessionName: HOST_A })).toContain("another account");
  });
});

describe("the certificates of AWS", () => {
  test("are none in a text without one, and unreadable ones are named", () => {
    expect(() => readInstanceCertificates(["hello"])).toThrow("no certificate in PEM");
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    expect(() => readInstanceCertificates([awsPem, broken])).toThrow("certificate 2 cannot be read");
  });

  test("must be those for this signature", () => {
    const other = makeRegion(generateKeyPairSync("ec", { namedCurve: "P-256" }));
    expect(() => readInstanceCertificates([other.pem])).toThrow("those that AWS calls RSA");
  });
});
