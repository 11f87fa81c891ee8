// promise: without a terminal the MFA code is asked for in a window, or in any other terminal, and the blocked ssh goes on
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startWorld, type TestWorld } from "../scenarios/world.ts";
import { openPty } from "../terminal/pty.ts";
import { textsIn } from "../terminal/support.ts";

const HOST = "web1.sandbox.test";
let world: TestWorld;
const children: Bun.Subprocess[] = [];
const open = async (config: readonly string[] = []) => {
  world = await startWorld({ without: ["^mfa_command"], config });
};
afterEach(async () => {
  for (const child of children.splice(0)) {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {} // it has ended
    await child.exited;
  }
  await world.stop();
});

/** Starts a shell script in the world, without a terminal. */
function start(script: string, environment: Record<string, string> = {}) {
  const child = Bun.spawn(["/bin/sh", "-c", script], {
    env: { ...world.environment, ...environment },
    cwd: world.folder.root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  children.push(child);
  const texts = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return async () => {
    const [out, err] = await texts;
    return { status: await child.exited, out, err };
  };
}

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await Bun.sleep(30);
  }
}

const state = () => join(world.folder.state, "state");
const isPending = () => until("the question is pending", () => existsSync(join(state(), "question.json")));
const count = (action: string) => world.log.filter((record) => record.action === action).length;
const code = async () => (await start("bssh sandbox mfa")()).out.trim();
const LINE = "bssh: an MFA code is needed (alice); answer it in any terminal with bssh mfa\n";
/** Nothing of the machine that the tests run on opens a window. */
const NO_WINDOW = { DISPLAY: "", WAYLAND_DISPLAY: "", SSH_ASKPASS: "" };

describe("on a machine without windows", () => {
  test("an ssh waits, and bssh mfa with the code lets it go on", async () => {
    await open();
    const ssh = start(`bssh ${HOST} true`, NO_WINDOW);
    await isPending();
    const given = await code();
    expect(await start(`bssh mfa ${given}`)()).toEqual({ status: 0, out: "", err: "" });
    const { status, err } = await ssh();
    expect([status, err]).toEqual([0, LINE]);
    expect(count("GetSessionToken")).toBe(1);
    expect(textsIn(state())).not.toContain(given);
    expect(readdirSync(state()).filter((name) => name.includes("question"))).toEqual([]);
  });
  test("bssh mfa asks at its terminal without showing the answer, again when the code is wrong", async () => {
    await open();
    const ssh = start(`bssh ${HOST} true`, NO_WINDOW);
    await isPending();
    const pty = openPty("bssh mfa; echo after $?", world.environment);
    await pty.until("(alice): ");
    await pty.untilEcho(false);
    pty.type("000000\n");
    await pty.until("(alice): ", 2);
    await pty.untilEcho(false);
    const given = await code();
    pty.type(`${given}\n`);
    expect(await pty.end()).toBe(0);
    expect(pty.screen()).toEqual(["after 0"]);
    expect(pty.output()).not.toContain(given);
    expect((await ssh()).status).toBe(0);
    expect(count("GetSessionToken")).toBe(2);
  });
  test("bssh mfa with a wrong code says so, and the question stays", async () => {
    await open();
    const ssh = start(`bssh ${HOST} true`, NO_WINDOW);
    await isPending();
    const wrong = await start("bssh mfa 000000")();
    expect([wrong.status, wrong.out]).toEqual([1, ""]);
    expect(wrong.err).toMatch(/^bssh: .*refused.*; run bssh mfa again\n$/);
    expect((await start(`bssh mfa ${await code()}`)()).status).toBe(0);
    expect((await ssh()).status).toBe(0);
  });
  test("nobody answers: it is given up in time, and not asked again at once", async () => {
    await open(["question_seconds = 1"]);
    const first = await start("bssh login", NO_WINDOW)();
    expect(first.status).toBe(1);
    const why = "the question for an MFA code was not answered within a second";
    expect(first.err).toBe(`${LINE}bssh: ${why}; run bssh login in a terminal\n`);
    const began = Date.now();
    const second = await start("bssh login", NO_WINDOW)();
    expect(Date.now() - began).toBeLessThan(3000);
    expect(second.status).toBe(1);
    expect(second.err).toStartWith(`bssh: ${why}, and nobody is asked again for `);
    expect(count("GetSessionToken")).toBe(0);
  });
  test("bssh mfa takes a code from a pipe, once, and what is no code is said to be none", async () => {
    await open();
    const ssh = start(`bssh ${HOST} true`, NO_WINDOW);
    await isPending();
    expect(await start("echo tomorrow | bssh mfa")()).toEqual({
      status: 1,
      out: "",
      err: "bssh: that is no MFA code; run bssh mfa again\n",
    });
    const long = await start("head -c 5000000 /dev/zero | tr '\\0' 1 | bssh mfa")();
    expect([long.status, long.err]).toEqual([
      1,
      "bssh: what stands on stdin is too long for an answer; give the code alone\n",
    ]);
    const empty = await start(": | bssh mfa")();
    expect([empty.status, empty.err.split(";")[0]]).toEqual([1, "bssh: there is no terminal to ask at"]);
    // Its other end stays open: one line is enough.
    const pipe =
      "mkfifo codes; { bssh sandbox mfa; exec sleep 20; } >codes & bssh mfa <codes; got=$?; kill $!; exit $got";
    expect(await start(pipe)()).toEqual({ status: 0, out: "", err: "" });
    expect((await ssh()).status).toBe(0);
    expect(count("GetSessionToken")).toBe(1);
  });
  test("bssh mfa says when nothing is asked, or what is given is no code", async () => {
    await open();
    expect(await start("bssh mfa")()).toEqual({
      status: 1,
      out: "",
      err: "bssh: no question is pending; start one with bssh login\n",
    });
    expect((await start("bssh mfa tomorrow")()).status).toBe(64);
  });
  test("bssh mfa without a terminal asks for the code as a word", async () => {
    await open();
    start(`bssh ${HOST} true`, NO_WINDOW);
    await isPending();
    const { status, err } = await start("bssh mfa")();
    expect([status, err]).toEqual([
      1,
      "bssh: there is no terminal to ask at; give the code on stdin, or bssh mfa CODE\n",
    ]);
  });
});

// There is no X server on macOS; its own dialog can't be typed into by a test.
if (process.platform === "linux") {
  describe("with a window", () => {
    let server: Bun.Subprocess<"ignore", "pipe", "ignore">;
    let display = "";
    beforeAll(async () => {
      server = Bun.spawn(["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
      });
      // It ends when it can't write the whole line.
      const reader = server.stdout.getReader();
      const decoder = new TextDecoder();
      let text = "";
      while (!text.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error("Xvfb did not start");
        text += decoder.decode(value);
      }
      display = `:${text.trim()}`;
    });
    beforeEach(() => open(["question_seconds = 20"]));
    afterAll(async () => {
      server.kill();
      await server.exited;
    });

    const windowed = () => ({ ...NO_WINDOW, DISPLAY: display, SSH_ASKPASS: Bun.which("ssh-askpass") ?? "" });
    const xdotool = async (...words: string[]) => {
      const child = Bun.spawn(["xdotool", ...words], {
        env: { ...process.env, DISPLAY: display },
        stdout: "pipe",
        stderr: "ignore",
      });
      return (await new Response(child.stdout).text()).trim();
    };
    const findWindow = async () => (await xdotool("search", "--onlyvisible", "--name", ".")).split("\n").at(-1) ?? "";
    const openWindow = async () => {
      await until("the window is there", async () => (await findWindow()) !== "");
      const window = await findWindow();
      await xdotool("windowfocus", "--sync", window);
      return window;
    };
    const noWindow = () => until("the window is gone", async () => (await findWindow()) === "");

    test("the code is typed into it, and the ssh goes on without a word", async () => {
      const ssh = start(`bssh ${HOST} true`, windowed());
      await openWindow();
      await xdotool("type", "--delay", "20", await code());
      await xdotool("key", "Return");
      const { status, err } = await ssh();
      expect([status, err]).toEqual([0, ""]);
      await noWindow();
      expect(count("GetSessionToken")).toBe(1);
    });
    test("a window that is closed is remembered", async () => {
      const login = start("bssh login", windowed());
      await openWindow();
      await xdotool("key", "Escape");
      const { status, err } = await login();
      const why = "the question for an MFA code was declined";
      expect([status, err]).toEqual([1, `bssh: ${why}; run bssh login in a terminal\n`]);
      const second = await start("bssh login", windowed())();
      expect(second.err).toStartWith(`bssh: ${why}, and nobody is asked again for `);
      expect(await findWindow()).toBe("");
      expect(count("GetSessionToken")).toBe(0);
    });
    test("the window goes when the code is given elsewhere", async () => {
      const ssh = start(`bssh ${HOST} true`, windowed());
      await openWindow();
      expect((await start(`bssh mfa ${await code()}`)()).status).toBe(0);
      expect((await ssh()).status).toBe(0);
      await noWindow();
    });
    test("the window goes when the process that asks is told to end", async () => {
      const login = start("exec bssh login", windowed());
      await openWindow();
      children.at(-1)?.kill("SIGTERM");
      await login();
      await noWindow();
    });
  });
}
