// promise: a question that one process asks can be answered by another of the same user, who hears what came of it
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as files from "../../src/issue/private-files.ts";
import { type Answering, answerPending } from "../../src/terminal/answer-pending.ts";
import type { Question } from "../../src/terminal/ask.ts";
import { openPending } from "../../src/terminal/pending.ts";
import { isRunning, textsIn, until } from "./support.ts";

const CODE = "271828";
const WRONG = "314159";
let root: string;
let state: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bssh-pending-"));
});
beforeEach(() => {
  count += 1;
  state = join(root, String(count));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const record = (): string => join(state, "question.json");
const isPending = () => until("the question is pending", () => existsSync(record()));
const open = (environment: Record<string, string> = {}) => openPending({ state, files, environment });
const answer = (answering: Partial<Answering>) =>
  answerPending({ state, files }, { code: null, askHere: async () => null, limitMs: 20_000, ...answering });
const leftOvers = () => readdirSync(state);

function startAsker() {
  const child = Bun.spawn([process.execPath, resolve(import.meta.dir, "pending-asker.ts"), state, CODE], {
    stdout: "pipe",
    stderr: "inherit",
  });
  return {
    pid: child.pid,
    kill: () => child.kill("SIGKILL"),
    answers: async () => JSON.parse(await new Response(child.stdout).text()),
  };
}

/** A person in another terminal who types these, one after another. */
function typist(...answers: (string | null)[]) {
  const seen: Question[] = [];
  return {
    seen,
    askHere: async (question: Question) => {
      seen.push(question);
      return answers.shift() ?? null;
    },
  };
}

describe("another process", () => {
  test("answers with a code that it was given", async () => {
    const asker = startAsker();
    await isPending();
    expect(await answer({ code: CODE })).toEqual({ good: true, sentence: null });
    expect(await asker.answers()).toEqual([CODE]);
    expect(leftOvers()).toEqual([]);
  });
  test("asks its person, again when the code is refused", async () => {
    const asker = startAsker();
    await isPending();
    const person = typist(WRONG, CODE);
    expect(await answer(person)).toEqual({ good: true, sentence: null });
    expect(person.seen.map(({ text, secret }) => [text, secret])).toEqual([
      ["MFA code (alice)", true],
      ["that MFA code was refused; next MFA code (alice)", true],
    ]);
    expect(await asker.answers()).toEqual([WRONG, CODE]);
  });
  test("hears at the third refusal that it is over", async () => {
    const asker = startAsker();
    await isPending();
    const sentence = "that MFA code was refused; wait for the next";
    expect(await answer(typist(WRONG, WRONG, WRONG))).toEqual({ good: false, sentence });
    expect(await asker.answers()).toHaveLength(3);
  });
  test("hears that the code it was given was refused, and the question stays", async () => {
    const asker = startAsker();
    await isPending();
    expect(await answer({ code: WRONG })).toEqual({
      good: false,
      sentence: "that MFA code was refused; run bssh mfa again",
    });
    expect(await answer({ code: CODE })).toEqual({ good: true, sentence: null });
    expect(await asker.answers()).toEqual([WRONG, CODE]);
  });
  test("that gives no answer leaves the question as it is", async () => {
    const asker = startAsker();
    await isPending();
    expect(await answer(typist(null))).toMatchObject({ good: false });
    await expect(answer({ askHere: () => Promise.reject(new Error("Ctrl-D")) })).rejects.toThrow("Ctrl-D");
    expect(await answer({ code: CODE })).toEqual({ good: true, sentence: null });
    await asker.answers();
  });
  test("is told within a second or so when the asker is killed", async () => {
    const asker = startAsker();
    await isPending();
    const asked = Promise.withResolvers<void>();
    let withdrawn = false;
    const outcome = answer({
      askHere: ({ signal }) => {
        asked.resolve();
        return new Promise((done) =>
          signal?.addEventListener("abort", () => {
            withdrawn = true;
            done(null);
          }),
        );
      },
    });
    await asked.promise;
    asker.kill();
    const killed = Date.now();
    expect(await outcome).toEqual({ good: false, sentence: "the process that asked is gone; start it again" });
    expect(Date.now() - killed).toBeLessThan(3000);
    expect(withdrawn).toBe(true);
  });
  test("gives up on an asker that says nothing more", async () => {
    const asker = startAsker();
    await isPending();
    process.kill(asker.pid, "SIGSTOP");
    expect(await answer({ code: CODE, limitMs: 300 })).toMatchObject({ good: false });
    asker.kill();
  });
});

describe("two who answer", () => {
  test("one code is used, and the other hears what came of it", async () => {
    const pending = open();
    const asked = pending.ask({ text: "MFA code (alice)", secret: true });
    await isPending();
    const codes = [CODE, "161803"];
    const outcomes = codes.map((code) => answer({ code }));
    const used = await asked;
    expect(codes).toContain(used ?? "");
    await Bun.sleep(50);
    pending.finish({ good: true, sentence: null });
    expect(await Promise.all(outcomes)).toEqual([
      { good: true, sentence: null },
      { good: true, sentence: null },
    ]);
  });
  test("the slower one's question is taken away", async () => {
    const pending = open();
    const asked = pending.ask({ text: "MFA code (alice)", secret: true });
    await isPending();
    const reached = Promise.withResolvers<void>();
    let withdrawn = false;
    const slow = answer({
      askHere: ({ signal }) => {
        reached.resolve();
        return new Promise((done) =>
          signal?.addEventListener("abort", () => {
            withdrawn = true;
            done("999999");
          }),
        );
      },
    });
    await reached.promise;
    const quick = answer({ code: CODE });
    expect(await asked).toBe(CODE);
    await until("it is withdrawn", () => withdrawn);
    pending.finish({ good: false, sentence: "AWS is away; try later" });
    expect(await Promise.all([slow, quick])).toEqual([
      { good: false, sentence: "AWS is away; try later" },
      { good: false, sentence: "AWS is away; try later" },
    ]);
  });
});

describe("the asker", () => {
  test("leaves no file and hears nothing when nobody is asked", () => {
    const pending = open();
    pending.finish({ good: true, sentence: null });
    expect(existsSync(state)).toBe(false);
  });
  test("withdraws a question that isn't wanted, and asks the next at the same place", async () => {
    const pending = open();
    const unwanted = new AbortController();
    const first = pending.ask({ text: "first", secret: true, signal: unwanted.signal });
    await isPending();
    unwanted.abort();
    expect(await first).toBeNull();
    const second = pending.ask({ text: "second", secret: false });
    const person = typist("2");
    const outcome = answer(person);
    expect(await second).toBe("2");
    pending.finish({ good: true, sentence: null });
    expect(await outcome).toEqual({ good: true, sentence: null });
    expect(person.seen.map(({ text, secret }) => [text, secret])).toEqual([["second", false]]);
    expect(leftOvers()).toEqual([]);
  });
  test("asks nobody with a signal that was aborted before, or once it has finished", async () => {
    const pending = open();
    expect(await pending.ask({ text: "x", secret: true, signal: AbortSignal.abort() })).toBeNull();
    pending.finish({ good: true, sentence: null });
    expect(await pending.ask({ text: "x", secret: true })).toBeNull();
    expect(leftOvers()).toEqual([]);
  });
  test("keeps file and socket from others", async () => {
    const pending = open();
    const asked = pending.ask({ text: "x", secret: true });
    await isPending();
    for (const name of leftOvers()) expect([name, statSync(join(state, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    pending.finish({ good: false, sentence: null });
    await asked;
  });
  test("can't be answered where there is no private folder", async () => {
    writeFileSync(state, "a file");
    expect(await open().ask({ text: "x", secret: true })).toBeNull();
  });
  test("takes over from one that still asks, and neither takes the other's question away", async () => {
    const [old, young] = [open(), open()];
    const first = old.ask({ text: "old", secret: true });
    await isPending();
    const before = readFileSync(record(), "utf8");
    const second = young.ask({ text: "young", secret: true });
    await until("the other took over", () => readFileSync(record(), "utf8") !== before);
    old.finish({ good: false, sentence: null });
    await first;
    const person = typist(CODE);
    const outcome = answer(person);
    expect(await second).toBe(CODE);
    young.finish({ good: true, sentence: null });
    expect(await outcome).toEqual({ good: true, sentence: null });
    expect(person.seen.map(({ text }) => text)).toEqual(["young"]);
    expect(leftOvers()).toEqual([]);
  });
  test("sweeps what killed askers left", async () => {
    for (let round = 0; round < 2; round++) {
      const asker = startAsker();
      await until("it asks", () => existsSync(record()) && readFileSync(record(), "utf8").includes(`:${asker.pid},`));
      asker.kill();
      await until("it is gone", () => !isRunning(asker.pid));
    }
    // What is dead already may hold its socket for a moment longer.
    await Bun.sleep(200);
    expect(leftOvers().length).toBeGreaterThan(1);
    const pending = open();
    const asked = pending.ask({ text: "x", secret: true });
    await until("it took over", () => readFileSync(record(), "utf8").includes(`:${process.pid},`));
    expect(leftOvers()).toHaveLength(2);
    pending.finish({ good: false, sentence: null });
    await asked;
    expect(leftOvers()).toEqual([]);
  });
  test("finds another place for its socket when the path is too long", async () => {
    state = join(state, "a".repeat(100));
    const runtime = join(root, "run");
    mkdirSync(runtime, { recursive: true });
    const pending = open({ XDG_RUNTIME_DIR: runtime });
    const asked = pending.ask({ text: "x", secret: true });
    await isPending();
    expect(leftOvers()).toEqual(["question.json"]);
    const { socket } = JSON.parse(readFileSync(record(), "utf8"));
    expect(socket.startsWith(`${runtime}/`)).toBe(true);
    expect(statSync(resolve(socket, "..")).mode & 0o777).toBe(0o700);
    const outcome = answer({ code: CODE });
    expect(await asked).toBe(CODE);
    pending.finish({ good: true, sentence: null });
    expect(await outcome).toEqual({ good: true, sentence: null });
    expect(readdirSync(runtime)).toEqual([]);
  });
});

describe("what is strange", () => {
  test("no question is pending without a record, and none that can be believed", async () => {
    expect(await answer({ code: CODE })).toBe("none");
    mkdirSync(state, { mode: 0o700 });
    const socket = join(state, "question-00000000.sock");
    const good = { pid: 1, text: "x", socket, since: 0 };
    for (const text of [
      "",
      "[]",
      "null",
      "{",
      JSON.stringify(good),
      JSON.stringify({ ...good, socket: 5 }),
      JSON.stringify({ ...good, socket: "/etc/passwd" }),
      JSON.stringify({ ...good, socket: "question-00000000.sock" }),
      JSON.stringify({ ...good, text: null }),
      "x".repeat(100_000),
    ]) {
      writeFileSync(record(), text, { mode: 0o600 });
      expect([text.slice(0, 80), await answer({ code: CODE })]).toEqual([text.slice(0, 80), "none"]);
    }
    expect(existsSync("/etc/passwd")).toBe(true);
  });
  test("garbage on the asker's socket is sent away, and the question can still be answered", async () => {
    const pending = open();
    const asked = pending.ask({ text: "x", secret: true });
    await isPending();
    const { socket } = JSON.parse(readFileSync(record(), "utf8"));
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    const noise = (index: number) =>
      Uint8Array.from({ length: 3000 }, (_, at) => Math.imul(seed + index * 7919 + at, 2654435761) >>> 24);
    const words = [
      "\n",
      "null\n",
      '{"number":1}\n',
      '{"number":1,"answer":5}\n',
      `{"number":1,"answer":"${"1".repeat(2000)}"}\n`,
      '{"number":"1","answer":"1"}\n',
      "x".repeat(20_000),
      ...Array.from({ length: 5 }, (_, index) => Buffer.concat([noise(index), Buffer.from("\n")])),
    ];
    for (const word of words) {
      const closed = Promise.withResolvers<void>();
      const peer = await Bun.connect({
        unix: socket,
        socket: { data() {}, close: () => closed.resolve(), error() {} },
      });
      peer.write(word);
      await closed.promise;
    }
    // An answer to another question is no answer, and no offence.
    const late = await Bun.connect({ unix: socket, socket: { data() {}, error() {} } });
    late.write('{"number":99,"answer":"999999"}\n');
    const outcome = answer({ code: CODE });
    expect(await asked).toBe(CODE);
    pending.finish({ good: true, sentence: null });
    expect(await outcome).toEqual({ good: true, sentence: null });
    late.end();
  });
  test("garbage from an asker ends the answering", async () => {
    mkdirSync(state, { mode: 0o700 });
    const socket = join(state, "question-0000000a.sock");
    const words = ["nonsense\n", "{}\n", '{"kind":"over"}\n', '{"kind":"ask","number":1}\n', "x".repeat(20_000)];
    const listener = Bun.listen({
      unix: socket,
      socket: { open: (peer) => void peer.write(words.shift() ?? ""), data() {}, error() {} },
    });
    for (const _ of [...words]) {
      writeFileSync(record(), JSON.stringify({ pid: 1, text: "x", socket, since: 0 }), { mode: 0o600 });
      expect(await answer({ code: CODE })).toMatchObject({ good: false });
    }
    listener.stop(true);
  });
  test("what an asker says is fit for a terminal", async () => {
    const pending = open();
    const asked = pending.ask({ text: "MFA\u001b[2J code", secret: true });
    await isPending();
    const person = typist(CODE);
    const outcome = answer(person);
    await asked;
    pending.finish({ good: false, sentence: "no\u0007\nno" });
    expect(await outcome).toEqual({ good: false, sentence: "no?no" });
    expect(person.seen[0]?.text).toBe("MFA?[2J code");
  });
});

test("a code stands in no file and in nobody's words", async () => {
  const asker = startAsker();
  await isPending();
  const seen: string[] = [];
  const outcome = answer({
    askHere: async () => {
      await Bun.sleep(20);
      seen.push(textsIn(state));
      return WRONG;
    },
  });
  await outcome;
  await asker.answers();
  expect(seen.length).toBeGreaterThan(1);
  expect(seen.join("")).toContain("question.json");
  expect(seen.join("")).not.toContain(WRONG);
});
