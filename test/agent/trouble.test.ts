import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { AGENT_LIMIT_MS, openAgent } from "../../src/agent/client.ts";
import { type AgentTrouble, agentCertificates, loadAgent } from "../../src/agent/load.ts";
import { agentSentence } from "../../src/agent/sentence.ts";
import { encodeListRequest } from "../../src/wire/agent.ts";
import { concat, decodeBase64, string, text, u32 } from "../../src/wire/bytes.ts";
import { makeRandom } from "../wire/support.ts";
import { type Behaviour, type FakeAgent, openWorkbench, orderFor, run, startFake } from "./support.ts";

const bench = openWorkbench();
afterAll(() => bench.close());
const identity = bench.makeKey("key");
const certificate = bench.certify(bench.makeKey("ca"), identity);
const [keyBlob, certificateBlob] = [identity.publicLine, certificate].map((line) =>
  decodeBase64(line.split(" ")[1] ?? ""),
);

const LIST = 11;
const REMOVE = 18;
const ADD = 25;
const SUCCESS = string(Uint8Array.of(6));
const FAILURE = string(Uint8Array.of(5));
const list = (...blobs: readonly (Uint8Array | undefined)[]) =>
  string(
    concat(
      Uint8Array.of(12),
      u32(blobs.length),
      ...blobs.map((blob) => concat(string(blob ?? new Uint8Array(0)), text("a comment"))),
    ),
  );

const fakes: FakeAgent[] = [];
afterEach(() => {
  for (const fake of fakes.splice(0)) fake.stop();
});
function fake(behave: Behaviour, dropAfter?: Uint8Array<ArrayBuffer>): FakeAgent {
  const made = startFake(
    bench.path(`fake-${fakes.length}-${Math.random().toString(36).slice(2, 8)}`),
    behave,
    dropAfter,
  );
  fakes.push(made);
  return made;
}

async function troubleWith(agent: FakeAgent, limitMs?: number): Promise<AgentTrouble | null> {
  const result = await loadAgent({ ...orderFor(agent.socket, identity, certificate), ...(limitMs ? { limitMs } : {}) });
  return result.loaded ? null : result.trouble;
}

async function allClosed(agent: FakeAgent): Promise<number> {
  const until = Date.now() + 5000;
  while (agent.open() > 0 && Date.now() < until) await Bun.sleep(5);
  return agent.open();
}

describe("an agent", () => {
  test("that refuses to list, or to add, is one that refuses; the connection is closed", async () => {
    const lists = fake(() => FAILURE);
    expect(await troubleWith(lists)).toBe("refused");
    expect(lists.requests).toEqual([LIST]);
    const adds = fake(([type]) => (type === LIST ? list() : FAILURE));
    expect(await troubleWith(adds)).toBe("refused");
    expect(adds.requests).toEqual([LIST, ADD]);
    expect([await allClosed(lists), await allClosed(adds)]).toEqual([0, 0]);
  });

  test("that is locked refuses", async () => {
    const askpass = bench.path("askpass");
    writeFileSync(askpass, "#!/bin/sh\necho secret\n", { mode: 0o755 });
    const agent = await bench.startAgent();
    const environment = {
      SSH_AUTH_SOCK: agent.socket,
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: "force",
      DISPLAY: ":9",
    };
    run(["ssh-add", "-x"], environment);
    expect(await loadAgent(orderFor(agent.socket, identity, certificate))).toEqual({
      loaded: false,
      trouble: "refused",
    });
    run(["ssh-add", "-X"], environment);
    expect(await loadAgent(orderFor(agent.socket, identity, certificate))).toEqual({ loaded: true, removed: 0 });
  });

  test("that accepts the certificate and does not list it is not counted on, and gets no plain key", async () => {
    const drops = fake(([type]) => (type === LIST ? list() : SUCCESS));
    expect(await troubleWith(drops)).toBe("unlisted");
    expect(drops.requests).toEqual([LIST, ADD, LIST, REMOVE]); // one add only: the certificate's
  });

  test("that makes a plain key of the certificate is rid of it again, but not of one that was there", async () => {
    const removed: string[] = [];
    const keeper = (before: readonly (Uint8Array | undefined)[]): Behaviour => {
      let added = false;
      return (request) => {
        if (request[0] === LIST) return added ? list(keyBlob) : list(...before);
        if (request[0] === REMOVE) removed.push(request.slice(5).toHex());
        else added = true;
        return SUCCESS;
      };
    };
    expect(await troubleWith(fake(keeper([])))).toBe("unlisted");
    expect(removed.splice(0)).toEqual([certificateBlob?.toHex() ?? "", keyBlob?.toHex() ?? ""]);
    expect(await troubleWith(fake(keeper([keyBlob])))).toBe("unlisted");
    expect(removed).toEqual([certificateBlob?.toHex() ?? ""]);
  });

  test("that refuses only the plain key holds the certificate, which is enough", async () => {
    let adds = 0;
    const picky = fake(([type]) => {
      if (type === LIST) return adds === 0 ? list() : list(certificateBlob);
      return ++adds === 1 ? SUCCESS : FAILURE;
    });
    expect(await troubleWith(picky)).toBeNull();
    expect(picky.requests).toEqual([LIST, ADD, LIST, ADD]);
  });

  test("that holds malformed entries of others serves all the same", async () => {
    const odd = [new Uint8Array(0), Uint8Array.of(0, 0, 0, 9, 1), certificateBlob?.slice(0, -9), text("a type")];
    let added = false;
    const behave: Behaviour = ([type]) => {
      if (type === LIST) return added ? list(...odd, certificateBlob) : list(...odd);
      added = true;
      return SUCCESS;
    };
    const agent = fake(behave);
    expect(await troubleWith(agent)).toBeNull();
    expect(agent.requests).toEqual([LIST, ADD, LIST, ADD]); // nothing removed
    expect((await agentCertificates(agent.socket))?.map((held) => held.certificate === null)).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  test("that hangs at any message is given up after the limit, and the connection is closed", async () => {
    for (let at = 0; at < 4; at++) {
      const good: Behaviour = ([type], round) =>
        type === LIST ? list(...(round > 0 ? [certificateBlob] : [])) : SUCCESS;
      const agent = fake((request, round) => (round === at ? "hang" : good(request, round)));
      const started = Date.now();
      expect(await troubleWith(agent, 150)).toBe("hung");
      expect(Date.now() - started).toBeLessThan(3000);
      expect(agent.requests).toHaveLength(at + 1);
      expect(await allClosed(agent)).toBe(0);
    }
  });

  test("that hangs is given up after nine tenths of a second unless told otherwise", async () => {
    expect(AGENT_LIMIT_MS).toBe(900);
    const agent = fake(() => "hang");
    const { limitMs: _, ...order } = orderFor(agent.socket, identity, certificate);
    const started = Date.now();
    expect(await loadAgent(order)).toEqual({ loaded: false, trouble: "hung" });
    expect(Date.now() - started).toBeGreaterThan(850);
    expect(Date.now() - started).toBeLessThan(3000);
  });

  test("that sends its answer a byte at a time is waited for, but never longer than the limit for all of it", async () => {
    const dripping = (answer: Uint8Array, everyMs: number) => {
      const server = Bun.listen({
        unix: bench.path(`drip-${everyMs}`),
        socket: {
          async data(connection) {
            for (const byte of answer) {
              connection.write(Uint8Array.of(byte));
              await Bun.sleep(everyMs);
            }
          },
        },
      });
      return { stop: () => server.stop(true), socket: bench.path(`drip-${everyMs}`) };
    };
    const quick = dripping(list(keyBlob), 0);
    expect(await agentCertificates(quick.socket, 10_000)).toHaveLength(1);
    quick.stop();
    const slow = dripping(list(keyBlob), 50);
    const started = Date.now();
    expect(await agentCertificates(slow.socket, 300)).toBeNull();
    expect(Date.now() - started).toBeLessThan(3000);
    slow.stop();
  });

  test("that ends the connection, before or within a message, is one that closed", async () => {
    for (const part of [new Uint8Array(0), list(keyBlob).slice(0, 3), list(keyBlob).slice(0, 20)]) {
      const agent = fake(() => "drop", part);
      expect(await troubleWith(agent)).toBe("closed");
      expect(await allClosed(agent)).toBe(0);
    }
    const later = fake(([type]) => (type === LIST ? list() : "drop"));
    expect(await troubleWith(later)).toBe("closed");
  });

  test("that announces a message of no or of more than 256 KiB talks garbage, and nothing of it is waited for", async () => {
    for (const length of [0, 256 * 1024 + 1, 0x7fff_ffff, 0xffff_ffff]) {
      const agent = fake(() => concat(u32(length), Uint8Array.of(12)));
      expect([length, await troubleWith(agent)]).toEqual([length, "garbage"]);
    }
    const long = Array.from({ length: 2048 }, () => new Uint8Array(100));
    expect(await agentCertificates(fake(() => list(...long)).socket, 10_000)).toHaveLength(2048);
  });

  test("that answers what was not asked, or more than that, talks garbage", async () => {
    for (const wrong of [SUCCESS, string(text("HTTP/1.1 400 Bad Request")), concat(list(), SUCCESS)]) {
      const agent = fake(() => wrong);
      expect(await troubleWith(agent)).toBe("garbage");
      expect(await allClosed(agent)).toBe(0);
    }
    expect(await troubleWith(fake(([type]) => (type === LIST ? list() : list())))).toBe("garbage");
  });

  test("that answers any bytes gives a trouble or a list, never an error, and no connection stays open", async () => {
    const random = makeRandom("garbage from agents");
    const good = [list(keyBlob, certificateBlob), SUCCESS, FAILURE, list()];
    const agent = fake(([type], round) => {
      const answer = (type === LIST && round % 3 > 0 ? good[0] : good[random.below(4)])?.slice() ?? SUCCESS;
      const changes = random.below(4);
      for (let change = 0; change < changes; change++) {
        // Half of the changes in the first bytes, where the length, the type and the count are.
        answer[random.below(random.below(2) === 0 ? 12 : answer.length)] = random.below(256);
      }
      const roll = random.below(12);
      if (roll === 0) return random.bytes(1 + random.below(60));
      return roll === 1 ? "drop" : answer.slice(0, roll === 2 ? 1 + random.below(answer.length) : answer.length);
    });
    const seen = new Map<string, number>();
    let rounds = 0;
    while (agent.requests.length < 1000) {
      rounds++;
      const trouble = (await troubleWith(agent, 10)) ?? "loaded";
      expect(["loaded", "refused", "hung", "closed", "garbage", "unlisted"]).toContain(trouble);
      seen.set(trouble, (seen.get(trouble) ?? 0) + 1);
    }
    expect(seen.size).toBeGreaterThan(3);
    expect(rounds).toBeGreaterThan(200);
    expect(await allClosed(agent)).toBe(0);
  }, 60_000);
});

describe("a socket", () => {
  test("that is not there, is not one, has nobody behind it, or can't be one is absent", async () => {
    writeFileSync(bench.path("file"), "");
    mkdirSync(bench.path("directory"));
    run([
      "python3",
      "-c",
      "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
      bench.path("deserted"),
    ]);
    const wrong = [
      bench.path("nobody"),
      bench.path("file"),
      bench.path("directory"),
      bench.path("deserted"),
      bench.path("file/below"),
      `${bench.path("")}${"x".repeat(120)}`,
      "",
      "relative/agent",
      "tcp://127.0.0.1:1",
      "\0abstract",
      `${bench.path("nobody")}\0`,
    ];
    for (const socket of wrong) {
      const result = await loadAgent(orderFor(socket, identity, certificate));
      expect([socket, result]).toEqual([socket, { loaded: false, trouble: "absent" }]);
      expect(await agentCertificates(socket)).toBeNull();
    }
  });

  test("whose queue is full does not hold anybody up", async () => {
    const script = `
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
print("ready", flush=True); time.sleep(60)`;
    const socket = bench.path("full");
    const child = Bun.spawn(["python3", "-c", script, socket], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    try {
      await child.stdout.getReader().read();
      const started = Date.now();
      const results = await Promise.all(Array.from({ length: 4 }, () => agentCertificates(socket, 150)));
      expect(results).toEqual([null, null, null, null]);
      expect(Date.now() - started).toBeLessThan(3000);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("that is closed gives no further answers, and the process can end", async () => {
    const agent = fake(() => list());
    const client = await openAgent(agent.socket);
    if (typeof client === "string") throw new Error(client);
    expect(await client.ask(encodeListRequest())).toBeInstanceOf(Uint8Array);
    client.close();
    client.close();
    expect(await client.ask(encodeListRequest())).toBe("closed");

    const source = `
      import { agentCertificates } from ${JSON.stringify(`${import.meta.dir}/../../src/agent/load.ts`)};
      await agentCertificates(${JSON.stringify(agent.socket)}, 60_000);
      await agentCertificates("/nobody", 60_000);`;
    const child = Bun.spawn([process.execPath, "-e", source], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const ended = await Promise.race([child.exited, Bun.sleep(20_000).then(() => "still there")]);
    child.kill("SIGKILL");
    expect(ended).toBe(0);
  });
});

describe("what is said of an agent", () => {
  test("is one line with a next move, and nothing when there is nothing to do", () => {
    const said = (trouble: AgentTrouble) => agentSentence(trouble, "/tmp/agent\u001b[2J");
    expect(said("absent")).toBeNull();
    expect(said("unloadable")).toBeNull();
    expect(said("unlisted")).toBe(
      'the ssh-agent at /tmp/agent?[2J does not keep certificates, so the certificate\'s file is used; set agent = "off" to have it left alone',
    );
    // ssh itself waits for an agent that hangs, whatever files there are.
    expect(said("hung")).toBe("the ssh-agent at /tmp/agent?[2J does not answer; restart it, or unset SSH_AUTH_SOCK");
    for (const trouble of ["refused", "closed", "garbage"] as const) {
      expect(said(trouble)).toMatch(
        /^the ssh-agent at \/tmp\/agent\?\[2J [^;]+, so the certificate's file is used; [^;]*[^.]$/,
      );
    }
  });
});
