// What the tests of src/agent share: real agents, fake agents, keys and certificates made by ssh-keygen.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentOrder } from "../../src/agent/load.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";

/** Socket paths are short, so a deep TMPDIR is not used. */
const base = /^\/[\w/.-]{1,40}$/.test(tmpdir()) ? tmpdir() : "/tmp";

/** Half an hour, in seconds. */
export const HALF_AN_HOUR = 1800;

export type Identity = { readonly path: string; readonly key: string; readonly publicLine: string };

export type Agent = {
  readonly socket: string;
  /** Runs ssh-add on this agent, and gives its stdout. */
  sshAdd(...words: readonly string[]): string;
  /** Lines of `ssh-add -L` without the comments, in the agent's order. */
  lines(): string[];
  /** Comments in the agent's order. */
  comments(): string[];
};

export type Workbench = {
  readonly folder: string;
  /** A new key pair of the type (and curve), unencrypted. */
  makeKey(name: string, words?: readonly string[]): Identity;
  /** The same key written in another format: PEM or PKCS8. */
  convert(identity: Identity, format: "PEM" | "PKCS8"): Identity;
  /** A certificate by `ca` for alice; the line. It is not left beside the key. */
  certify(ca: Identity, identity: Identity, seconds?: number): string;
  startAgent(environment?: Record<string, string>): Promise<Agent>;
  /** Path for a socket or another file. */
  path(name: string): string;
  close(): void;
};

export function openWorkbench(): Workbench {
  const folder = mkdtempSync(join(base, "bssh-a-"));
  const agents: Bun.Subprocess[] = [];
  let count = 0;
  return {
    folder,
    path: (name) => join(folder, name),
    makeKey(name, words = ["-t", "ed25519"]) {
      const path = join(folder, name);
      run(["ssh-keygen", "-q", ...words, "-N", "", "-C", `key ${name}`, "-f", path]);
      return readIdentity(path);
    },
    convert(identity, format) {
      const path = `${identity.path}.${format.toLowerCase()}`;
      copyFileSync(identity.path, path);
      copyFileSync(`${identity.path}.pub`, `${path}.pub`);
      run(["ssh-keygen", "-q", "-p", "-m", format, "-N", "", "-P", "", "-f", path]);
      return readIdentity(path);
    },
    certify(ca, identity, seconds = HALF_AN_HOUR) {
      const subject = join(folder, `subject-${count++}`);
      writeFileSync(`${subject}.pub`, identity.publicLine);
      run(["ssh-keygen", "-q", "-s", ca.path, "-I", "test", "-n", "alice", "-V", `-5m:+${seconds}s`, `${subject}.pub`]);
      return readFileSync(`${subject}-cert.pub`, "utf8").trim();
    },
    async startAgent(environment = {}) {
      const socket = join(folder, `agent-${count++}`);
      agents.push(
        Bun.spawn(["ssh-agent", "-D", "-a", socket], {
          env: { PATH: process.env["PATH"] ?? "", ...environment },
          stdin: "ignore",
          stdout: "ignore",
          stderr: "ignore",
        }),
      );
      const sshAdd = (...words: readonly string[]) => run(["ssh-add", ...words], { SSH_AUTH_SOCK: socket }, [0, 1]);
      const ends = Date.now() + 10_000;
      while (!/no identities/.test(run(["ssh-add", "-l"], { SSH_AUTH_SOCK: socket }, [0, 1, 2]))) {
        if (Date.now() > ends) throw new Error("ssh-agent did not start");
        await Bun.sleep(10);
      }
      const listed = () =>
        sshAdd("-L")
          .trim()
          .split("\n")
          .filter((line) => !/no identities/.test(line));
      return {
        socket,
        sshAdd,
        lines: () => listed().map((line) => line.split(" ").slice(0, 2).join(" ")),
        comments: () => listed().map((line) => line.split(" ").slice(2).join(" ")),
      };
    },
    close() {
      for (const agent of agents) agent.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Order for an identity of the workbench at its true path. */
export function orderFor(
  socket: string,
  identity: Identity,
  certificate: string,
  wishes: Partial<AgentOrder> = {},
): AgentOrder {
  const { key, path } = identity;
  return { socket, key, path, certificate, confirm: false, now: Date.now(), limitMs: 10_000, ...wishes };
}

/** The `now` at which the certificate has so many seconds left. */
export function secondsBeforeEnd(certificate: string, seconds: number): number {
  return (Number(parseCertificate(certificate).validBefore) - seconds) * 1000;
}

/** A line of a key or certificate without its comment. */
export function bare(line: string): string {
  return line.trim().split(" ").slice(0, 2).join(" ");
}

/** Runs a program to its end and gives its stdout; throws with its stderr when it ends otherwise than it may. */
export function run(
  words: readonly string[],
  environment: Record<string, string> = {},
  good: readonly number[] = [0],
): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  if (!good.includes(exitCode)) throw new Error(`${words.join(" ")} ended with ${exitCode}: ${stderr}`);
  return stdout.toString();
}

function readIdentity(path: string): Identity {
  return { path, key: readFileSync(path, "utf8"), publicLine: readFileSync(`${path}.pub`, "utf8").trim() };
}

export type FakeAgent = {
  readonly socket: string;
  /** Types of the requests that came, in their order. */
  readonly requests: number[];
  /** Connections that are open now. */
  open(): number;
  stop(): void;
};

/** What a fake agent does with one request (type and fields): bytes to send as they are, "drop" or "hang". */
export type Behaviour = (request: Uint8Array, round: number) => Uint8Array | "drop" | "hang";

/** An agent that behaves as told. `dropAfter` makes "drop" come behind these bytes. */
export function startFake(socket: string, behave: Behaviour, dropAfter = new Uint8Array(0)): FakeAgent {
  const requests: number[] = [];
  let connections = 0;
  const server = Bun.listen<{ inbox: Uint8Array; outbox: Uint8Array }>({
    unix: socket,
    socket: {
      open(connection) {
        connection.data = { inbox: new Uint8Array(0), outbox: new Uint8Array(0) };
        connections++;
      },
      close() {
        connections--;
      },
      drain(connection) {
        connection.data.outbox = connection.data.outbox.slice(Math.max(0, connection.write(connection.data.outbox)));
      },
      data(connection, bytes) {
        connection.data.inbox = Buffer.concat([connection.data.inbox, bytes]);
        for (;;) {
          const { inbox } = connection.data;
          if (inbox.length < 4) return;
          const length = Buffer.from(inbox).readUInt32BE(0);
          if (inbox.length < 4 + length) return;
          const request = inbox.slice(4, 4 + length);
          connection.data.inbox = inbox.slice(4 + length);
          requests.push(request[0] ?? 0);
          const answer = behave(request, requests.length - 1);
          if (answer === "hang") continue;
          if (answer !== "drop") connection.data.outbox = answer.slice(Math.max(0, connection.write(answer)));
          else {
            connection.write(dropAfter);
            connection.end();
          }
        }
      },
    },
  });
  return { socket, requests, open: () => connections, stop: () => server.stop(true) };
}
