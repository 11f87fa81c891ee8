// promise: mfa_command answers in the person's place, and when it doesn't the person is told why
import { describe, expect, test } from "bun:test";
import { askCommand } from "../../src/terminal/ask.ts";
import { sentenceOf } from "../identity/support.ts";

const environment = { PATH: process.env["PATH"], GREETING: "from the environment" };
const ask = (command: string, limitMs?: number) => askCommand(command, environment, limitMs);

describe("mfa_command", () => {
  const answers: Readonly<Record<string, readonly [string, string]>> = {
    "its first line is the answer": ["echo 123456; echo 654321", "123456"],
    "white space around it is dropped": ["printf '  123456\\t\\r\\n'", "123456"],
    "a line without its end will do": ["printf 123456", "123456"],
    "it is a shell's line": ["test -n \"$GREETING\" && echo 12'34'56 | cat", "123456"],
    "it has the environment": ["echo $GREETING", "from the environment"],
    "it has no stdin": ["cat; echo 123456", "123456"],
    "its end is what is waited for, not that of what it left running": ["sleep 9 & echo 123456", "123456"],
    "however much it prints": ["echo 123456; head -c 5000000 /dev/zero", "123456"],
  };
  for (const [name, [command, answer]] of Object.entries(answers)) {
    test(name, async () => {
      const began = Date.now();
      expect(await ask(command)).toBe(answer);
      expect(Date.now() - began).toBeLessThan(5000);
    });
  }

  const failures: Readonly<Record<string, readonly [string, string]>> = {
    "a failure is one, whatever it printed": [
      "echo 123456; exit 3",
      "mfa_command failed with status 3; run it by hand to see why",
    ],
    "a program that isn't there": [
      "/nowhere/totp 2>/dev/null",
      "mfa_command failed with status 127; run it by hand to see why",
    ],
    "a death by a signal": ["kill -9 $$", "mfa_command failed with status 137; run it by hand to see why"],
    "a death by SIGTERM is no time-out": ["kill $$", "mfa_command failed with status 143; run it by hand to see why"],
    "nothing printed": ["true", "mfa_command printed no code; run it by hand to see why"],
    "an empty line printed": ["echo; echo 123456", "mfa_command printed no code; run it by hand to see why"],
  };
  for (const [name, [command, sentence]] of Object.entries(failures)) {
    test(`fails: ${name}`, async () => expect(await sentenceOf(() => ask(command))).toBe(sentence));
  }

  for (const [name, command] of Object.entries({
    "a command that hangs": "exec sleep 9",
    "a command whose program hangs": "sleep 9; echo 123456",
    "a command that doesn't hear SIGTERM": "trap '' TERM; sleep 9",
    "a command that prints for ever": "yes 2>/dev/null",
  })) {
    test(`is given up after the limit: ${name}`, async () => {
      const began = Date.now();
      expect(await sentenceOf(() => ask(command, 1000))).toBe(
        "mfa_command took longer than 1 seconds; check mfa_command",
      );
      expect(Date.now() - began).toBeLessThan(4000);
    });
  }
});
