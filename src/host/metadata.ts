/**
 * EC2's instance metadata service, version 2: a session token first, then what is asked for
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html). It is a neighbour or not there at all.
 */
import { request } from "node:http";
import { Failure } from "../failure.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the service knows of this machine; the keys are a secret. */
export type Machine = {
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: string };
  /** The instance identity document and its signature, the very texts; null when there are none. */
  readonly document: { readonly text: string; readonly signature: string } | null;
};

/** For each answer, connecting included. */
const LIMIT_MS = 2000;
const LARGEST = 16 * 1024;
const TOKEN_SECONDS = 60;

/** Asks the service for the role's session and the instance's document. Throws Failure, which quotes nothing of it. */
export async function askMetadata(environment: Environment): Promise<Machine> {
  const base = endpointOf(environment);
  const token = await answerOf(base, "PUT", "/latest/api/token", {
    "x-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_SECONDS),
  });
  if (token === null || !/^[\x21-\x7e]{1,1024}$/.test(token)) throw silent();
  const get = (path: string) => answerOf(base, "GET", path, { "x-aws-ec2-metadata-token": token });

  const roles = "/latest/meta-data/iam/security-credentials/";
  const role = (await get(roles))?.trim().split("\n")[0] ?? "";
  if (!/^[\w+=,.@-]{1,64}$/.test(role)) {
    throw new Failure("this instance has no role", "give it an instance profile whose role may invoke the CA");
  }
  const keys = readKeys(await get(roles + role));
  if (keys === null) {
    throw new Failure(
      "the metadata service gives no credentials for this instance's role",
      "check its instance profile",
    );
  }
  const [text, signature] = await Promise.all([
    get("/latest/dynamic/instance-identity/document"),
    get("/latest/dynamic/instance-identity/signature"),
  ]);
  return { keys, document: text === null || signature === null ? null : { text, signature } };
}

/** As the SDKs read it. Throws Failure for what is no address. */
function endpointOf(environment: Environment): URL {
  const six = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.toLowerCase() === "ipv6";
  const usual = six ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  const url = URL.parse(environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] || usual);
  if (url?.protocol === "http:") return url;
  throw new Failure("AWS_EC2_METADATA_SERVICE_ENDPOINT is no http address", "unset it");
}

/** The body of a 200; null for any other answer. Throws Failure when there is none in time. */
function answerOf(
  base: URL,
  method: "GET" | "PUT",
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  const limit = AbortSignal.timeout(LIMIT_MS);
  limit.addEventListener("abort", () => reject(silent()));
  // node:http goes past the proxy of the environment, which must not see the credentials; fetch would ask it.
  const asked = request(new URL(path, base), { method, headers, signal: limit }, (answer) => {
    const parts: Buffer[] = [];
    let length = 0;
    answer.on("data", (part: Buffer) => {
      length += part.length;
      if (length > LARGEST) {
        resolve(null);
        asked.destroy();
      } else parts.push(part);
    });
    answer.on("end", () => resolve(answer.statusCode === 200 ? Buffer.concat(parts).toString("utf8") : null));
    answer.on("error", () => reject(silent()));
  });
  asked.on("error", () => reject(silent()));
  asked.end();
  return promise;
}

function readKeys(text: string | null): Machine["keys"] | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { AccessKeyId: id, SecretAccessKey: secret, Token: token } = value as Record<string, unknown>;
  const isText = (one: unknown): one is string => typeof one === "string" && /^[\x21-\x7e]{1,8192}$/.test(one);
  return isText(id) && isText(secret) && isText(token)
    ? { accessKeyId: id, secretAccessKey: secret, sessionToken: token }
    : null;
}

function silent(): Failure {
  return new Failure(
    "this machine has no AWS credentials: no metadata service of EC2 answers, and none are configured",
    "run this on an instance with a role, or configure credentials of a role in ~/.aws",
  );
}
