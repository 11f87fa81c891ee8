/** One POST to AWS over HTTPS: bounded in time and size. Connections stay open for the next. */
import http from "node:http";
import https from "node:https";

export type Post = {
  readonly url: URL;
  /** By names in lower case, `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
};

/** The request came to no answer. The name is the system's code (`ECONNREFUSED`), or TimeoutError. */
export type NoAnswer = Error & {
  /** The other side had closed a connection that was kept: a new one may do. */
  readonly wasReused: boolean;
};

const CONNECT_MS = 1000;
/** Far above the longest page of IAM. */
const MAX_ANSWER = 1024 * 1024;

// rejectUnauthorized is said so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
const secure = new https.Agent({ keepAlive: true, rejectUnauthorized: true, minVersion: "TLSv1.2" });
const plain = new http.Agent({ keepAlive: true });

/** Sends it and gives whatever comes back; rejects with NoAnswer, after `limit` milliseconds at the latest. */
export function post({ url, headers, body }: Post, limit: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const isPlain = url.protocol === "http:";
    const request = (isPlain ? http : https).request({
      agent: isPlain ? plain : secure,
      method: "POST",
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? (isPlain ? 80 : 443) : url.port,
      path: "/",
      headers: { ...headers, "content-length": `${body.length}` },
    });
    const timers = [setTimeout(expire, Math.max(1, limit))];
    function expire(): void {
      const error = named("TimeoutError", `${url.host} did not answer in time`);
      request.destroy(error);
      // A socket that was given away (101) brings no error of the request's.
      fail(error);
    }
    function end(): void {
      for (const timer of timers) clearTimeout(timer);
    }
    function fail(error: Error & { readonly code?: string }): void {
      end();
      const told =
        error.name === "Error" ? named(error.code ?? "NetworkError", `${url.host}: ${error.message}`) : error;
      reject(Object.assign(told, { wasReused: request.reusedSocket }));
    }
    request.on("error", fail);
    request.on("upgrade", (_, socket) => {
      socket.destroy();
      fail(named("InvalidAnswer", `${url.host} answers in another protocol`));
    });
    request.on("socket", (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(expire, CONNECT_MS);
      timers.push(timer);
      socket.once(isPlain ? "connect" : "secureConnect", () => clearTimeout(timer));
    });
    request.on("response", (response) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      response.on("error", fail);
      response.on("data", (chunk: Uint8Array) => {
        length += chunk.length;
        if (length > MAX_ANSWER) response.destroy(named("InvalidAnswer", `${url.host} answered with too much`));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        end();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.end(body);
  });
}

/** An Error of that name. */
export function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
