import { randomBytes } from "node:crypto";
import { openSession, roleCaller } from "./aws/credentials.ts";
import type { World } from "./aws/world.ts";

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html */
const TOKEN_HEADER = "x-aws-ec2-metadata-token";
const LIFE_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const MAX_LIFE_SECONDS = 21_600;
const CREDENTIALS = "/latest/meta-data/iam/security-credentials/";
/** EC2's credentials last six hours. */
const CREDENTIAL_SECONDS = 21_600;
/** New credentials are there before the old ones end; SDKs ask in the last five minutes. */
const EARLY_SECONDS = 900;

/**
 * The metadata service of the world's instance on a port of loopback, IMDSv2 only: a PUT gives a token, and a GET without one
 * is refused. The credentials that it gives are a session of the instance's role, named by the instance's id.
 */
export function startMetadataService(world: World): { readonly url: string; readonly stop: () => void } {
  const { instance } = world;
  /** When each token ends, milliseconds since the epoch. */
  const tokens = new Map<string, number>();
  const credentials = makeCredentials(world);
  const pages: Readonly<Record<string, () => string>> = {
    [CREDENTIALS]: () => instance.role.name,
    [CREDENTIALS.slice(0, -1)]: () => instance.role.name,
    [CREDENTIALS + instance.role.name]: credentials,
    "/latest/meta-data/instance-id": () => instance.id,
    "/latest/meta-data/placement/region": () => instance.region,
    "/latest/dynamic/instance-identity/document": () => instance.document,
    "/latest/dynamic/instance-identity/signature": () => instance.signature,
  };

  function answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/latest/api/token") {
      if (request.method !== "PUT") return plain(405, "Not allowed");
      // As the real one does: a token must not go through a proxy.
      if (request.headers.has("x-forwarded-for")) return plain(403, "Forbidden");
      const life = request.headers.get(LIFE_HEADER) ?? "";
      if (!/^\d{1,5}$/.test(life) || Number(life) < 1 || Number(life) > MAX_LIFE_SECONDS)
        return plain(400, "Bad Request");
      const token = randomBytes(42).toString("base64url");
      tokens.set(token, world.now() + Number(life) * 1000);
      return plain(200, token, { [LIFE_HEADER]: life });
    }
    if (request.method !== "GET") return plain(405, "Not allowed");
    const ends = tokens.get(request.headers.get(TOKEN_HEADER) ?? "");
    if (ends === undefined || ends <= world.now()) return plain(401, "Unauthorized");
    const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
    return page === undefined ? plain(404, "Not Found") : plain(200, page());
  }

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch: answer });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
}

/** The page with the credentials, which are new ones when the last are near their end. */
function makeCredentials(world: World): () => string {
  const { instance } = world;
  let session = null as ReturnType<typeof openSession> | null;
  return () => {
    if (session === null || session.expiresAt - EARLY_SECONDS * 1000 <= world.now()) {
      session = openSession(world, roleCaller(instance.role, instance.id, null), CREDENTIAL_SECONDS);
    }
    return JSON.stringify({
      Code: "Success",
      LastUpdated: time(world.now()),
      Type: "AWS-HMAC",
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      Token: session.sessionToken,
      Expiration: time(session.expiresAt),
    });
  };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}

function plain(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain", ...headers } });
}
