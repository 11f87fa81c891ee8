// promise: a question without a terminal comes in the first window that opens, shown as plain text, and the window goes with it
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askDialog, askDialogs, type Dialog, findDialogs, prefersDialog } from "../../src/terminal/dialog.ts";
import { isRunning, until, writeProgram } from "./support.ts";

const QUESTION = { text: "MFA code (alice_phone)", secret: true };
let root: string;
let folder: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bssh-dialog-"));
});
beforeEach(() => {
  count += 1;
  folder = join(root, String(count));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const environment = (more: Record<string, string> = {}) => ({
  PATH: `${folder}:/usr/bin:/bin`,
  DISPLAY: ":9177",
  HERE: folder,
  ...more,
});
const order = (more: Record<string, string> = {}, signal = AbortSignal.timeout(20_000)) => ({
  environment: environment(more),
  signal,
  ending: "signal" as const,
});
const ask = (kind: Dialog["kind"], body: string, question = QUESTION) =>
  askDialog({ kind, program: writeProgram(folder, kind, body) }, question, order());

describe("the programs that are tried", () => {
  const everything = (name: string) => (name.startsWith("pinentry") || !name.includes("/") ? `/bin/${name}` : null);
  const names = (variables: Record<string, string>, platform: NodeJS.Platform = "linux") =>
    findDialogs(variables, everything, platform).map(({ program }) => program.replace("/bin/", ""));
  const windowed = ["zenity", "kdialog", "pinentry-gnome3", "pinentry-qt", "pinentry-gtk-2", "pinentry-x11"];
  windowed.push("pinentry-fltk", "pinentry", "ssh-askpass");
  const hasAskpass = [...windowed];

  test("are none without a display", () => {
    expect(names({})).toEqual([]);
    expect(names({ DISPLAY: "", WAYLAND_DISPLAY: "" })).toEqual([]);
  });
  test("are those that are there, in order, with a display", () => {
    const onPath = (variables: Record<string, string>) => names(variables).filter((name) => !name.startsWith("/"));
    expect(onPath({ DISPLAY: ":0" })).toEqual(hasAskpass);
    expect(onPath({ WAYLAND_DISPLAY: "wayland-0" })).toEqual(hasAskpass);
  });
  test("begin with SSH_ASKPASS, by ssh's own rules", () => {
    const first = (variables: Record<string, string>) => names({ SSH_ASKPASS: "my-askpass", ...variables })[0] ?? null;
    expect(first({ DISPLAY: ":0" })).toBe("my-askpass");
    expect(first({})).toBeNull();
    expect(first({ SSH_ASKPASS_REQUIRE: "prefer" })).toBeNull();
    expect(first({ SSH_ASKPASS_REQUIRE: "FORCE" })).toBe("my-askpass");
    expect(first({ DISPLAY: ":0", SSH_ASKPASS_REQUIRE: "prefer" })).toBe("my-askpass");
    expect(first({ DISPLAY: ":0", SSH_ASKPASS_REQUIRE: "never" })).toBeNull();
    expect(first({ DISPLAY: ":0", SSH_ASKPASS_REQUIRE: "perhaps" })).toBe("my-askpass");
    expect(first({ DISPLAY: ":0", SSH_ASKPASS: "" })).toBe("zenity");
  });
  test("leave out an SSH_ASKPASS that can't be run", () => {
    expect(names({ SSH_ASKPASS: "/nowhere/askpass", DISPLAY: ":0" })[0]).toBe("zenity");
    expect(names({ SSH_ASKPASS: "/tmp", DISPLAY: ":0" })[0]).toBe("zenity");
  });
  test("are osascript on macOS, which needs no display", () => {
    expect(names({ DISPLAY: ":0" }, "darwin")).toEqual(["osascript"]);
    expect(names({ SSH_ASKPASS: "my-askpass", SSH_ASKPASS_REQUIRE: "force" }, "darwin")).toEqual([
      "my-askpass",
      "osascript",
    ]);
  });
  test("come beside a terminal only where SSH_ASKPASS_REQUIRE says so", () => {
    expect(prefersDialog({ SSH_ASKPASS: "x", SSH_ASKPASS_REQUIRE: "prefer" })).toBe(true);
    expect(prefersDialog({ SSH_ASKPASS: "x", SSH_ASKPASS_REQUIRE: "force" })).toBe(true);
    expect(prefersDialog({ SSH_ASKPASS: "x" })).toBe(false);
    expect(prefersDialog({ SSH_ASKPASS_REQUIRE: "force" })).toBe(false);
  });
});

describe("the words of each program", () => {
  const RECORD = 'for word; do printf "%s\\n" "$word"; done > "$HERE/argv"; echo 123456';
  const wordsOf = async (kind: Dialog["kind"], question = QUESTION) => {
    expect(await ask(kind, RECORD, question)).toEqual({ answer: "123456" });
    return readFileSync(join(folder, "argv"), "utf8").slice(0, -1).split("\n");
  };
  test("zenity hides what is typed; an underscore is no mnemonic", async () => {
    expect(await wordsOf("zenity")).toEqual([
      "--entry",
      "--title=bssh",
      "--text=MFA code (alice__phone):",
      "--hide-text",
    ]);
    expect(await wordsOf("zenity", { text: "which device", secret: false })).not.toContain("--hide-text");
  });
  test("kdialog", async () => {
    expect(await wordsOf("kdialog")).toEqual(["--title=bssh", "--password=MFA code (alice_phone):"]);
    expect(await wordsOf("kdialog", { text: "which device", secret: false })).toContain("--inputbox=which device:");
  });
  test("askpass", async () => expect(await wordsOf("askpass")).toEqual(["MFA code (alice_phone): "]));
  test("osascript gets the question beside its script", async () => {
    const words = await wordsOf("osascript");
    expect(words.slice(-2)).toEqual(["MFA code (alice_phone):", "secret"]);
    expect(words.slice(0, -2).join("\n")).not.toContain("alice");
  });
  for (const kind of ["zenity", "kdialog", "askpass", "osascript"] as const) {
    test(`${kind}: nothing in the question is an option, markup or an escape`, async () => {
      const words = await wordsOf(kind, { text: "--help=<b>x</b> & \\n\u001b[31m", secret: true });
      const shown = words.find((word) => word.includes("help")) ?? "";
      expect(shown).toContain("bssh: --help=?b?x?/b? ? ?n?[31m");
      expect(shown.startsWith("--help")).toBe(false);
    });
  }
  test("VS Code's program for git is asked as for a passphrase, the only text that it takes", async () => {
    const editor = { VSCODE_GIT_ASKPASS_MAIN: "/x/askpass-main.js" };
    const asked = (body: string) =>
      askDialog({ kind: "askpass", program: writeProgram(folder, "ssh-askpass.sh", body) }, QUESTION, order(editor));
    expect(await asked('set -- $*; printf "%s|%s" "$2" "$5" > "$HERE/shown"; echo 123456')).toEqual({
      answer: "123456",
    });
    expect(readFileSync(join(folder, "shown"), "utf8")).toBe("passphrase|'MFA\u00a0code\u00a0(alice_phone)':");
    expect(await asked("sleep 0.6; echo")).toEqual({ cancelled: true });
    expect(await asked("echo")).toEqual({ failed: "it printed nothing" });
  });
  test("credentials and ssh's word for another kind of question stay behind", async () => {
    const program = writeProgram(folder, "askpass", 'env > "$HERE/environment"; echo 123456');
    const secrets = { AWS_SECRET_ACCESS_KEY: "hush-1", AWS_SESSION_TOKEN: "hush-2", SSH_ASKPASS_PROMPT: "confirm" };
    const kept = { AWS_PROFILE: "work", LANG: "de_DE" };
    await askDialog({ kind: "askpass", program }, QUESTION, order({ ...secrets, ...kept }));
    const seen = readFileSync(join(folder, "environment"), "utf8");
    expect(seen).toContain("AWS_PROFILE=work");
    expect(seen).toContain("LANG=de_DE");
    expect(seen).not.toContain("hush");
    expect(seen).not.toContain("SSH_ASKPASS_PROMPT");
  });
});

describe("what becomes of it", () => {
  const cases: Readonly<Record<string, readonly [Dialog["kind"], string, unknown]>> = {
    "the first line is the answer": ["zenity", "echo ' 123456 '; echo 2", { answer: "123456" }],
    "an answer without a line's end": ["askpass", "printf 123456", { answer: "123456" }],
    "warnings on stderr don't matter": ["kdialog", "echo warning >&2; echo 123456", { answer: "123456" }],
    "an empty answer of a person's": ["zenity", "sleep 0.6; echo", { answer: "" }],
    "an empty answer in no time is nobody's": ["askpass", "exit 0", { failed: "it printed nothing" }],
    cancelled: ["zenity", "exit 1", { cancelled: true }],
    "cancelled after a warning": [
      "kdialog",
      "echo 'Gtk-WARNING: no theme; display scale 2' >&2; sleep 0.6; exit 1",
      { cancelled: true },
    ],
    "osascript cancelled": [
      "osascript",
      "echo '0:99: execution error: User canceled. (-128)' >&2; exit 1",
      { cancelled: true },
    ],
    "osascript without a window server": [
      "osascript",
      "echo 'execution error: No user interaction allowed. (-1713)' >&2; exit 1",
      { failed: "execution error: No user interaction allowed. (-1713)" },
    ],
    "no display": [
      "askpass",
      `sleep 0.6; echo "Error: Can't open display: :0" >&2; exit 1`,
      { failed: "Error: Can't open display: :0" },
    ],
    "another failure at once": ["zenity", "echo 'bad option' >&2; exit 1", { failed: "bad option" }],
    "another status": ["zenity", "echo oh >&2; exit 255", { failed: "it ended with status 255: oh" }],
    "a crash": ["kdialog", "kill -ABRT $$", { failed: "it ended with a signal: " }],
    "too much": ["zenity", "head -c 3000 /dev/zero | tr '\\0' 7", { failed: "what it printed is no answer" }],
    "output without end": ["zenity", "exec cat /dev/zero", { failed: "what it printed is no answer" }],
    "what it leaves running isn't waited for": ["zenity", "sleep 9 & echo 123456", { answer: "123456" }],
  };
  for (const [name, [kind, body, said]] of Object.entries(cases)) {
    test(name, async () => {
      const began = Date.now();
      expect(await ask(kind, body)).toEqual(said as never);
      expect(Date.now() - began).toBeLessThan(6000);
    });
  }
  test("a program that can't be run has failed", async () => {
    const said = await askDialog({ kind: "zenity", program: "/nowhere/zenity" }, QUESTION, order());
    expect(said).toHaveProperty("failed");
  });
  for (const [name, wait] of Object.entries({
    "that hangs": "sleep 60",
    "that doesn't hear SIGTERM": "trap '' TERM; sleep 60; sleep 60",
  })) {
    test(`a program ${name} is gone with all that it started once it isn't wanted`, async () => {
      const program = writeProgram(
        folder,
        "zenity",
        `sleep 60 & echo $! > "$HERE/child"; echo $$ > "$HERE/pid"; ${wait}`,
      );
      const unwanted = new AbortController();
      const said = askDialog({ kind: "zenity", program }, QUESTION, order({}, unwanted.signal));
      await until("it runs", () => existsSync(join(folder, "pid")) && readFileSync(join(folder, "pid"), "utf8") !== "");
      unwanted.abort();
      expect(await said).toHaveProperty("failed");
      const pids = ["pid", "child"].map((file) => Number(readFileSync(join(folder, file), "utf8")));
      await until("both are gone", () => !pids.some(isRunning));
    });
  }
});

describe("of several programs", () => {
  const none = { SSH_ASKPASS: "my-askpass" };
  test("the next is tried when one can't open its window", async () => {
    writeProgram(folder, "my-askpass", "echo 'cannot open display' >&2; exit 1");
    writeProgram(folder, "zenity", "exit 255");
    writeProgram(folder, "kdialog", "echo 123456");
    expect(await askDialogs(QUESTION, order(none))).toEqual({ answer: "123456" });
  });
  test("none is tried after one that the person closed", async () => {
    writeProgram(folder, "my-askpass", "exit 1");
    writeProgram(folder, "zenity", 'touch "$HERE/asked"; echo 123456');
    expect(await askDialogs(QUESTION, order(none))).toEqual({ answer: null });
    expect(existsSync(join(folder, "asked"))).toBe(false);
  });
  test("no answer comes of none", async () => {
    const where = { ...order(), environment: { PATH: folder, DISPLAY: ":0", SSH_ASKPASS_REQUIRE: "never" } };
    expect(await askDialogs(QUESTION, where)).toBeNull();
  });
});

describe("pinentry", () => {
  /** Answers as told to each request; `GETPIN` as `pin` says. */
  const pinentry = (pin: string, more: { flavour?: string; before?: string } = {}) => `
    ${more.before ?? ""}
    echo "OK Pleased to meet you"
    while read -r line; do
      printf '%s\\n' "$line" >> "$HERE/heard"
      case $line in
        "GETINFO flavor") ${more.flavour ?? "echo 'D gtk2'; echo OK"};;
        GETPIN) ${pin};;
        *) echo OK;;
      esac
    done`;
  const cases: Readonly<Record<string, readonly [string, { flavour?: string; before?: string }, unknown]>> = {
    "gives the answer": ["echo 'D 123456'; echo OK", {}, { answer: "123456" }],
    "escapes what it gives": ["echo 'D 100%25 %C3%A9'; echo OK", {}, { answer: "100% é" }],
    "comments and states are no answer": [
      "echo '# hi'; echo 'S PIN_REPEATED'; echo 'D 1'; echo OK",
      {},
      { answer: "1" },
    ],
    "an empty answer": ["echo OK", {}, { answer: "" }],
    cancelled: ["echo 'ERR 83886179 Operation cancelled <Pinentry>'", {}, { cancelled: true }],
    "another error": ["echo 'ERR 83886142 Timeout <Pinentry>'", {}, { failed: "pinentry failed" }],
    "ends early": ["exit 0", {}, { failed: "pinentry ended" }],
    "has no window": [
      "exit",
      { flavour: "echo 'D gtk2:curses'; echo OK" },
      { failed: "pinentry has no window (gtk2:curses)" },
    ],
    "doesn't say what it is": [
      "exit",
      { flavour: "echo 'ERR 83886360 Unknown'" },
      { failed: "pinentry has no window (of an unknown flavour)" },
    ],
    "a line without end": ["exec cat /dev/zero", {}, { failed: "pinentry ended" }],
    "lines without end": ["exec yes", {}, { failed: "pinentry ended" }],
    "doesn't start": ["exit", { before: "exit 3" }, { failed: "pinentry did not start" }],
  };
  for (const [name, [pin, more, said]] of Object.entries(cases)) {
    test(name, async () => expect(await ask("pinentry", pinentry(pin, more))).toEqual(said as never));
  }
  test("is told the question with its line's signs escaped", async () => {
    await ask("pinentry", pinentry("echo OK"), { text: "100% sure\r\nGETPIN", secret: true });
    const heard = readFileSync(join(folder, "heard"), "utf8");
    expect(heard).toContain("SETDESC 100%25 sure?GETPIN\n");
  });
  test("is gone once the answer isn't wanted", async () => {
    const program = writeProgram(folder, "pinentry", pinentry('echo $$ > "$HERE/pid"; sleep 60'));
    const unwanted = new AbortController();
    const said = askDialog({ kind: "pinentry", program }, QUESTION, order({}, unwanted.signal));
    await until("it asks", () => existsSync(join(folder, "pid")) && readFileSync(join(folder, "pid"), "utf8") !== "");
    unwanted.abort();
    expect(await said).toEqual({ failed: "pinentry ended" });
    expect(isRunning(Number(readFileSync(join(folder, "pid"), "utf8")))).toBe(false);
  });
});
