import { afterEach, describe, expect, test } from "bun:test";
import type { CaAws } from "../../src/ca/aws.ts";
import { endpointOf, partitionOf } from "../../src/ca/aws-endpoint.ts";
import { makeHttpAws } from "../../src/ca/aws-http.ts";
import { signedHeaders } from "../../src/ca/aws-signature.ts";
import { parseXml } from "../../src/ca/aws-xml.ts";
import type { IdentityProof } from "../../src/wire/caller-identity.ts";
import { makeRandom } from "../wire/support.ts";

type Seen = { readonly headers: Record<string, string>; readonly body: string };

let stop = (): void => {};
afterEach(() => stop());

/** AWS as a server that answers in turn with what it is given; the last answer stays. */
function serve(...answers: (() => Response | Promise<Response>)[]): { aws: CaAws; seen: Seen[]; url: URL } {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const answer = answers[Math.min(seen.length, answers.length - 1)];
      seen.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
      return (await answer?.()) ?? new Response(null, { status: 500 });
    },
  });
  stop = () => server.stop(true);
  return { aws: awsAt(server.url.href), seen, url: server.url };
}

function awsAt(url: string, more: Record<string, string> = {}): CaAws {
  const environment = {
    AWS_REGION: "eu-west-1",
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "ASIAEXAMPLEEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "CANARY-token",
    ...more,
  };
  return makeHttpAws({ environment: () => environment, now: () => Date.UTC(2024, 4, 6, 7, 8, 9) });
}

const json =
  (value: unknown, status = 200) =>
  () =>
    new Response(JSON.stringify(value), { status });
const text =
  (value: string, status = 200) =>
  () =>
    new Response(value, { status });
const DECRYPTED = json({ Plaintext: "AQI=", KeyId: "arn:aws:kms:eu-west-1:111122223333:key/k" });

function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: Error) => error,
  );
}

describe("a call", () => {
  test("is what KMS expects, signed with everything in it", async () => {
    const { aws, seen, url } = serve(DECRYPTED);
    expect(await aws.decrypt(Uint8Array.of(1, 2, 3), { from: "alice" })).toEqual({
      plaintext: Uint8Array.of(1, 2),
      keyId: "arn:aws:kms:eu-west-1:111122223333:key/k",
    });
    await aws.decrypt(Uint8Array.of(1), {});
    expect(seen[0]?.headers).toMatchObject({
      host: url.host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "TrentService.Decrypt",
      "x-amz-date": "20240506T070809Z",
      "x-amz-security-token": "CANARY-token",
    });
    expect(seen[0]?.headers["authorization"]).toContain(
      "Credential=ASIAEXAMPLEEXAMPLE/20240506/eu-west-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ",
    );
    expect(seen.map(({ body }) => JSON.parse(body))).toEqual([
      { CiphertextBlob: "AQID", EncryptionContext: { from: "alice" } },
      { CiphertextBlob: "AQ==" },
    ]);
  });

  test("is tried again when AWS is busy or broken, three times in all", async () => {
    for (const bad of [
      json({ __type: "ThrottlingException", message: "Rate exceeded" }, 400),
      json({ __type: "KMSInternalException" }, 500),
      text("<html>", 503),
    ]) {
      const { aws, seen } = serve(bad, bad, DECRYPTED);
      expect((await aws.decrypt(Uint8Array.of(1), {})).plaintext).toEqual(Uint8Array.of(1, 2));
      expect(seen).toHaveLength(3);
      stop();
      const never = serve(bad);
      await failure(never.aws.decrypt(Uint8Array.of(1), {}));
      expect(never.seen).toHaveLength(3);
      stop();
    }
  });

  test("that is refused is not made again, and rejects with AWS's name for it", async () => {
    const message = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt";
    for (const type of ["AccessDeniedException", "com.amazonaws.kms#AccessDeniedException"]) {
      const { aws, seen } = serve(json({ __type: type, Message: message }, 400));
      expect(await failure(aws.decrypt(Uint8Array.of(1), {}))).toMatchObject({
        name: "AccessDeniedException",
        message,
      });
      expect(seen).toHaveLength(1);
      stop();
    }
  });

  test("whose signature is refused says nothing of what was signed", async () => {
    const said = "The Canonical String should have been 'POST\n/\n\nx-amz-security-token:CANARY-token'";
    const { aws } = serve(json({ __type: "InvalidSignatureException", message: said }, 400));
    const error = await failure(aws.decrypt(Uint8Array.of(1), {}));
    expect(error.name).toBe("InvalidSignatureException");
    expect(error.message).not.toContain("CANARY");
  });

  test("that gets an answer of another kind fails, whatever it is", async () => {
    const answers = [
      text("<html></html>"),
      json([]),
      json({}),
      json({ Plaintext: "*", KeyId: "k" }),
      json({ Plaintext: 5, KeyId: "k" }),
      text("x".repeat(2 * 1024 * 1024)),
    ];
    for (const answer of answers) {
      const { aws, seen } = serve(answer);
      expect((await failure(aws.decrypt(Uint8Array.of(1), {}))).name).toMatch(/^(InvalidAnswer|ECONNRESET)$/);
      expect(seen.length).toBeLessThanOrEqual(3);
      stop();
    }
  });

  test("that nobody answers fails, and so does one that is answered too late", async () => {
    expect((await failure(awsAt("http://127.0.0.1:9/").decrypt(Uint8Array.of(1), {}))).name).toMatch(/REFUSED/);
    const { aws } = serve(() => new Promise(() => {}));
    expect((await failure(aws.decrypt(Uint8Array.of(1), {}))).name).toBe("TimeoutError");
  });

  test("needs credentials and a region", async () => {
    const without = awsAt("http://127.0.0.1:9/", { AWS_ACCESS_KEY_ID: "" });
    expect((await failure(without.decrypt(Uint8Array.of(1), {}))).name).toBe("CredentialsError");
    const nowhere = awsAt("http://127.0.0.1:9/", { AWS_REGION: "evil.example.com/" });
    expect((await failure(nowhere.decrypt(Uint8Array.of(1), {}))).name).toBe("ConfigurationError");
  });
});

test("the signature is AWS's own example's", () => {
  // https://github.com/awslabs/aws-c-auth, tests/aws-signing-test-suite/v4/post-vanilla
  const headers = signedHeaders(
    { host: "example.amazonaws.com" },
    new Uint8Array(0),
    { region: "us-east-1", service: "service" },
    { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: null },
    Date.UTC(2015, 7, 30, 12, 36, 0),
  );
  expect(headers["authorization"]).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  );
});

describe("the groups of a user", () => {
  const page = (names: string[], more: string) =>
    text(
      `<ListGroupsForUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListGroupsForUserResult><Groups>${names
        .map((name) => `<member><Path>/</Path><GroupName>${name}</GroupName></member>`)
        .join("")}</Groups>${more}</ListGroupsForUserResult></ListGroupsForUserResponse>`,
    );
  test("are those of every page", async () => {
    const { aws, seen } = serve(
      page(["ssh-a", "ssh-b"], "<IsTruncated>true</IsTruncated><Marker>m&amp;1</Marker>"),
      page(["ssh-c"], "<IsTruncated>false</IsTruncated>"),
    );
    expect(await aws.groupsOf("alice&Action=DeleteUser")).toEqual(["ssh-a", "ssh-b", "ssh-c"]);
    expect(seen.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))).toEqual([
      { Action: "ListGroupsForUser", Version: "2010-05-08", UserName: "alice&Action=DeleteUser" },
      { Action: "ListGroupsForUser", Version: "2010-05-08", UserName: "alice&Action=DeleteUser", Marker: "m&1" },
    ]);
    expect(seen[0]?.headers["authorization"]).toContain("/us-east-1/iam/aws4_request");
  });
  test("have an end", async () => {
    const { aws } = serve(page(["g"], "<IsTruncated>true</IsTruncated><Marker>m</Marker>"));
    expect((await failure(aws.groupsOf("alice"))).message).toContain("no end");
  });
  test("are refused with IAM's code", async () => {
    const { aws } = serve(
      text(
        "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>",
        404,
      ),
    );
    expect(await failure(aws.groupsOf("alice"))).toMatchObject({ name: "NoSuchEntity", message: "no" });
  });
});

describe("a proof of identity", () => {
  const ARN = "arn:aws:sts::111122223333:assumed-role/r/alice";
  const answer = (inside: string) =>
    text(
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n<GetCallerIdentityResult>${inside}</GetCallerIdentityResult><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
    );
  const GOOD = `<Arn>${ARN}</Arn>\n<UserId>AROAEXAMPLE:alice</UserId><Account>111122223333</Account>`;
  const proof = (host: string, region = "eu-central-1"): IdentityProof => ({
    region,
    headers: { authorization: "AWS4-HMAC-SHA256 x", host, "x-amz-date": "20240506T070809Z", "x-evil": "1" },
  });

  test("is sent as it was signed, without anything of the function's", async () => {
    const { aws, seen, url } = serve(answer(GOOD));
    expect(await aws.callerIdentity(proof(url.host))).toEqual({
      arn: ARN,
      account: "111122223333",
      userId: "AROAEXAMPLE:alice",
    });
    expect(seen[0]?.body).toBe("Action=GetCallerIdentity&Version=2011-06-15");
    expect(seen[0]?.headers).toMatchObject({ authorization: "AWS4-HMAC-SHA256 x", host: url.host });
    expect(seen[0]?.headers["x-amz-security-token"]).toBeUndefined();
    expect(seen[0]?.headers["x-evil"]).toBeUndefined();
  });

  test("goes to no host but AWS's", async () => {
    const { aws, seen } = serve(answer(GOOD));
    for (const host of ["evil.example.com", "sts.eu-central-1.amazonaws.com", "127.0.0.1"]) {
      expect((await failure(aws.callerIdentity(proof(host)))).name).toBe("InvalidProof");
    }
    const china = proof("sts.cn-north-1.amazonaws.com.cn", "cn-north-1");
    expect((await failure(aws.callerIdentity(china))).name).toBe("InvalidProof");
    expect(seen).toEqual([]);
  });

  test("proves nothing when STS answers with anything else", async () => {
    const bad = [
      "",
      GOOD.replace("<Account>111122223333</Account>", ""),
      GOOD.replace("<Account>111122223333", "<Account>444455556666"),
      `${GOOD}<Arn>${ARN}</Arn>`,
      GOOD.replace(ARN, "arn:aws:s3:::bucket"),
      GOOD.replace(ARN, `${ARN}<!-- -->`),
      GOOD.replace(ARN, `<![CDATA[${ARN}]]>`),
      GOOD.replace(ARN, `${ARN}&x;`),
      `<GetCallerIdentityResult>${GOOD}</GetCallerIdentityResult>`,
    ];
    for (const inside of bad) {
      const { aws, url } = serve(answer(inside));
      expect((await failure(aws.callerIdentity(proof(url.host)))).name).toBe("InvalidAnswer");
      stop();
    }
    const { aws, url } = serve(() => new Response(null, { status: 204 }));
    expect((await failure(aws.callerIdentity(proof(url.host)))).name).toBe("Http204");
  });
});

describe("an endpoint", () => {
  test("is the region's own", () => {
    const hosts = (service: "kms" | "iam" | "sts", region: string) => endpointOf(service, region, {}).url.href;
    expect(hosts("kms", "eu-west-1")).toBe("https://kms.eu-west-1.amazonaws.com/");
    expect(hosts("sts", "cn-north-1")).toBe("https://sts.cn-north-1.amazonaws.com.cn/");
    expect(hosts("iam", "eu-west-1")).toBe("https://iam.amazonaws.com/");
    expect(hosts("iam", "cn-northwest-1")).toBe("https://iam.cn-north-1.amazonaws.com.cn/");
    expect(hosts("iam", "us-gov-east-1")).toBe("https://iam.us-gov.amazonaws.com/");
    expect(endpointOf("iam", "us-gov-east-1", {}).region).toBe("us-gov-west-1");
    expect(["us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"].map(partitionOf)).toEqual([
      "aws",
      "aws-cn",
      "aws-us-gov",
      "aws-eusc",
    ]);
  });
  test("that is configured is the service's, before the one for all, and protected", () => {
    const set = { AWS_ENDPOINT_URL: "https://all.example/", AWS_ENDPOINT_URL_KMS: "http://127.0.0.1:1/" };
    expect(endpointOf("kms", "eu-west-1", set).url.host).toBe("127.0.0.1:1");
    expect(endpointOf("sts", "eu-west-1", set).url.host).toBe("all.example");
    for (const url of ["http://all.example/", "ftp://127.0.0.1/", "nonsense"]) {
      expect(() => endpointOf("sts", "eu-west-1", { AWS_ENDPOINT_URL: url })).toThrow("the endpoint that is set");
    }
  });
});

test("XML from a stranger is a tree or refused, never a crash", () => {
  const random = makeRandom("xml");
  const whole = "<a><b>x &amp; y</b><c/></a>";
  expect(parseXml(whole).children.map(({ name, text }) => [name, text])).toEqual([
    ["b", "x & y"],
    ["c", ""],
  ]);
  for (const bad of [
    "",
    "x",
    "<a>",
    "</a>",
    "<a></b>",
    "<a/><a/>",
    "<a>x<b/></a>",
    "<!DOCTYPE a><a/>",
    "<a>".repeat(50),
  ]) {
    expect(() => parseXml(bad)).toThrow("not the XML");
  }
  for (let round = 0; round < 3000; round++) {
    const at = random.below(whole.length);
    const changed = whole.slice(0, at) + String.fromCharCode(32 + random.below(95)) + whole.slice(at + random.below(3));
    try {
      parseXml(changed);
    } catch (error) {
      expect((error as Error).name).toBe("InvalidAnswer");
    }
  }
});

test("an answer that hands the connection to another protocol is none, and is not waited for", async () => {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
      },
    },
  });
  try {
    const from = performance.now();
    const error = await failure(awsAt(`http://127.0.0.1:${server.port}/`).decrypt(Uint8Array.of(1), {}));
    expect(["InvalidAnswer", "TimeoutError"]).toContain(error.name);
    expect(performance.now() - from).toBeLessThan(10_000);
  } finally {
    server.stop(true);
  }
});
