import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { inScene, openScene } from "./support.ts";

const KNOWN_DEVICE = { mfaSerial: "arn:aws:iam::123456789012:mfa/alice", connectSeconds: 1, readSeconds: 1 };

/** A server of bytes on loopback. */
async function listen(serve: (socket: Socket) => void): Promise<{ port: number; stop: () => void }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const stop = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { port: address.port, stop };
}

describe("on the way to AWS", () => {
  test("a certificate that isn't trusted is refused, and AWS_CA_BUNDLE makes it trusted", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const [key, certificate] = [`${scene.state}/key.pem`, `${scene.state}/ca.pem`];
      const words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        key,
        "-out",
        certificate,
      ];
      spawnSync("openssl", [
        ...words,
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
      ]);
      const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(certificate, "utf8") };
      const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls, fetch: () => new Response("<html>") });
      try {
        const environment = { ...scene.environment, AWS_ENDPOINT_URL: `https://localhost:${server.port}` };
        const ask = async () => null;
        expect((await scene.fail({ environment, ask })).message).toContain("shows a certificate that isn't trusted");
        const trusting = { ...environment, AWS_CA_BUNDLE: certificate };
        expect((await scene.fail({ environment: trusting, ask })).message).toContain("isn't AWS");
        const missing = { ...environment, AWS_CA_BUNDLE: `${scene.state}/none` };
        expect((await scene.fail({ environment: missing, ask })).message).toContain("/none can't be read");
        writeFileSync(`${scene.state}/empty`, "");
        const empty = { ...environment, AWS_CA_BUNDLE: `${scene.state}/empty` };
        expect((await scene.fail({ environment: empty, ask })).message).toContain("holds no certificate");
      } finally {
        await server.stop(true);
      }
    }));

  test("the proxy of the environment is used off loopback, and NO_PROXY passes it by", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const heard: string[] = [];
      const proxy = await listen((socket) => {
        socket.once("data", (data) => {
          heard.push(data.toString("latin1").split("\r\n")[0] ?? "");
          socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
        });
      });
      try {
        const behind = {
          ...scene.environment,
          HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
          AWS_ENDPOINT_URL: "https://sts.aws.invalid",
        };
        const failure = await scene.fail({ environment: behind, ask: async () => null });
        expect(heard.length).toBeGreaterThan(0);
        expect(heard[0]).toBe("CONNECT sts.aws.invalid:443 HTTP/1.1");
        expect(failure.message).toMatch(/proxy/);
        heard.length = 0;
        const around = { ...behind, NO_PROXY: "aws.invalid" };
        expect((await scene.fail({ environment: around, ask: async () => null })).message).toContain("can't be found");
        expect(heard).toEqual([]);
        // Loopback is never asked of a proxy.
        await scene.issue({
          environment: { ...scene.environment, HTTPS_PROXY: behind.HTTPS_PROXY, HTTP_PROXY: behind.HTTPS_PROXY },
        });
        expect(heard).toEqual([]);
      } finally {
        proxy.stop();
      }
    }));

  test("a connection that is reset when the code arrives does not see the code again", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      let codes = 0;
      const breaker = await listen((socket) => {
        socket.on("data", (data) => {
          codes += data.toString("latin1").split("TokenCode=").length - 1;
          socket.resetAndDestroy();
        });
      });
      try {
        // The caller is kept, so GetSessionToken is the first thing that is sent.
        const { readdirSync, rmSync } = await import("node:fs");
        const folder = `${scene.state}/state/cache`;
        for (const name of readdirSync(folder)) if (!name.startsWith("caller-")) rmSync(`${folder}/${name}`);
        const environment = { ...scene.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${breaker.port}` };
        const failure = await scene.fail({ environment, ask: async () => "123456" });
        expect(codes).toBe(1);
        expect(failure.next).toBe(
          "wait for the next code and try again, if need be with AWS_REGION set to another region",
        );
      } finally {
        breaker.stop();
      }
    }));

  test(
    "a server that never answers is given up after the time that is set",
    () =>
      inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
        const hole = await listen(() => {});
        try {
          const from = performance.now();
          const environment = { ...scene.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${hole.port}` };
          const failure = await scene.fail({ environment, ask: async () => null });
          expect(failure.message).toContain("doesn't answer in time");
          expect(performance.now() - from).toBeLessThan(7000);
        } finally {
          hole.stop();
        }
      }),
    15_000,
  );

  test(
    "an answer that trickles is given up too",
    () =>
      inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
        const timers: ReturnType<typeof setInterval>[] = [];
        const drip = await listen((socket) => {
          socket.once("data", () => {
            socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
            timers.push(setInterval(() => socket.write("x"), 100));
          });
        });
        try {
          const from = performance.now();
          const environment = { ...scene.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${drip.port}` };
          const failure = await scene.fail({ environment, ask: async () => null });
          expect(failure.message).toContain("doesn't answer in time");
          expect(performance.now() - from).toBeLessThan(7000);
        } finally {
          timers.forEach(clearInterval);
          drip.stop();
        }
      }),
    15_000,
  );
});
