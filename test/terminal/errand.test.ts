// promise: an answer that did not do what it was for is remembered with the errand's failure; one that did is not
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../src/failure.ts";
import * as files from "../../src/issue/private-files.ts";
import { makePerson } from "../../src/person.ts";
import { recall } from "../../src/terminal/refusal.ts";
import { writeProgram } from "./support.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-errand-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const QUESTION = {
  text: "MFA code (alice)",
  kind: "code",
  attempt: 1,
  attemptsLeft: 2,
  signal: new AbortController().signal,
} as const;
const FAILURE = new Failure("the CA is down", "try later");

/** A person in front of a window that answers as the script does. */
function personAt(script: string, settings: { questionSeconds?: number } = {}) {
  writeProgram(folder, "my-askpass", script);
  return makePerson({
    environment: { PATH: `${folder}:/usr/bin:/bin`, DISPLAY: ":9177", SSH_ASKPASS: "my-askpass" },
    config: {
      settings: { mfaCommand: null, questionSeconds: 20, refusalSeconds: 60, ...settings },
      paths: { state: join(folder, "state") },
    },
    mayAsk: true,
    inWindow: true,
  });
}
const remembered = () => recall(files, join(folder, "state"), Date.now())?.fact ?? null;
const sentenceOf = (asked: Promise<unknown>) => asked.then(String, (error) => error.sentence);

describe("an errand that fails", () => {
  test("after a code that was not accepted is remembered", async () => {
    const person = personAt("echo 123456");
    expect(await person.ask(QUESTION, () => {})).toBe("123456");
    person.finish(FAILURE);
    expect(remembered()).toBe("the CA is down");
  });
  test("after a code that was accepted is not", async () => {
    const person = personAt("echo 123456");
    await person.ask(QUESTION, () => {});
    person.accepted();
    person.finish(FAILURE);
    expect(remembered()).toBeNull();
  });
  test("after another code than the accepted one is remembered", async () => {
    const person = personAt("echo 123456");
    await person.ask(QUESTION, () => {});
    person.accepted();
    await person.ask(QUESTION, () => {});
    person.finish(FAILURE);
    expect(remembered()).toBe("the CA is down");
  });
  test("without any question is not", () => {
    personAt("exit 1").finish(FAILURE);
    expect(remembered()).toBeNull();
  });
});

describe("a question without an answer", () => {
  test("says so at once, and the same is remembered", async () => {
    const person = personAt("sleep 0.5; exit 1");
    expect(await sentenceOf(person.ask(QUESTION, () => {}))).toBe(
      "the question for an MFA code was declined; run bssh login in a terminal",
    );
    person.finish(FAILURE);
    expect(remembered()).toBe("the question for an MFA code was declined");
  });
  test("says how long it was asked", async () => {
    const person = personAt("sleep 20", { questionSeconds: 1 });
    expect(await sentenceOf(person.ask(QUESTION, () => {}))).toBe(
      "the question for an MFA code was not answered within a second; run bssh login in a terminal",
    );
  });
});

describe("a passphrase", () => {
  test("is asked for with the reason, and those who wait are told", async () => {
    const person = personAt('echo "$1"');
    const doings: string[] = [];
    const ask = (again: boolean) => person.passphrase("/k/own", again, (what) => doings.push(what));
    expect(await ask(false)).toBe("passphrase for /k/own:");
    expect(await ask(true)).toBe("that passphrase is wrong; next passphrase for /k/own:");
    expect(doings).toEqual([
      "asking for a passphrase",
      "asking for a certificate",
      "asking for a passphrase",
      "asking for a certificate",
    ]);
    person.finish(FAILURE);
    expect(remembered()).toBe("the CA is down");
  });
});
