// promise: bssh ca public-key prints the CA's keys from wherever they are, and never makes one trusted for every host there is
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { type Bench, makeBench } from "./running.ts";

const ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const curve = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey;
const curveLine = formatPublicKey({ type: "ecdsa-sha2-nistp384", blob: publicBlob(curve), comment: "" });
const asked: string[] = [];
/** What the AWS of these tests answers. */
let kms: () => object = () => ({});
let lambda: () => unknown = () => ({});

let bench: Bench;
let server: ReturnType<typeof Bun.serve>;
let environment: Record<string, string>;
beforeAll(() => {
  bench = makeBench();
  bench.key("one");
  bench.key("two", ["-t", "rsa", "-b", "2048", "-N", "open sesame"]);
  bench.key("three", ["-t", "ecdsa", "-m", "PEM", "-N", "open sesame"]);
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const target = request.headers.get("x-amz-target");
      asked.push(
        `${target ?? pathname} ${/Credential=[^/]+\/\d+\/([^/]+)/.exec(request.headers.get("authorization") ?? "")?.[1]} ${await request.text()}`,
      );
      const answer = target === null ? lambda() : kms();
      const status = answer !== null && typeof answer === "object" && "__type" in answer ? 400 : 200;
      return new Response(JSON.stringify(answer), {
        status,
        headers: { "content-type": "application/x-amz-json-1.1" },
      });
    },
  });
  environment = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}`,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_REGION: "us-east-1",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  };
});
afterAll(() => {
  server.stop(true);
  bench.remove();
});

const run = (...words: string[]) => bench.run(["public-key", ...words], environment);
const lineOf = (name: string) => bench.read(`${name}.pub`).trim();
const bare = (line = "") => line.split(" ").slice(0, 2).join(" ");

test("of files, public or private, a line each, the same key once", async () => {
  bench.write("both.pub", `# while it is changed\n${lineOf("one")}\n\n${lineOf("two")}\n`);
  expect((await run("--key", bench.path("one.pub"))).out).toEqual([lineOf("one")]);
  const { out } = await run("--key", bench.path("one"), "--key", bench.path("two"), "--key", bench.path("both.pub"));
  expect(out.map(bare)).toEqual([lineOf("one"), lineOf("two")].map(bare));
  bench.write("pass", "open sesame\n");
  const pem = await run("--key", bench.path("three"), "--passphrase-file", bench.path("pass"));
  expect(pem.out.map(bare)).toEqual([bare(lineOf("three"))]);
  bench.write(
    "spki.pem",
    createPublicKey(curve.export({ format: "pem", type: "spki" }))
      .export({ format: "pem", type: "spki" })
      .toString(),
  );
  expect((await run("--key", bench.path("spki.pem"))).out).toEqual([curveLine]);
});

test("of KMS, in the region of the ARN, with the credentials at hand", async () => {
  kms = () => ({
    KeyId: ARN,
    KeyUsage: "SIGN_VERIFY",
    PublicKey: curve.export({ format: "der", type: "spki" }).toString("base64"),
  });
  asked.length = 0;
  const { out, failure } = await run("--kms", ARN, "--key", bench.path("one.pub"));
  expect([failure, out]).toEqual(["", [lineOf("one"), `${curveLine} ${ARN}`]]);
  await run("--kms", "alias/ca");
  await run("--kms", "alias/ca", "--region", "ap-south-1");
  expect(asked.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
    "TrentService.GetPublicKey eu-west-1",
    "TrentService.GetPublicKey us-east-1",
    "TrentService.GetPublicKey ap-south-1",
  ]);
});

test("of KMS: what is no key to sign with is refused", async () => {
  const der = (key: ReturnType<typeof createPublicKey>) =>
    key.export({ format: "der", type: "spki" }).toString("base64");
  const agreement = generateKeyPairSync("x25519").publicKey;
  kms = () => ({ KeyUsage: "ENCRYPT_DECRYPT", PublicKey: der(curve) });
  expect((await run("--kms", ARN)).failure).toContain("is not one that signs");
  kms = () => ({ KeyUsage: "SIGN_VERIFY", PublicKey: der(agreement) });
  expect((await run("--kms", ARN)).failure).toContain("of a kind that ssh does not know");
  kms = () => ({ KeyUsage: "SIGN_VERIFY", PublicKey: "AAAA" });
  expect((await run("--kms", ARN)).failure).toContain("of a kind that ssh does not know");
  kms = () => ({ __type: "AccessDeniedException", message: "no" });
  const { failure, out } = await run("--kms", ARN);
  expect([failure, out]).toEqual(["AWS denied GetPublicKey to the environment; ask the CA's administrators", []]);
});

test("of the CA's function, every key that it names", async () => {
  lambda = () => ({ publicKeys: [lineOf("one"), curveLine], offers: [] });
  asked.length = 0;
  const { out, failure } = await run("--function", "bless:PROD");
  expect([failure, out.map(bare)]).toEqual(["", [bare(lineOf("one")), curveLine]]);
  expect(asked).toEqual(['/2015-03-31/functions/bless/invocations us-east-1 {"bssh":"check"}']);
  for (const answer of [
    { errorType: "InputValidationError", errorMessage: "{}" },
    { publicKeys: [] },
    { publicKeys: ["ssh-ed25519 AAAA"] },
    { publicKeys: [7] },
    { publicKeys: `${lineOf("one")}` },
    null,
    "text",
  ]) {
    lambda = () => answer;
    expect((await run("--function", "bless")).failure).toContain("does not tell its public keys");
  }
});

test("for known_hosts, only for hosts of the organisation", async () => {
  const forHosts = (patterns: string) => run("--key", bench.path("one.pub"), "--host-ca", patterns);
  expect((await forHosts("*.example.com,!old.example.com")).out).toEqual([
    `@cert-authority *.example.com,!old.example.com ${lineOf("one")}`,
  ]);
  for (const patterns of ["*", "**", "*.*", "?*", "*.example.com,*", "[*]:*"]) {
    expect((await forHosts(patterns)).failure, patterns).toContain("every host there is");
  }
  for (const patterns of ["", "a b", "a,,b", "a\nb", "a,b #"]) {
    expect((await forHosts(patterns)).failure, patterns).toContain("is no pattern");
  }
  expect((await forHosts("!a")).failure).toContain("only exceptions");
});

test("of what holds none is refused", async () => {
  expect((await run()).failure).toContain("wants --key, --kms or --function");
  expect((await run("--key", bench.path("none"))).failure).toContain("there is no file");
  for (const text of ["", "# nothing\n", "hello\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]) {
    expect((await run("--key", bench.write("bad", text))).failure).toContain("holds no key");
  }
});
