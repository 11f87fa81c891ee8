import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Role } from "./credentials.ts";
import { selfSigned } from "./self-signed.ts";

/** An instance of EC2: what its metadata service tells of it. */
export type Instance = {
  readonly role: Role;
  /** `i-…` */
  readonly id: string;
  readonly region: string;
  /** Names that the CA's policy for hosts gives it. */
  readonly hosts: readonly string[];
  /** The instance identity document, and the signature in base64 with its line breaks. */
  readonly document: string;
  readonly signature: string;
  /** PEM of the certificate that the document is signed with, as AWS publishes one for each region. */
  readonly certificate: string;
};

export type InstanceTraits = {
  readonly role: Role;
  readonly region: string;
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly launchedAt: number;
};

/** One for all worlds: nothing of a world hangs on it. AWS's keys have 1024 bits as well. */
let documentKey: { readonly privateKey: KeyObject; readonly certificate: string } | null = null;

/** An instance with a document as of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html */
export function makeInstance({ role, region, hosts, launchedAt }: InstanceTraits): Instance {
  const id = `i-${randomBytes(9).toString("hex").slice(1)}`;
  const document = JSON.stringify(
    {
      accountId: role.account,
      architecture: "arm64",
      availabilityZone: `${region}a`,
      billingProducts: null,
      devpayProductCodes: null,
      marketplaceProductCodes: null,
      imageId: "ami-0123456789abcdef0",
      instanceId: id,
      instanceType: "t4g.micro",
      kernelId: null,
      pendingTime: new Date(launchedAt).toISOString().replace(/\.\d+Z$/, "Z"),
      privateIp: "10.0.0.7",
      ramdiskId: null,
      region,
      version: "2017-09-30",
    },
    null,
    2,
  );
  documentKey ??= makeDocumentKey();
  const signature = sign("sha256", Buffer.from(document), documentKey.privateKey).toString("base64");
  return {
    role,
    id,
    region,
    hosts,
    document,
    signature: signature.replace(/.{64}(?=.)/g, "$&\n"),
    certificate: documentKey.certificate,
  };
}

function makeDocumentKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return { privateKey, certificate: selfSigned(privateKey, "sandbox instance identity") };
}
