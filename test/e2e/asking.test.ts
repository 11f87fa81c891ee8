// promise: a question reaches the person at the terminal, whatever stdin and stdout are, and leaves no trace of itself
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openPty, type Pty } from "../terminal/pty.ts";

const script = resolve(import.meta.dir, "../terminal/asking.ts");
const QUESTION = "MFA code for alice";
let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-asking-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Asking = Pty & {
  /** What came of the question. */
  answer(): unknown;
  /** Process id of the one that asks. */
  asker(): number;
};

/** A shell on a terminal that asks: stdin is a pipe, stdout and stderr are files. */
function ask(
  order: { text?: string; how?: string; more?: string; before?: string; after?: string; columns?: number } = {},
): Asking {
  count += 1;
  const out = join(folder, `out-${count}`);
  const program = `"${process.execPath}" "${script}" "${order.text ?? QUESTION}" ${order.how ?? "secret"} ${order.more ?? ""}`;
  const line = `${order.before ?? ""}\necho before\necho piped | ${program} >${out} 2>${out}.err\nstatus=$?\n${order.after ?? ""}\necho "after $status"`;
  const pty = openPty(line, {}, order.columns);
  return {
    ...pty,
    answer: () => JSON.parse(readFileSync(out, "utf8")),
    asker: () => Number(readFileSync(`${out}.err`, "utf8")),
  };
}

test("the answer is not shown while it is typed, and the question is gone afterwards", async () => {
  const pty = ask();
  await pty.until(`${QUESTION}: `);
  await pty.untilEcho(false);
  pty.type("123456\n");
  expect(await pty.end()).toBe(0);
  expect(pty.answer()).toEqual({ answer: "123456" });
  expect(pty.output()).not.toContain("123456");
  expect(pty.screen()).toEqual(["before", "after 0"]);
  expect(pty.echoes()).toBe(true);
});

test("an answer that may be seen is shown, and gone afterwards with its question", async () => {
  const pty = ask({ text: "which device: 1 phone, 2 token", how: "open" });
  await pty.until("2 token: ");
  expect(pty.echoes()).toBe(true);
  pty.type("2\n");
  expect(await pty.end()).toBe(0);
  expect(pty.answer()).toEqual({ answer: "2" });
  expect(pty.output()).toContain("2 token: 2");
  expect(pty.screen()).toEqual(["before", "after 0"]);
});

describe("a question longer than a row is gone afterwards", () => {
  const text = "that MFA code was refused, which means that it is wrong or was used; next MFA code (alice)";
  for (const how of ["secret", "open"]) {
    for (const columns of [20, 40, text.length + 2, text.length + 3, 200]) {
      test(`(${how}, ${columns} columns)`, async () => {
        const pty = ask({ text, how, columns });
        await pty.until("(alice): ");
        pty.type("123456\n");
        expect(await pty.end()).toBe(0);
        expect(pty.answer()).toEqual({ answer: "123456" });
        expect(pty.screen()).toEqual(["before", "after 0"]);
      });
    }
  }
});

test("the white space around an answer is dropped; letters of any script come through", async () => {
  const pty = ask({ how: "open" });
  await pty.until(`${QUESTION}: `);
  pty.type("  pass wörd ✓ \n");
  expect(await pty.end()).toBe(0);
  expect(pty.answer()).toEqual({ answer: "pass wörd ✓" });
});

test("control characters of a question don't reach the terminal", async () => {
  const pty = ask({ text: "passphrase for a\u001b[2Jb\u0007\u202ec" });
  await pty.until("passphrase for a?[2Jb?c: ");
  pty.type("x\n");
  expect(await pty.end()).toBe(0);
});

test("what was typed before the question is dropped, what is typed after the answer stays for ssh", async () => {
  const pty = ask({ after: 'read -r rest </dev/tty; echo "rest=$rest"' });
  await pty.until(`${QUESTION}: `);
  await pty.untilEcho(false);
  pty.type("123456\nls -l\n");
  expect(await pty.end()).toBe(0);
  expect(pty.answer()).toEqual({ answer: "123456" });
  expect(pty.screen()).toContain("rest=ls -l");
});

test("an answer longer than any answer is cut, and nothing of it reaches the next reader", async () => {
  const pty = ask({ after: 'read -r rest </dev/tty; echo "rest=$rest"' });
  await pty.until(`${QUESTION}: `);
  await pty.untilEcho(false);
  pty.type(`${"x".repeat(3000)}\nnext\n`);
  expect(await pty.end()).toBe(0);
  expect(pty.screen()).toContain("rest=next");
});

test("a person's own changes to the terminal are kept", async () => {
  const pty = ask({ before: "stty -echoe eof ^G", after: "stty -a" });
  await pty.until(`${QUESTION}: `);
  await pty.untilEcho(false);
  pty.type("123456\n");
  expect(await pty.end()).toBe(0);
  expect(pty.output()).toContain("eof = ^G");
  expect(pty.output()).toContain("-echoe");
});

describe("echo is on again, and the question gone, after", () => {
  test("Ctrl-D, which is said to be no answer", async () => {
    const pty = ask();
    await pty.until(`${QUESTION}: `);
    await pty.untilEcho(false);
    pty.type("\u0004");
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ sentence: "no answer was given; run it again and type the answer" });
    expect(pty.echoes()).toBe(true);
    expect(pty.screen()).toEqual(["before", "after 0"]);
  });

  test("Ctrl-D behind half an answer, twice", async () => {
    const pty = ask();
    await pty.until(`${QUESTION}: `);
    await pty.untilEcho(false);
    pty.type("123\u0004\u0004");
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ sentence: "no answer was given; run it again and type the answer" });
  });

  for (const [name, key, signal] of [
    ["Ctrl-C", "\u0003", 2],
    ["Ctrl-\\", "\u001c", 3],
  ] as const) {
    test(`${name}, of which the process dies as of any signal`, async () => {
      // The shell survives to tell.
      const pty = ask({ before: `trap : ${signal}; ulimit -c 0` });
      await pty.until(`${QUESTION}: `);
      await pty.untilEcho(false);
      pty.type(`123${key}`);
      expect(await pty.end()).toBe(0);
      expect(pty.echoes()).toBe(true);
      expect(pty.output()).toContain(`after ${128 + signal}`);
      expect(pty.screen().join("\n")).not.toContain(QUESTION);
    });
  }

  for (const [name, signal] of [
    ["TERM", 15],
    ["HUP", 1],
  ] as const) {
    test(`SIG${name}, of which the process dies`, async () => {
      const pty = ask();
      await pty.until(`${QUESTION}: `);
      await pty.untilEcho(false);
      process.kill(pty.asker(), `SIG${name}`);
      expect(await pty.end()).toBe(0);
      expect(pty.echoes()).toBe(true);
      expect(pty.screen().join("\n")).not.toContain(QUESTION);
      expect(pty.output()).toContain(`after ${128 + signal}`);
    });
  }

  test("the answer isn't wanted any more", async () => {
    const pty = ask({ more: "300" });
    await pty.until(`${QUESTION}: `);
    expect(await pty.end()).toBe(0);
    expect(pty.answer()).toEqual({ answer: null });
    expect(pty.echoes()).toBe(true);
    expect(pty.screen()).toEqual(["before", "after 0"]);
  });

  test("Ctrl-Z; with fg the question comes back, and echo goes", async () => {
    const out = join(folder, "stopped");
    const pty = openPty(`bash --norc --noprofile -i`, { PS1: "$ ", HISTFILE: "/dev/null" });
    await pty.until("$ ");
    pty.type(`"${process.execPath}" "${script}" "${QUESTION}" secret >${out} </dev/null\n`);
    await pty.until(`${QUESTION}: `);
    // Bash's own line editor has neither; what counts is what the process set.
    await pty.untilEcho(false);
    pty.type("12\u001a");
    await pty.until("Stopped");
    pty.type("stty -a | grep -ow -- '-*echo'; echo loo\\ked\n");
    await pty.until("looked");
    expect(pty.output().split("Stopped")[1]).toMatch(/\recho\r\n/);
    pty.type("fg\n");
    await pty.until(`${QUESTION}: `, 2);
    await pty.untilEcho(false);
    await Bun.sleep(50);
    pty.type("654321\n");
    const until = Date.now() + 5000;
    while (!(existsSync(out) && readFileSync(out, "utf8") !== "") && Date.now() < until) await Bun.sleep(10);
    expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({ answer: "654321" });
    expect(pty.output()).not.toContain("654321");
    pty.type("exit\n");
    await pty.end();
  });
});

test("without a terminal there is nobody to ask", () => {
  const { stdout, exitCode } = Bun.spawnSync(["setsid", "-w", process.execPath, script, QUESTION, "secret"], {
    stdin: "ignore",
  });
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout.toString())).toEqual({ answer: null });
});
