// promise: a question comes wherever it can be answered, the first answer counts, and it is taken away from the other places
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as files from "../../src/issue/private-files.ts";
import { answerPending } from "../../src/terminal/answer-pending.ts";
import { askPerson, type Places } from "../../src/terminal/person.ts";
import { openPty } from "./pty.ts";
import { isRunning, until, writeProgram } from "./support.ts";

const CODE = "271828";
const script = resolve(import.meta.dir, "person-asking.ts");
const LINE = "bssh: an MFA code is needed (alice); answer it in any terminal with bssh mfa\n";
let root: string;
let folder: string;
let state: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bssh-person-"));
});
beforeEach(() => {
  count += 1;
  folder = join(root, String(count));
  state = join(folder, "state");
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const environment = (more: Record<string, string> = {}) => ({ PATH: `${folder}:/usr/bin:/bin`, HERE: folder, ...more });
/** A window is there: the fake askpass, and no other. */
const WINDOW = { DISPLAY: ":9177", SSH_ASKPASS: "my-askpass" };
const elsewhere = async (code = CODE) => {
  await until("the question is pending", () => existsSync(join(state, "question.json")));
  return answerPending({ state, files }, { code, askHere: async () => null, limitMs: 20_000 });
};
const written = (name: string) => existsSync(join(folder, name)) && readFileSync(join(folder, name), "utf8") !== "";

/** A process without a terminal that asks. */
function start(order: object, variables: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, script, state, JSON.stringify(order)], {
    env: environment(variables),
    detached: true,
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    pid: child.pid,
    exit: async () => {
      await child.exited;
      return child.signalCode ?? child.exitCode;
    },
    said: () => new Response(child.stderr).text(),
    answer: async () => {
      const lines = (await new Response(child.stdout).text()).trim().split("\n");
      return lines.map((line) => (line === "" ? null : JSON.parse(line)));
    },
  };
}

describe("without a terminal and a window", () => {
  test("it is said where to answer, and the answer comes from there", async () => {
    const asker = start({});
    expect(await elsewhere()).toEqual({ good: true, sentence: null });
    expect(await asker.answer()).toEqual([{ answer: CODE, by: "elsewhere" }]);
    expect(await asker.said()).toBe(LINE);
    expect(readdirSync(state)).toEqual([]);
  });
  test("nobody answers: it ends in time and leaves nothing", async () => {
    const asker = start({ limitMs: 400 });
    expect(await asker.answer()).toEqual([{ answer: null, why: "timeout" }]);
    expect(await asker.said()).toBe(LINE);
    expect(readdirSync(state)).toEqual([]);
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`it leaves nothing when ${signal} ends the process`, async () => {
      const asker = start({});
      await until("the question is pending", () => existsSync(join(state, "question.json")));
      process.kill(asker.pid, signal);
      expect([await asker.exit(), readdirSync(state)]).toEqual([signal, []]);
    });
  }
  test("where others can't be let answer that is not said to be so, and the reason is given", async () => {
    writeFileSync(state, "a file");
    const asker = start({});
    expect(await asker.answer()).toEqual([
      { answer: null, why: "nobody", reason: `${state}: a part of the path is no folder` },
    ]);
    expect(await asker.said()).toBe("");
  });
  test("it is said once for all the questions of an errand", async () => {
    const asker = start({ limitMs: 200, repeat: 3 });
    expect(await asker.answer()).toHaveLength(3);
    expect(await asker.said()).toBe(LINE);
  });
  test("a question for something else is named", async () => {
    const asker = start({ limitMs: 200, question: { text: "which device: 1 phone, 2 token", secret: false } });
    await asker.answer();
    expect(await asker.said()).toBe(
      "bssh: an answer is needed (which device: 1 phone, 2 token); answer it in any terminal with bssh mfa\n",
    );
  });
  test("with no time to wait nobody is asked", async () => {
    const asker = start({ limitMs: 0 });
    expect(await asker.answer()).toEqual([{ answer: null, why: "nobody" }]);
    expect(await asker.said()).toBe("");
    expect(existsSync(state)).toBe(false);
  });
  test("where no other process can answer nobody is asked", async () => {
    const asker = start({ pending: false });
    expect(await asker.answer()).toEqual([{ answer: null, why: "nobody" }]);
    expect(await asker.said()).toBe("");
  });
});

describe("with a window", () => {
  test("the answer comes from it, and nothing is said", async () => {
    writeProgram(folder, "my-askpass", `echo ${CODE}`);
    const asker = start({}, WINDOW);
    expect(await asker.answer()).toEqual([{ answer: CODE, by: "dialog" }]);
    expect(await asker.said()).toBe("");
    expect(readdirSync(state)).toEqual([]);
  });
  test("a window that is closed declines", async () => {
    writeProgram(folder, "my-askpass", "exit 1");
    const asker = start({}, WINDOW);
    expect(await asker.answer()).toEqual([{ answer: null, why: "declined" }]);
    expect(await asker.said()).toBe("");
  });
  test("it is said where to answer once no window opens", async () => {
    writeProgram(folder, "my-askpass", "echo 'cannot open display' >&2; exit 1");
    const asker = start({}, { ...WINDOW, PATH: folder });
    expect(await elsewhere()).toEqual({ good: true, sentence: null });
    expect(await asker.answer()).toEqual([{ answer: CODE, by: "elsewhere" }]);
    expect(await asker.said()).toBe(LINE);
  });
  test("no window comes where none is wanted", async () => {
    writeProgram(folder, "my-askpass", `echo ${CODE}`);
    const asker = start({ useDialog: false, limitMs: 200 }, WINDOW);
    expect(await asker.answer()).toEqual([{ answer: null, why: "timeout" }]);
  });
  for (const [name, order, answer] of [
    ["is answered elsewhere", {}, { answer: CODE, by: "elsewhere" }],
    ["has waited long enough", { limitMs: 700 }, { answer: null, why: "timeout" }],
  ] as const) {
    test(`the window is gone when the question ${name}`, async () => {
      writeProgram(folder, "my-askpass", 'echo $$ > "$HERE/pid"; sleep 60');
      const asker = start(order, WINDOW);
      await until("the window is there", () => written("pid"));
      if (answer.answer !== null) await elsewhere();
      expect(await asker.answer()).toEqual([answer]);
      expect(isRunning(Number(readFileSync(join(folder, "pid"), "utf8")))).toBe(false);
      expect(await asker.said()).toBe("");
    });
  }
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const) {
    for (const ending of ["signal", "status"] as const) {
      test(`the window is gone when ${signal} ends the process, by ${ending}`, async () => {
        writeProgram(folder, "my-askpass", 'echo $$ > "$HERE/pid"; sleep 60');
        const asker = start({ ending }, WINDOW);
        await until("the window is there", () => written("pid"));
        process.kill(asker.pid, signal);
        expect([await asker.exit(), await asker.said()]).toEqual([ending === "signal" ? signal : 1, ""]);
        expect(readdirSync(state)).toEqual([]);
        const window = Number(readFileSync(join(folder, "pid"), "utf8"));
        await until("the window is gone", () => !isRunning(window));
      });
    }
  }
});

describe("at a terminal", () => {
  const ask = (order: object, variables: Record<string, string> = {}) => {
    const words = `"${process.execPath}" "${script}" "${state}" '${JSON.stringify(order)}'`;
    const pty = openPty(`echo before\n${words} >"${folder}/out"\necho "after $?"`, environment(variables));
    return { ...pty, answer: () => JSON.parse(readFileSync(join(folder, "out"), "utf8").split("\n")[0] ?? "") };
  };
  test("it is asked there, with no window and no limit", async () => {
    writeProgram(folder, "my-askpass", 'touch "$HERE/asked"');
    const pty = ask({ limitMs: 50 }, WINDOW);
    await pty.until("(alice): ");
    await pty.untilEcho(false);
    await Bun.sleep(200);
    pty.type(`${CODE}\n`);
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ answer: CODE, by: "terminal" });
    expect(pty.screen()).toEqual(["before", "after 0"]);
    expect(existsSync(join(folder, "asked"))).toBe(false);
  });
  test("it is gone once it is answered elsewhere, with what was half typed", async () => {
    const pty = ask({});
    await pty.until("(alice): ");
    await pty.untilEcho(false);
    pty.type("99");
    expect(await elsewhere()).toEqual({ good: true, sentence: null });
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ answer: CODE, by: "elsewhere" });
    expect(pty.screen()).toEqual(["before", "after 0"]);
    expect(pty.echoes()).toBe(true);
  });
  test("Ctrl-D ends it everywhere", async () => {
    const pty = ask({});
    await pty.until("(alice): ");
    await pty.untilEcho(false);
    pty.type("\u0004");
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ sentence: "no answer was given; run it again and type the answer" });
    expect(readdirSync(state)).toEqual([]);
  });
  test("a window comes beside it where SSH_ASKPASS_REQUIRE prefers one", async () => {
    writeProgram(folder, "my-askpass", `sleep 0.3; echo ${CODE}`);
    const pty = ask({}, { ...WINDOW, SSH_ASKPASS_REQUIRE: "prefer" });
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ answer: CODE, by: "dialog" });
    expect(pty.screen()).toEqual(["before", "after 0"]);
  });
  test("a window that is closed leaves the terminal's question", async () => {
    writeProgram(folder, "my-askpass", 'touch "$HERE/closed"; exit 1');
    const pty = ask({}, { ...WINDOW, SSH_ASKPASS_REQUIRE: "prefer" });
    await until("the window is closed", () => existsSync(join(folder, "closed")));
    await pty.untilEcho(false);
    await Bun.sleep(100);
    pty.type(`${CODE}\n`);
    await pty.end();
    expect(pty.answer()).toEqual({ answer: CODE, by: "terminal" });
  });
  for (const secret of [true, false]) {
    const question = { text: secret ? "MFA code (alice)" : "which device (alice)", secret };
    test(`Ctrl-C makes a process that may not die by a signal exit with 1 (${secret ? "secret" : "open"})`, async () => {
      const pty = ask({ question, ending: "status" });
      await pty.until("(alice): ");
      await pty.untilEcho(!secret);
      await until("the question is pending", () => existsSync(join(state, "question.json")));
      // To this process alone: the shell of the test would die of Ctrl-C.
      const asker = await askerOf(pty.pid);
      process.kill(asker, "SIGINT");
      await pty.end();
      expect(pty.screen().at(-1)).toBe("after 1");
      expect(pty.echoes()).toBe(true);
      expect(readdirSync(state)).toEqual([]);
    });
    test(`a signal ends the process by that signal otherwise (${secret ? "secret" : "open"})`, async () => {
      const pty = ask({ question });
      await pty.until("(alice): ");
      await pty.untilEcho(!secret);
      await until("the question is pending", () => existsSync(join(state, "question.json")));
      process.kill(await askerOf(pty.pid), "SIGTERM");
      await pty.end();
      expect(readdirSync(state)).toEqual([]);
      expect(pty.screen().join("\n")).toContain("after 143");
      expect(pty.echoes()).toBe(true);
    });
  }
});

/** The process that a shell waits for. */
async function askerOf(shell: number): Promise<number> {
  const found = Bun.spawnSync(["ps", "-eo", "pid=,ppid="]).stdout.toString();
  for (const [, pid, parent] of found.matchAll(/(\d+)\s+(\d+)/g)) if (Number(parent) === shell) return Number(pid);
  throw new Error("nobody asks");
}

describe("when the answer isn't wanted any more", () => {
  const places = (more: Partial<Places> = {}): Places => ({
    environment: environment(WINDOW),
    pending: null,
    limitMs: 20_000,
    useTerminal: false,
    useDialog: true,
    say: () => {},
    ...more,
  });
  test("nobody is asked when it wasn't from the beginning", async () => {
    const question = { text: "x", secret: true, signal: AbortSignal.abort() };
    expect(await askPerson(question, places())).toEqual({ answer: null, why: "aborted" });
  });
  test("the window goes", async () => {
    writeProgram(folder, "my-askpass", 'echo $$ > "$HERE/pid"; sleep 60');
    const unwanted = new AbortController();
    const answer = askPerson({ text: "x", secret: true, signal: unwanted.signal }, places());
    await until("the window is there", () => written("pid"));
    unwanted.abort();
    expect(await answer).toEqual({ answer: null, why: "aborted" });
    expect(isRunning(Number(readFileSync(join(folder, "pid"), "utf8")))).toBe(false);
  });
});
