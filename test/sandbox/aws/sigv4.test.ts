import { afterAll, describe, expect, test } from "bun:test";
import { EncryptCommand } from "@aws-sdk/client-kms";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { readAuthorization, verifySignature } from "../../../src/sandbox/aws/sigv4.ts";
import { refused, startSandbox } from "./clients.ts";

const sandbox = startSandbox();
const { world, url } = sandbox;
afterAll(sandbox.stop);

type Wire = {
  method: string;
  path: string;
  query: Record<string, unknown>;
  headers: Record<string, string>;
  body: unknown;
};

/** A stack of the SDK's middleware, as far as it is needed to change a request after it was signed. */
type Client = { middlewareStack: { addRelativeTo: (middleware: never, options: never) => void } };

function afterSigning<T extends Client>(client: T, change: (request: Wire) => void): T {
  const middleware = (next: (input: { request: Wire }) => unknown) => (input: { request: Wire }) => {
    change(input.request);
    return next(input);
  };
  const place = { relation: "after", toMiddleware: "httpSigningMiddleware", name: "change" };
  client.middlewareStack.addRelativeTo(middleware as never, place as never);
  return client;
}

describe("the examples of AWS's own test suite for Signature Version 4", () => {
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const now = Date.UTC(2015, 7, 30, 12, 36, 0);
  const verify = (query: string, signature: string, path = "/") => {
    const headers = new Headers({
      host: "example.amazonaws.com",
      "x-amz-date": "20150830T123600Z",
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
    const request = { method: "GET", path, query, headers, body: new Uint8Array() };
    verifySignature(request, readAuthorization(headers), secret, now, 5);
  };
  const vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

  test("get-vanilla", () => verify("", vanilla));
  test("get-slashes: the path is normalised", () => verify("", vanilla, "//"));
  test("get-vanilla-query-order-key-case: the query is sorted", () => {
    verify("Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  });
  test("another signature is refused", () => {
    expect(() => verify("", vanilla.replace("5", "6"))).toThrow("does not match the signature you provided");
  });
});

describe("a request changed on its way is refused", () => {
  const sts = () => sandbox.sts(world.user);
  const kms = () => sandbox.kms(world.user);
  const lambda = () => sandbox.lambda(world.user);
  const encrypt = new EncryptCommand({ KeyId: "alias/kmsauth", Plaintext: Buffer.from("x") });
  const invoke = new InvokeCommand({ FunctionName: "bless", Qualifier: "PROD", LogType: "Tail", Payload: "{}" });
  const identity = new GetCallerIdentityCommand({});
  const flip = (text: string | undefined) => (text ?? "").replace(/.$/, (end) => (end === "0" ? "1" : "0"));
  const table: [string, () => Promise<unknown>, string][] = [
    [
      "its signature",
      () =>
        afterSigning(sts(), ({ headers }) => {
          headers["authorization"] = flip(headers["authorization"]);
        }).send(identity),
      "SignatureDoesNotMatch",
    ],
    [
      "its body",
      () =>
        afterSigning(kms(), (request) => {
          request.body = "x".repeat(Number(request.headers["content-length"]));
        }).send(encrypt),
      "InvalidSignatureException",
    ],
    [
      "its action",
      () =>
        afterSigning(kms(), ({ headers }) => {
          headers["x-amz-target"] = "TrentService.Decrypt";
        }).send(encrypt),
      "InvalidSignatureException",
    ],
    [
      "its path",
      () =>
        afterSigning(lambda(), (request) => {
          request.path = request.path.replace("bless", "bliss");
        }).send(invoke),
      "InvalidSignatureException",
    ],
    [
      "its query",
      () =>
        afterSigning(lambda(), ({ query }) => {
          query["Qualifier"] = "BETA";
        }).send(invoke),
      "InvalidSignatureException",
    ],
    [
      "a signed header",
      () =>
        afterSigning(lambda(), ({ headers }) => {
          headers["x-amz-log-type"] = "None";
        }).send(invoke),
      "InvalidSignatureException",
    ],
    [
      "its date",
      () =>
        afterSigning(sts(), ({ headers }) => {
          headers["x-amz-date"] = (headers["x-amz-date"] ?? "").replace(/\d\dZ$/, "xxZ");
        }).send(identity),
      "IncompleteSignature",
    ],
    [
      "its region",
      () =>
        afterSigning(sts(), ({ headers }) => {
          headers["authorization"] = (headers["authorization"] ?? "").replace("us-east-1", "us-west-2");
        }).send(identity),
      "SignatureDoesNotMatch",
    ],
    [
      "its authorization, gone",
      () =>
        afterSigning(sts(), ({ headers }) => {
          delete headers["authorization"];
        }).send(identity),
      "MissingAuthenticationToken",
    ],
    [
      "an authorization of another kind",
      () =>
        afterSigning(kms(), ({ headers }) => {
          headers["authorization"] = "Basic eA==";
        }).send(encrypt),
      "IncompleteSignatureException",
    ],
    [
      "a token it was not signed with",
      () =>
        afterSigning(sts(), ({ headers }) => {
          headers["x-amz-security-token"] = "x";
        }).send(identity),
      "InvalidClientTokenId",
    ],
  ];
  test.each(table)("%s", async (_, call, name) => {
    expect((await refused(call())).name).toBe(name);
    expect(sandbox.records.at(-1)).toMatchObject({ principal: null, allowed: name });
  });

  test("a target that is not among the signed headers", () => {
    const headers = new Headers({
      host: "a",
      "x-amz-date": "20150830T123600Z",
      "x-amz-target": "TrentService.Encrypt",
      authorization: `AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`,
    });
    const request = { method: "POST", path: "/", query: "", headers, body: new Uint8Array() };
    expect(() => verifySignature(request, readAuthorization(headers), "", Date.UTC(2015, 7, 30, 12, 36), 5)).toThrow(
      "'x-amz-target' must be a 'SignedHeader'",
    );
  });
});

describe("a clock that is off", () => {
  const minute = 60_000;
  test.each([
    ["STS bears 14 minutes", 14, "sts", null],
    [
      "STS refuses a request of 16 minutes ago",
      16,
      "sts",
      /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 15 min\.\)$/,
    ],
    [
      "STS refuses a request from 16 minutes ahead",
      -16,
      "sts",
      /^Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 15 min\.\)$/,
    ],
    ["KMS refuses a request of 6 minutes ago", 6, "kms", / - 5 min\.\)$/],
    ["KMS refuses a request from 6 minutes ahead", -6, "kms", / \+ 5 min\.\)$/],
    ["Lambda refuses a request of 6 minutes ago", 6, "lambda", / - 5 min\.\)$/],
  ] as const)("%s", async (_, minutes, service, message) => {
    const skewed = startSandbox({ now: () => Date.now() + minutes * minute });
    try {
      const keys = skewed.world.user;
      const shape = { keepClock: true };
      const calls = {
        sts: () => skewed.sts(keys, shape).send(new GetCallerIdentityCommand({})),
        kms: () => skewed.kms(keys, shape).send(new EncryptCommand({ KeyId: "x", Plaintext: Buffer.from("x") })),
        lambda: () => skewed.lambda(keys, shape).send(new InvokeCommand({ FunctionName: "bless" })),
      };
      if (message === null) return void (await calls[service]());
      const refusal = await refused(calls[service]());
      expect(refusal.message).toMatch(message);
      expect(refusal).toMatchObject(
        {
          sts: { name: "SignatureDoesNotMatch", status: 403 },
          kms: { name: "InvalidSignatureException", status: 400 },
          lambda: { name: "InvalidSignatureException", status: 403 },
        }[service],
      );
    } finally {
      await skewed.stop();
    }
  });

  test("is corrected by AWS's own clients from the Date of the answer", async () => {
    const skewed = startSandbox({ now: () => Date.now() + 20 * minute });
    try {
      const client = skewed.sts(skewed.world.user, { attempts: 3 });
      client.config.systemClockOffset = 0;
      expect((await client.send(new GetCallerIdentityCommand({}))).Arn).toBe(skewed.world.user.arn);
      expect(skewed.records.map(({ allowed }) => allowed)).toEqual(["SignatureDoesNotMatch", true]);
    } finally {
      await skewed.stop();
    }
  });
});

describe("a scope that is not of this world is refused", () => {
  test("its region", async () => {
    const call = sandbox.sts(world.user, { region: "eu-west-1" }).send(new GetCallerIdentityCommand({}));
    expect((await refused(call)).message).toBe("Credential should be scoped to a valid region.");
  });

  test("its service", async () => {
    const authorization = `AWS4-HMAC-SHA256 Credential=${world.user.accessKeyId}/20150830/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;
    const answer = await fetch(url, { headers: { authorization } });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("Credential should be scoped to correct service");
  });
});
