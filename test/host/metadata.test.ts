import { afterEach, describe, expect, test } from "bun:test";
import { askMetadata } from "../../src/host/metadata.ts";

const KEYS = { Code: "Success", AccessKeyId: "ASIAEXAMPLE", SecretAccessKey: "s3cr3t/key", Token: "t0ken==" };
const ROLES = "/latest/meta-data/iam/security-credentials/";

let server: ReturnType<typeof Bun.serve> | null = null;
afterEach(async () => {
  await server?.stop(true);
  server = null;
});

type Pages = Readonly<Record<string, (request: Request) => Response | Promise<Response>>>;

/** A metadata service with these pages in place of the usual ones; gives the environment that leads to it. */
function serve(pages: Pages = {}): Record<string, string> {
  const usual: Pages = {
    "/latest/api/token": (request) =>
      request.method === "PUT" && request.headers.get("x-aws-ec2-metadata-token-ttl-seconds") === "60"
        ? new Response("imds-token")
        : new Response("", { status: 400 }),
    [ROLES]: () => new Response("web-server"),
    [`${ROLES}web-server`]: () => Response.json(KEYS),
    "/latest/dynamic/instance-identity/document": () => new Response('{"instanceId":"i-1"}'),
    "/latest/dynamic/instance-identity/signature": () => new Response("c2ln\nbmF0dXJl"),
    ...pages,
  };
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const token = request.headers.get("x-aws-ec2-metadata-token");
      if (pathname !== "/latest/api/token" && token !== "imds-token") return new Response("", { status: 401 });
      return usual[pathname]?.(request) ?? new Response("", { status: 404 });
    },
  });
  return { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${server.port}` };
}

async function refusal(environment: Record<string, string>): Promise<string> {
  try {
    await askMetadata(environment);
  } catch (error) {
    return (error as { sentence: string }).sentence;
  }
  return "answered";
}

describe("the metadata service", () => {
  test("gives the role's session and the document, by a token", async () => {
    expect(await askMetadata(serve())).toEqual({
      keys: { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "s3cr3t/key", sessionToken: "t0ken==" },
      document: { text: '{"instanceId":"i-1"}', signature: "c2ln\nbmF0dXJl" },
    });
  });

  test("may have no document", async () => {
    const { document } = await askMetadata(
      serve({ "/latest/dynamic/instance-identity/signature": () => new Response("", { status: 404 }) }),
    );
    expect(document).toBeNull();
  });

  test("is not asked through the environment's proxy, which would see the keys", async () => {
    const before = process.env["http_proxy"];
    process.env["http_proxy"] = "http://127.0.0.1:9";
    try {
      expect((await askMetadata(serve())).keys.accessKeyId).toBe("ASIAEXAMPLE");
    } finally {
      if (before === undefined) delete process.env["http_proxy"];
      else process.env["http_proxy"] = before;
    }
  });

  test("that is not there is said in a sentence", async () => {
    const environment = serve();
    await server?.stop(true);
    expect(await refusal(environment)).toStartWith("this machine has no AWS credentials");
  });

  test("that never ends its answer is given up", async () => {
    const endless = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    expect(await refusal(serve({ "/latest/api/token": endless }))).toStartWith("this machine has no AWS credentials");
  });

  const HOSTILE: readonly (readonly [string, Pages, string])[] = [
    ["a token with a line break", { "/latest/api/token": () => new Response("a\r\nx: y") }, "this machine has no"],
    ["a token of 1 MB", { "/latest/api/token": () => new Response("a".repeat(1_000_000)) }, "this machine has no"],
    ["no role", { [ROLES]: () => new Response("", { status: 404 }) }, "this instance has no role"],
    ["a role with a path", { [ROLES]: () => new Response("../../user-data") }, "this instance has no role"],
    [
      "an error in place of keys",
      { [`${ROLES}web-server`]: () => Response.json({ Code: "Failed" }) },
      "gives no credentials",
    ],
    ["keys that are no JSON", { [`${ROLES}web-server`]: () => new Response("<html>s3cr3t") }, "gives no credentials"],
    [
      "keys with line breaks",
      { [`${ROLES}web-server`]: () => Response.json({ ...KEYS, Token: "a\nb" }) },
      "gives no credentials",
    ],
    [
      "keys of 1 MB",
      { [`${ROLES}web-server`]: () => Response.json({ ...KEYS, Token: "a".repeat(1_000_000) }) },
      "gives no credentials",
    ],
    [
      "a way elsewhere",
      { [`${ROLES}web-server`]: () => Response.redirect("http://127.0.0.1:9/", 302) },
      "gives no credentials",
    ],
  ];
  for (const [name, pages, sentence] of HOSTILE) {
    test(`with ${name} is refused without a word of it`, async () => {
      const said = await refusal(serve(pages));
      expect(said).toContain(sentence);
      expect(said).not.toContain("s3cr3t");
    });
  }

  test("at no http address is refused", async () => {
    for (const endpoint of ["file:///etc/passwd", "nonsense"]) {
      expect(await refusal({ AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint })).toStartWith(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
      );
    }
  });
});
