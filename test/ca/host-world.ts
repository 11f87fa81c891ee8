/** What the tests of proofs and of hosts share: an STS that knows who holds which key, and a CA that certifies hosts. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { CallerIdentity } from "../../src/ca/aws.ts";
import { type HostAnswer, type HostParts, makeHostHandler } from "../../src/ca/host.ts";
import { parseHostPolicy } from "../../src/ca/host-policy.ts";
import { encodeProof, type IdentityProof } from "../../src/wire/caller-identity.ts";
import { type Certificate, parseCertificate } from "../../src/wire/certificate.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint, signBytes, verifyCertificate } from "../../src/wire/signature.ts";
import { invocation, NOW } from "./world.ts";

export const AUDIENCE = "bless-production";
export const ACCOUNT = "123456789012";
export const HOST_A = "i-0aaaaaaaaaaaaaaaa";
export const HOST_B = "i-0bbbbbbbbbbbbbbbb";

const hostKey = publicBlob(generateKeyPairSync("ed25519").privateKey);
export const hostLine = formatPublicKey({ type: "ssh-ed25519", blob: hostKey, comment: "root@web1" });
export const hostBlob = hostKey;

/** ARNs by the access key that signed. */
const HOLDERS: Readonly<Record<string, string>> = {
  ASIAHOSTAHOSTAHOSTAA: `arn:aws:sts::${ACCOUNT}:assumed-role/web-server/${HOST_A}`,
  ASIAHOSTBHOSTBHOSTBB: `arn:aws:sts::${ACCOUNT}:assumed-role/web-server/${HOST_B}`,
  ASIAPERSONPERSONPERS: `arn:aws:sts::${ACCOUNT}:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/alice@example.com`,
  AKIAUSERUSERUSERUSER: `arn:aws:iam::${ACCOUNT}:user/alice`,
};

export type ProofChange = {
  readonly accessKey?: string;
  readonly publicKey?: Uint8Array;
  readonly audience?: string;
  /** When it was signed, in milliseconds since the epoch. */
  readonly at?: number;
  readonly region?: string;
  readonly headers?: Record<string, string>;
  readonly authorization?: (good: string) => string;
};

/** A proof in the form that counts; only the signature's digits mean nothing, since checking them is for STS. */
export function makeProof(change: ProofChange = {}): IdentityProof {
  const {
    accessKey = "ASIAHOSTAHOSTAHOSTAA",
    publicKey = hostBlob,
    audience = AUDIENCE,
    region = "eu-west-1",
  } = change;
  const date = new Date(change.at ?? NOW).toISOString().replace(/[-:]|\.\d+/g, "");
  const headers: Record<string, string> = {
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    host: `sts.${region}.amazonaws.com`,
    "x-amz-date": date,
    "x-amz-security-token": "token",
    "x-bssh-audience": audience,
    "x-bssh-public-key": sha256Fingerprint(publicKey),
    ...change.headers,
  };
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${accessKey}/${date.slice(0, 8)}/${region}/sts/aws4_request, ` +
    `SignedHeaders=${Object.keys(headers).sort().join(";")}, Signature=${"0f".repeat(32)}`;
  return { region, headers: { ...headers, authorization: (change.authorization ?? ((good) => good))(authorization) } };
}

export function proofText(change: ProofChange = {}): string {
  return encodeProof(makeProof(change));
}

export type Sts = { readonly asked: IdentityProof[]; readonly ask: (proof: IdentityProof) => Promise<CallerIdentity> };

/** STS as the CA sees it; it keeps what it was asked. `arn` is its answer to whatever comes. */
export function makeSts(arn: string | null = null): Sts {
  const asked: IdentityProof[] = [];
  return {
    asked,
    async ask(proof) {
      asked.push(proof);
      const accessKey = /Credential=(\w+)/.exec(proof.headers["authorization"] ?? "")?.[1] ?? "";
      const holder = arn ?? HOLDERS[accessKey];
      if (holder === undefined) throw Object.assign(new Error("no such key"), { name: "InvalidClientTokenId" });
      return { arn: holder, account: holder.split(":")[4] ?? "", userId: "AROAEXAMPLE:session" };
    },
  };
}

const AWS = makeRegion(generateKeyPairSync("rsa", { modulusLength: 2048 }));

/** A certificate like AWS's of a region (nobody looks at its own signature), and the key that signs documents. */
export function makeRegion({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): {
  pem: string;
  key: KeyObject;
} {
  const algorithm = der(0x30, Buffer.from("06092a864886f70d01010b0500", "hex"));
  const name = der(0x30, der(0x31, der(0x30, Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from("AWS")))));
  const [from, until] = ["240101000000Z", "490101000000Z"].map((time) => der(0x17, Buffer.from(time)));
  const validity = der(0x30, from ?? Buffer.alloc(0), until ?? Buffer.alloc(0));
  const subject = publicKey.export({ type: "spki", format: "der" });
  const body = der(0x30, Buffer.from("020101", "hex"), algorithm, name, validity, name, subject);
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.alloc(257)));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return { pem: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`, key: privateKey };
}

/** One value of ASN.1: X.690, section 8.1. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** The document as the metadata service gives it, spaces before the colons included. */
export function makeDocument(change: Record<string, unknown> = {}): string {
  const fields = {
    accountId: ACCOUNT,
    architecture: "x86_64",
    availabilityZone: "eu-west-1b",
    billingProducts: null,
    instanceId: HOST_A,
    pendingTime: "2024-05-01T02:03:04Z",
    privateIp: "10.1.2.3",
    region: "eu-west-1",
    version: "2017-09-30",
    ...change,
  };
  return JSON.stringify(fields, null, 2).replaceAll('": ', '" : ');
}

/** Base64 in lines of 76 characters, as the metadata service gives it. */
export function signDocument(document: string, key = AWS.key): string {
  const text = sign("sha256", new TextEncoder().encode(document), key).toString("base64");
  return text.match(/.{1,76}/g)?.join("\n") ?? "";
}

export const awsPem = AWS.pem;

export function withDocument(change: Record<string, unknown> = {}): Record<string, string> {
  const document = makeDocument(change);
  return { instance_identity_document: document, instance_identity_signature: signDocument(document) };
}

export const POLICY = parseHostPolicy(
  JSON.stringify({
    rules: [
      { account: ACCOUNT, role: "web-server", names: ["$" + "{instance_id}.hosts.example.com", "$" + "{private_ip}"] },
      { account: ACCOUNT, role: "web-server", session: HOST_B, names: ["web2.example.com"] },
    ],
  }),
);

const authority = generateKeyPairSync("ed25519").privateKey;
export const hostAuthority = publicBlob(authority);

export type HostWorld = {
  readonly records: Record<string, unknown>[];
  readonly sts: Sts;
  ask(event: unknown): Promise<HostAnswer>;
};

/** A CA for hosts with a policy and AWS's certificate. */
export function makeHostWorld(settings: HostParts["settings"] = {}, parts: Partial<HostParts> = {}): HostWorld {
  const records: Record<string, unknown>[] = [];
  const sts = makeSts();
  const handler = makeHostHandler({
    settings: { audience: AUDIENCE, policy: POLICY, instanceCertificates: [awsPem], ...settings },
    signer: { publicBlob: hostAuthority, sign: (bytes) => signBytes(authority, bytes) },
    callerIdentity: sts.ask,
    now: () => NOW,
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    log: (record) => records.push(record),
    ...parts,
  });
  return { records, sts, ask: (event) => handler(event, invocation) };
}

/** The certificate in an answer, verified; throws for errors. */
export function hostCertificateIn(answer: HostAnswer): Certificate {
  if (!("certificate" in answer)) throw new Error(`${answer.errorType}: ${answer.errorMessage}`);
  const certificate = parseCertificate(answer.certificate);
  if (!verifyCertificate(certificate)) throw new Error("the certificate does not verify");
  return certificate;
}
