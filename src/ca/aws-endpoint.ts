/** Where AWS's services answer: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html */

export type Environment = Readonly<Record<string, string | undefined>>;

type Partition = {
  readonly name: string;
  /** What the names of its regions begin with. */
  readonly prefix: string;
  readonly suffix: string;
  /** IAM is one for the whole partition. */
  readonly iam: { readonly host: string; readonly region: string };
};

const PARTITIONS: readonly Partition[] = [
  {
    name: "aws-cn",
    prefix: "cn-",
    suffix: "amazonaws.com.cn",
    iam: { host: "iam.cn-north-1.amazonaws.com.cn", region: "cn-north-1" },
  },
  {
    name: "aws-us-gov",
    prefix: "us-gov-",
    suffix: "amazonaws.com",
    iam: { host: "iam.us-gov.amazonaws.com", region: "us-gov-west-1" },
  },
  {
    name: "aws-eusc",
    prefix: "eusc-",
    suffix: "amazonaws.eu",
    iam: { host: "iam.eusc-de-east-1.amazonaws.eu", region: "eusc-de-east-1" },
  },
  { name: "aws", prefix: "", suffix: "amazonaws.com", iam: { host: "iam.amazonaws.com", region: "us-east-1" } },
];

export type Service = "kms" | "iam" | "sts";

export type Endpoint = {
  readonly url: URL;
  /** The region in the signature. */
  readonly region: string;
};

/** `aws`, `aws-cn`, …: the partition that a region is in. */
export function partitionOf(region: string): string {
  return find(region).name;
}

/**
 * Where to ask: AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL when set, else the region's own endpoint. Throws an Error for
 * an endpoint that is not https, which only this machine may be without.
 */
export function endpointOf(service: Service, region: string, environment: Environment): Endpoint {
  const { suffix, iam } = find(region);
  const signing = service === "iam" ? iam.region : region;
  const given = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || environment["AWS_ENDPOINT_URL"] || null;
  if (given === null) {
    const host = service === "iam" ? iam.host : `${service}.${region}.${suffix}`;
    return { url: new URL(`https://${host}/`), region: signing };
  }
  if (!URL.canParse(given)) throw new Error(`the endpoint that is set for ${service} is no address`);
  const url = new URL(given);
  const isHere = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isHere)) {
    throw new Error(`the endpoint that is set for ${service} is not protected by https`);
  }
  return { url, region: signing };
}

function find(region: string): Partition {
  const partition = PARTITIONS.find(({ prefix }) => region.startsWith(prefix));
  if (partition === undefined) throw new Error("a region of no partition");
  return partition;
}
